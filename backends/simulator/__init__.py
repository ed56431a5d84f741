"""A pretend Hyper-V host: `fleet` is its model, `cmdlets` its PowerShell commands, `interpreter` runs them, `session`
and `winrm` carry them to a client, `faults` make them go wrong, `seed` and `demo` fill it."""
