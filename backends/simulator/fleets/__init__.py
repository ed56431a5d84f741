"""Simulated hosts ready made: `demo` the demo's two, `seed` the building blocks, `keeping` a fleet in a file."""
