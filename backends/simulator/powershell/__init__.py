"""The PowerShell of a simulated host: binding, cmdlets and objects over the model, and the endpoints with them."""
