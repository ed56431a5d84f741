<#
.SYNOPSIS
Runs Checkpoint Bot on Windows from the machine's start on, by the Task Scheduler.

.DESCRIPTION
Written by `checkpointbot init --service windows`. Windows runs only programs that were made for it as services, so the
bot is a task: it starts with the machine, without anybody logged on, and within a minute where it is not running. The
account needs the right to log on as a batch job; nothing else.

Run this twice, elevated. The first time it makes the folder, which the account and administrators alone can read, and in
it a folder for the secrets: put checkpointbot.yaml and the secrets there (see Secrets in the README). The second time it
registers the task, which starts within a minute.

    Stop-ScheduledTask -TaskName CheckpointBot      # begin it anew, as after a change of the settings: Windows has no SIGHUP
    Disable-ScheduledTask -TaskName CheckpointBot   # keep it from beginning, and stop it then to end it
    Enable-ScheduledTask -TaskName CheckpointBot    # let it begin again, within a minute
    Get-ScheduledTaskInfo -TaskName CheckpointBot   # how it ended last

What is under way when it is stopped is looked at by the next start. The log is bot.log in the folder.

.PARAMETER Account
The account that it runs as: CONTOSO\svc-checkpoint, or a group managed service account, CONTOSO\gmsa-checkpoint$.

.PARAMETER Folder
Where checkpointbot.yaml, the secrets folder and the data folder are.

.PARAMETER Program
The executable that was installed.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Account,
    [string] $Folder = 'C:\ProgramData\CheckpointBot',
    [string] $Program = 'C:\Program Files\CheckpointBot\Scripts\checkpointbot.exe',
    [securestring] $Password
)

$ErrorActionPreference = 'Stop'

# In C:\ProgramData every user may read, and put files into folders that inherit from it: a .env would set anything.
function New-PrivateFolder([string] $Path, [string] $Right) {
    $before = Get-ChildItem -LiteralPath $Path -Force -ErrorAction SilentlyContinue
    if ($before -and -not (Get-Acl -LiteralPath $Path).AreAccessRulesProtected) {
        Write-Warning "Others could write to $Path until now. Look whether all in it is yours: $($before.Name -join ', ')"
    }
    $directory = New-Item -ItemType Directory -Path $Path -Force
    $system = [System.Security.Principal.SecurityIdentifier]::new('S-1-5-18')
    $administrators = [System.Security.Principal.SecurityIdentifier]::new('S-1-5-32-544')
    $rights = @(
        @($system, 'FullControl'),
        @($administrators, 'FullControl'),
        @([System.Security.Principal.NTAccount]::new($Account), $Right)
    )
    $access = [System.Security.AccessControl.DirectorySecurity]::new()
    $access.SetOwner($administrators)
    $access.SetAccessRuleProtection($true, $false)
    foreach ($one in $rights) {
        $access.AddAccessRule([System.Security.AccessControl.FileSystemAccessRule]::new(
            $one[0], $one[1], 'ContainerInherit, ObjectInherit', 'None', 'Allow'))
    }
    Set-Acl -LiteralPath $directory.FullName -AclObject $access
}

if (-not (Test-Path -LiteralPath $Program)) { throw "There is no $Program. Install the bot first, or name it with -Program." }
New-PrivateFolder $Folder 'Modify'
New-PrivateFolder "$Folder\secrets" 'ReadAndExecute'
if (-not (Test-Path -LiteralPath "$Folder\checkpointbot.yaml")) {
    "Made $Folder. Put checkpointbot.yaml there and the secrets into its folder secrets, and run this again."
    return
}

$command = "set CHECKPOINTBOT_SECRETS_DIR=$Folder\secrets&& `"$Program`" run >> `"$Folder\bot.log`" 2>&1"
$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -Argument "/d /c `"$command`"" -WorkingDirectory $Folder
# The second one begins it again when it has ended. While it runs, IgnoreNew makes nothing of it.
$triggers = @(
    New-ScheduledTaskTrigger -AtStartup
    New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
)
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([timespan]::Zero) -MultipleInstances IgnoreNew `
    -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
$task = @{ TaskName = 'CheckpointBot'; Action = $action; Trigger = $triggers; Settings = $settings; Force = $true }

if ($Account.EndsWith('$')) {
    $principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType Password -RunLevel Limited
    Register-ScheduledTask @task -Principal $principal | Out-Null
} else {
    if (-not $Password) { $Password = Read-Host -AsSecureString -Prompt "Password of $Account" }
    $plain = [System.Net.NetworkCredential]::new('', $Password).Password
    Register-ScheduledTask @task -User $Account -Password $plain -RunLevel Limited | Out-Null
}
"CheckpointBot starts with this machine, as $Account, and within a minute from now. Its log is $Folder\bot.log."
