#Requires -Version 5.1
#Requires -RunAsAdministrator
#Requires -Modules Hyper-V

<#
.SYNOPSIS
Registers the endpoint of Checkpoint Bot on this Hyper-V host.

.DESCRIPTION
Copies the module CheckpointBot to the modules of all users, and registers a session configuration in which one account
can use its functions and nothing else. Run it again to bring the endpoint up to date. Windows Remote Management is
restarted, which ends the sessions that are open on this host.

.PARAMETER Account
The account that the bot logs on with: CONTOSO\checkpointbot, or a group. It needs no other right on this host.

.PARAMETER Name
What the bot's settings call configuration_name.

.PARAMETER TranscriptDirectory
Where a transcript of each session is kept. Only administrators can read it.

.EXAMPLE
.\Register-CheckpointBotEndpoint.ps1 -Account CONTOSO\checkpointbot
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)]
    [string]$Account,

    [ValidatePattern('^[A-Za-z][A-Za-z0-9._-]*$')]
    [string]$Name = 'CheckpointBot',

    [string]$TranscriptDirectory = (Join-Path $env:ProgramData 'CheckpointBot\Transcripts')
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

# Names are looked up by their SIDs, since the groups are called otherwise on a host in another language.
function Get-AccountName([string]$Sid) {
    $identifier = [System.Security.Principal.SecurityIdentifier]::new($Sid)
    $identifier.Translate([System.Security.Principal.NTAccount]).Value
}

function Copy-CheckpointBotModule {
    $target = Join-Path $env:ProgramFiles 'WindowsPowerShell\Modules\CheckpointBot'
    if (Test-Path -LiteralPath $target) { Remove-Item -LiteralPath $target -Recurse }
    Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'CheckpointBot') -Destination $target -Recurse
}

function New-TranscriptDirectory {
    $directory = New-Item -ItemType Directory -Path $TranscriptDirectory -Force
    $access = [System.Security.AccessControl.DirectorySecurity]::new()
    $access.SetAccessRuleProtection($true, $false)
    foreach ($sid in 'S-1-5-18', 'S-1-5-32-544') {
        $access.AddAccessRule([System.Security.AccessControl.FileSystemAccessRule]::new(
            [System.Security.Principal.SecurityIdentifier]::new($sid),
            'FullControl', 'ContainerInherit, ObjectInherit', 'None', 'Allow'))
    }
    Set-Acl -LiteralPath $directory.FullName -AclObject $access
}

function New-CheckpointBotConfiguration {
    $group = (Get-AccountName 'S-1-5-32-578').Split('\')[-1]
    $readers = (Get-AccountName 'S-1-5-32-573').Split('\')[-1]
    $folder = New-Item -ItemType Directory -Path (Join-Path $env:ProgramData 'CheckpointBot') -Force
    $path = Join-Path $folder.FullName "$Name.pssc"
    $names = @{ Account = $Account; HyperVAdministrators = $group; EventLogReaders = $readers; TranscriptDirectory = $TranscriptDirectory }
    $text = Get-Content -LiteralPath (Join-Path $PSScriptRoot 'CheckpointBot.pssc') -Raw -Encoding UTF8
    foreach ($key in $names.Keys) { $text = $text.Replace("{$key}", $names[$key].Replace("'", "''")) }
    Set-Content -LiteralPath $path -Value $text -Encoding UTF8
    if (-not (Test-PSSessionConfigurationFile -Path $path)) { throw "$path is not a valid session configuration." }
    $path
}

if ($PSCmdlet.ShouldProcess($env:COMPUTERNAME, "Register the session configuration $Name for $Account")) {
    Copy-CheckpointBotModule
    New-TranscriptDirectory
    $configuration = New-CheckpointBotConfiguration
    if (Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue) {
        Unregister-PSSessionConfiguration -Name $Name -NoServiceRestart
    }
    Register-PSSessionConfiguration -Name $Name -Path $configuration -NoServiceRestart | Out-Null
    Restart-Service -Name WinRM -Force
    Write-Output "Registered. Set configuration_name: $Name for this host, and $Account as its username."
}
