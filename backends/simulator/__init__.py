"""A pretend Hyper-V host: `model` is its state and its rules, `powershell` the commands that people send it, `winrm`
the door through which real clients come, `fleets` hosts ready made."""
