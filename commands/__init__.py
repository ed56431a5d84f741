"""What people can type: one file, one command.

Every module of this package is a command, and the module's name is the word to type. It exposes `command`, an ordinary
Click command that takes a `Context` as its object and returns a `Reply` or a `Plan`. Every package in it is none:
`base` is what a command is given and gives back, `kit` what commands share.
"""

from commands.kit.runner import Commands, load, run

__all__ = ["Commands", "load", "run"]
