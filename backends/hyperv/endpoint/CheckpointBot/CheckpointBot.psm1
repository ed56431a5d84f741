# What Checkpoint Bot may do on this host: these functions and nothing else.
#
# Each works on one VM or one checkpoint by its id, never by name, since the cmdlets of Hyper-V take names as wildcards.
# Each answers in JSON, with the properties below. They run with the rights of the endpoint's virtual account; commands
# are named with their module, so that nothing else can stand in for them.

Set-StrictMode -Version 3.0

# It changes whenever a function changes in a way that the bot must know of.
$Version = 4

$VMProperties = 'Id', 'Name', 'State', 'OperationalStatus', 'CheckpointType', 'AutomaticCheckpointsEnabled',
    'ReplicationMode'
$VMDetailProperties = $VMProperties + ('Uptime', 'ParentSnapshotId', 'MemoryAssigned')
$CheckpointProperties = 'Id', 'Name', 'VMId', 'CreationTime', 'ParentSnapshotId', 'SnapshotType',
    'IsAutomaticCheckpoint', 'State'
$DriveProperties = 'VMId', 'VMSnapshotId', 'Path'
$FileProperties = 'Path', 'FileSize', 'Size', 'ParentPath'
$VolumeProperties = 'Name', 'Capacity', 'FreeSpace', 'DriveType'
$LogProperties = 'LogName', 'IsEnabled', 'RecordCount', 'OldestRecordNumber'
$EventProperties = 'Id', 'LogName', 'RecordId', 'TimeCreated', 'Properties'
$FolderFileProperties = 'FullName', 'Length', 'CreationTimeUtc'
$NodeProperties = 'Name', 'State', 'DrainStatus'
$RoleProperties = 'Value', 'OwnerNode'
$SharedVolumeProperties = 'FriendlyVolumeName', 'Partition', 'FaultState', 'RedirectedAccess'
$AcknowledgementProperties = 'Id'

# Critical, error and warning, and the events of checkpoints and merges whatever their level.
$EventLevels = 1, 2, 3
$EventIds = @{
    'Microsoft-Windows-Hyper-V-VMMS-Admin' = 12240, 15268, 16300, 18012, 18014, 18590, 19070, 19080, 19090, 19100,
        20415, 20417, 32510
    'Microsoft-Windows-Hyper-V-Worker-Admin' = 3216, 3280
}

# ---------------------------------------------------------------- questions

function Get-CheckpointBotEndpoint {
    [CmdletBinding()]
    param()
    [pscustomobject]@{ Version = $Version } | Microsoft.PowerShell.Utility\ConvertTo-Json -Compress
}

function Get-CheckpointBotVM {
    [CmdletBinding()]
    param([guid]$VMId)
    if ($PSBoundParameters.ContainsKey('VMId')) {
        Hyper-V\Get-VM -Id $VMId | ConvertTo-Answer -Property $VMDetailProperties
    } else {
        Hyper-V\Get-VM | ConvertTo-Answer -Property $VMProperties
    }
}

function Get-CheckpointBotCheckpoint {
    [CmdletBinding(DefaultParameterSetName = 'Host')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'VM')]
        [guid]$VMId,

        [Parameter(Mandatory, ParameterSetName = 'Checkpoint')]
        [guid]$CheckpointId
    )
    switch ($PSCmdlet.ParameterSetName) {
        'Host' { Hyper-V\Get-VM | Hyper-V\Get-VMSnapshot | ConvertTo-Answer -Property $CheckpointProperties }
        'VM' { Hyper-V\Get-VM -Id $VMId | Hyper-V\Get-VMSnapshot | ConvertTo-Answer -Property $CheckpointProperties }
        'Checkpoint' { Hyper-V\Get-VMSnapshot -Id $CheckpointId | ConvertTo-Answer -Property $CheckpointProperties }
    }
}

