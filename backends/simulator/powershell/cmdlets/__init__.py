"""The cmdlets of a simulated host, each a function over the model. `registry` knows them all by name."""
