#Requires -Version 5.1
#Requires -RunAsAdministrator

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

.PARAMETER Cluster
A failover cluster: the endpoint is registered on each of its nodes that is up. Run it on a node, or on another machine
that has the module FailoverClusters, as an administrator of all nodes.

.PARAMETER RestartLater
Restart Windows Remote Management some seconds later, for a call that itself came through it.

.PARAMETER TranscriptDirectory
Where a transcript of each session is kept. Only administrators can read it.

.EXAMPLE
.\Register-CheckpointBotEndpoint.ps1 -Account CONTOSO\checkpointbot

.EXAMPLE
.\Register-CheckpointBotEndpoint.ps1 -Account CONTOSO\checkpointbot -Cluster prod
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)]
    [string]$Account,

    [ValidatePattern('^[A-Za-z][A-Za-z0-9._-]*$')]
    [string]$Name = 'CheckpointBot',

    [string]$Cluster,

    [switch]$RestartLater,

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
    if (-not (Get-Module -ListAvailable -Name FailoverClusters)) { return }
    $role = Join-Path $target 'RoleCapabilities\CheckpointBot.psrc'
    $text = (Get-Content -LiteralPath $role -Raw -Encoding UTF8).Replace(", 'CheckpointBot')", ", 'FailoverClusters', 'CheckpointBot')")
    Set-Content -LiteralPath $role -Value $text -Encoding UTF8
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

# Whoever calls this through Windows Remote Management would lose the answer with a restart at once. A process that WMI
# starts outlives the session.
function Restart-Listener {
    if (-not $RestartLater) {
        Restart-Service -Name WinRM -Force
        return
    }
    $line = 'powershell.exe -NoProfile -Command "Start-Sleep -Seconds 5; Restart-Service -Name WinRM -Force"'
    Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line } | Out-Null
}

# One session a node, from here: nothing goes from one node to another.
function Register-OnNode([string]$Node) {
    $session = New-PSSession -ComputerName $Node
    try {
        $folder = Invoke-Command -Session $session -ScriptBlock {
            (New-Item -ItemType Directory -Path (Join-Path $env:TEMP ([guid]::NewGuid()))).FullName
        }
        Copy-Item -Path (Join-Path $PSScriptRoot '*') -Destination $folder -ToSession $session -Recurse
        $given = @{ Account = $Account; Name = $Name; TranscriptDirectory = $TranscriptDirectory }
        Invoke-Command -Session $session -ArgumentList $folder, $given -ScriptBlock {
            param($folder, $given)
            & (Join-Path $folder 'Register-CheckpointBotEndpoint.ps1') @given -RestartLater -Confirm:$false
            Remove-Item -LiteralPath $folder -Recurse
        }
    } finally {
        Remove-PSSession -Session $session
    }
}

if ($Cluster) {
    foreach ($node in FailoverClusters\Get-ClusterNode -Cluster $Cluster) {
        if ("$($node.State)" -notin 'Up', 'Paused') {
            Write-Warning "$($node.Name) is $($node.State): run this again when it is up."
        } elseif ($PSCmdlet.ShouldProcess($node.Name, "Register the session configuration $Name for $Account")) {
            Register-OnNode $node.Name
        }
    }
    return
}

if (-not (Get-Module -ListAvailable -Name Hyper-V)) { throw 'This host lacks the PowerShell module Hyper-V.' }
if ($PSCmdlet.ShouldProcess($env:COMPUTERNAME, "Register the session configuration $Name for $Account")) {
    Copy-CheckpointBotModule
    New-TranscriptDirectory
    $configuration = New-CheckpointBotConfiguration
    if (Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue) {
        Unregister-PSSessionConfiguration -Name $Name -NoServiceRestart
    }
    Register-PSSessionConfiguration -Name $Name -Path $configuration -NoServiceRestart | Out-Null
    Restart-Listener
    Write-Output "Registered on $env:COMPUTERNAME. Set configuration_name: $Name for this host, and $Account as its username."
}
