"""A Hyper-V host: `pipelines` is what it is asked, `records`, `disks` and `errors` what its answers mean, `psrp` the
session to it, `endpoint` the PowerShell files of the bot's own JEA endpoint."""
