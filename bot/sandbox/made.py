"""When the pretend workspace and all in it were made."""

CREATED = 1_735_689_600
"""When everything in the workspace was made: 2025-01-01, in Unix seconds."""
