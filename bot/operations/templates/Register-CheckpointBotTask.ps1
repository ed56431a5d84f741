<#
.SYNOPSIS
Runs Checkpoint Bot on Windows from the machine's start on, by the Task Scheduler.

.DESCRIPTION
Written by `checkpointbot init --service windows`. Windows runs only programs that were made for it as services, so the
bot is a task: it starts with the machine, without anybody logged on, and is started again when it ends by itself. Run
this once, elevated. The account needs the right to log on as a batch job, and the data folder; nothing else.

Secrets are files in a folder that this account alone can read: see Secrets in the README.

    Start-ScheduledTask -TaskName CheckpointBot     # start it
    Stop-ScheduledTask -TaskName CheckpointBot      # end it; what is under way is looked at by the next start
    Get-ScheduledTaskInfo -TaskName CheckpointBot   # how it ended last

Windows has no SIGHUP: after a change of the settings, stop it and start it. The log is bot.log in the folder.

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

if (-not (Test-Path -LiteralPath $Program)) { throw "There is no $Program. Install the bot first, or name it with -Program." }
New-Item -ItemType Directory -Path $Folder -Force | Out-Null

$command = "set CHECKPOINTBOT_SECRETS_DIR=$Folder\secrets&& `"$Program`" run >> `"$Folder\bot.log`" 2>&1"
$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -Argument "/d /c `"$command`"" -WorkingDirectory $Folder
$trigger = New-ScheduledTaskTrigger -AtStartup
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
    -ExecutionTimeLimit ([timespan]::Zero) -MultipleInstances IgnoreNew -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
$task = @{ TaskName = 'CheckpointBot'; Action = $action; Trigger = $trigger; Settings = $settings; Force = $true }

if ($Account.EndsWith('$')) {
    $principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType Password -RunLevel Limited
    Register-ScheduledTask @task -Principal $principal | Out-Null
} else {
    if (-not $Password) { $Password = Read-Host -AsSecureString -Prompt "Password of $Account" }
    $plain = [System.Net.NetworkCredential]::new('', $Password).Password
    Register-ScheduledTask @task -User $Account -Password $plain -RunLevel Limited | Out-Null
}
"CheckpointBot starts with this machine, as $Account. Start it now with: Start-ScheduledTask -TaskName CheckpointBot"