# What the VMs write to, and what their checkpoints froze: two answers.
function Get-CheckpointBotDrive {
    [CmdletBinding()]
    param([guid]$VMId)
    $vms = Get-Target @PSBoundParameters
    $vms | Hyper-V\Get-VMHardDiskDrive | ConvertTo-Answer -Property $DriveProperties
    $vms | Hyper-V\Get-VMSnapshot | Hyper-V\Get-VMHardDiskDrive | ConvertTo-Answer -Property $DriveProperties
}

# The files behind the drives, likewise, or files by their paths.
function Get-CheckpointBotFile {
    [CmdletBinding(DefaultParameterSetName = 'Host')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'VM')]
        [guid]$VMId,

        [Parameter(Mandatory, ParameterSetName = 'Path')]
        [ValidatePattern('\.(a?vhdx?|vhds)$')]
        [string[]]$Path
    )
    if ($PSCmdlet.ParameterSetName -eq 'Path') {
        Hyper-V\Get-VHD -Path $Path | ConvertTo-Answer -Property $FileProperties
        return
    }
    $vms = Get-Target @PSBoundParameters
    $vms | Hyper-V\Get-VMHardDiskDrive | Hyper-V\Get-VHD | ConvertTo-Answer -Property $FileProperties
    $vms | Hyper-V\Get-VMSnapshot | Hyper-V\Get-VMHardDiskDrive | Hyper-V\Get-VHD |
        ConvertTo-Answer -Property $FileProperties
}

function Get-CheckpointBotVolume {
    [CmdletBinding()]
    param()
    CimCmdlets\Get-CimInstance -ClassName Win32_Volume -Property $VolumeProperties |
        ConvertTo-Answer -Property $VolumeProperties
}

# The state of one log of Hyper-V, its first event, and those since a moment: three answers. No other log can be read.
function Get-CheckpointBotEvent {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [ValidateSet('Microsoft-Windows-Hyper-V-VMMS-Admin', 'Microsoft-Windows-Hyper-V-Worker-Admin')]
        [string]$LogName,

        [Parameter(Mandatory)]
        [ValidatePattern('^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')]
        [string]$Since,

        [Parameter(Mandatory)]
        [ValidateRange(1, 5000)]
        [int]$MaxEvents
    )
    $levels = @(foreach ($level in $EventLevels) { "Level=$level" })
    $ids = @(foreach ($id in $EventIds[$LogName]) { "EventID=$id" })
    $query = "*[System[($($levels + $ids -join ' or ')) and TimeCreated[@SystemTime>='$Since']]]"
    Microsoft.PowerShell.Diagnostics\Get-WinEvent -ListLog $LogName | ConvertTo-Answer -Property $LogProperties
    Microsoft.PowerShell.Diagnostics\Get-WinEvent -LogName $LogName -Oldest -MaxEvents 1 |
        ConvertTo-Answer -Property $EventProperties -Depth 4
    Microsoft.PowerShell.Diagnostics\Get-WinEvent -LogName $LogName -FilterXPath $query -MaxEvents $MaxEvents |
        ConvertTo-Answer -Property $EventProperties -Depth 4
}

# The names, sizes and dates of the differencing files that lie right in folders. Nothing can be opened.
function Get-CheckpointBotFolder {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [ValidatePattern('^([A-Za-z]:\\|\\\\)[^*?]*$')]
        [string[]]$Path
    )
    Microsoft.PowerShell.Management\Get-ChildItem -LiteralPath $Path -Filter '*.avhd*' |
        ConvertTo-Answer -Property $FolderFileProperties
}

