"""The .NET objects of Hyper-V's module, as live views of the model: a property is worked out when it is asked for."""
