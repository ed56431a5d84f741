@{
    RootModule = 'CheckpointBot.psm1'
    ModuleVersion = '4.0.0'
    GUID = '5d6c0a4e-6a0f-4c55-9d3c-8f3f0a6e8b11'
    Author = 'Checkpoint Bot'
    Description = 'What Checkpoint Bot may do on a Hyper-V host.'
    PowerShellVersion = '5.1'
    # Module auto-loading is off on the endpoint: what the functions call into must be loaded beforehand.
    # FailoverClusters is not among them: a host that is no node has no such module, and all else works there.
    RequiredModules = @('Hyper-V', 'CimCmdlets', 'Microsoft.PowerShell.Utility', 'Microsoft.PowerShell.Management', 'Microsoft.PowerShell.Diagnostics')
    FunctionsToExport = @(
        'Get-CheckpointBotEndpoint'
        'Get-CheckpointBotVM'
        'Get-CheckpointBotCheckpoint'
        'Get-CheckpointBotDrive'
        'Get-CheckpointBotFile'
        'Get-CheckpointBotVolume'
        'Get-CheckpointBotEvent'
        'Get-CheckpointBotFolder'
        'Get-CheckpointBotCluster'
        'New-CheckpointBotCheckpoint'
        'Restore-CheckpointBotCheckpoint'
        'Remove-CheckpointBotCheckpoint'
        'Rename-CheckpointBotCheckpoint'
        'Export-CheckpointBotCheckpoint'
        'Set-CheckpointBotVM'
        'Start-CheckpointBotVM'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