# The cluster that this host is a node of: its nodes, the owner of each VM, and the shared volumes: three answers. The
# cluster service of this host is asked, so nothing goes to another one.
function Get-CheckpointBotCluster {
    [CmdletBinding()]
    param()
    FailoverClusters\Get-ClusterNode | ConvertTo-Answer -Property $NodeProperties
    FailoverClusters\Get-ClusterResource |
        FailoverClusters\Get-ClusterParameter -Name VmId -ErrorAction SilentlyContinue |
        Microsoft.PowerShell.Utility\Select-Object -Property Value -ExpandProperty ClusterObject |
        ConvertTo-Answer -Property $RoleProperties -Depth 1
    FailoverClusters\Get-ClusterSharedVolume |
        Microsoft.PowerShell.Utility\Select-Object -ExpandProperty SharedVolumeInfo |
        ConvertTo-Answer -Property $SharedVolumeProperties -Depth 1
}

# ---------------------------------------------------------------- changes

function New-CheckpointBotCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [guid]$VMId,

        [Parameter(Mandatory)]
        [ValidateLength(1, 100)]
        [string]$Name
    )
    Hyper-V\Get-VM -Id $VMId |
        Hyper-V\Checkpoint-VM -SnapshotName $Name -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $CheckpointProperties
}

function Restore-CheckpointBotCheckpoint {
    [CmdletBinding()]
    param([Parameter(Mandatory)][guid]$CheckpointId)
    Hyper-V\Get-VMSnapshot -Id $CheckpointId |
        Hyper-V\Restore-VMSnapshot -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

function Remove-CheckpointBotCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [guid]$CheckpointId,

        [switch]$Subtree
    )
    Hyper-V\Get-VMSnapshot -Id $CheckpointId |
        Hyper-V\Remove-VMSnapshot -IncludeAllChildSnapshots:$Subtree -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

function Rename-CheckpointBotCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [guid]$CheckpointId,

        [Parameter(Mandatory)]
        [ValidateLength(1, 100)]
        [string]$Name
    )
    Hyper-V\Get-VMSnapshot -Id $CheckpointId |
        Hyper-V\Rename-VMSnapshot -NewName $Name -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

# To a folder on this host: the virtual account is nobody on another one.
function Export-CheckpointBotCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [guid]$CheckpointId,

        [Parameter(Mandatory)]
        [ValidatePattern('^[A-Za-z]:\\')]
        [string]$Path
    )
    Hyper-V\Get-VMSnapshot -Id $CheckpointId |
        Hyper-V\Export-VMSnapshot -Path $Path -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

function Set-CheckpointBotVM {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [guid]$VMId,

        [ValidateSet('Disabled', 'Production', 'ProductionOnly', 'Standard')]
        [string]$CheckpointType,

        [bool]$AutomaticCheckpointsEnabled
    )
    $settings = @{} + $PSBoundParameters
    $settings.Remove('VMId')
    Hyper-V\Get-VM -Id $VMId |
        Hyper-V\Set-VM @settings -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

function Start-CheckpointBotVM {
    [CmdletBinding()]
    param([Parameter(Mandatory)][guid]$VMId)
    Hyper-V\Get-VM -Id $VMId |
        Hyper-V\Start-VM -Passthru -Confirm:$false |
        ConvertTo-Answer -Property $AcknowledgementProperties
}

# ---------------------------------------------------------------- inside

function Get-Target {
    param([guid]$VMId)
    if ($PSBoundParameters.ContainsKey('VMId')) { Hyper-V\Get-VM -Id $VMId } else { Hyper-V\Get-VM }
}

# One text in JSON for all the objects that come, and nothing for none.
function ConvertTo-Answer {
    param(
        [Parameter(ValueFromPipeline)]
        [object]$InputObject,

        [Parameter(Mandatory)]
        [string[]]$Property,

        [int]$Depth = 2
    )
    begin { $found = [System.Collections.Generic.List[object]]::new() }
    process { if ($null -ne $InputObject) { $found.Add($InputObject) } }
    end {
        $found |
            Microsoft.PowerShell.Utility\Select-Object -Property $Property |
            Microsoft.PowerShell.Utility\ConvertTo-Json -Depth $Depth -Compress
    }
}
