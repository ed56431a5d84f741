"""Hosts that one machine does not reach: their calls run in a worker at their site, and come back."""
