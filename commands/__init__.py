"""What people can type: one file, one command.

A module of this package that is not shared equipment is a command, and the module's name is the word to type. It
exposes `command`, an ordinary Click command that takes a `Context` as its object and returns a `Reply` or a `Plan`.
"""

from commands.runner import Commands, load, run

__all__ = ["Commands", "load", "run"]
