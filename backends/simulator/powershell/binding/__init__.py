"""Parameter binding as PowerShell does it: `metadata` what commands take, `conversion` what values become,
`command_line` what the client wrote, `piped` the objects of a pipeline."""
