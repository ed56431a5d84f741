"""How a command refuses: with a sentence on what was wrong, and what to type instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from backends.base import VM
from commands.base.names import unmarked


@dataclass(frozen=True, slots=True)
class Slip:
    """A word that was typed, and the words that it may have been meant to be, the nearest first."""

    typed: str
    near: tuple[str, ...]
    last: bool = False
    """Of several words that read so it is the last one."""


class UsageError(Exception):
    """What was typed cannot be carried out."""

    unchanged: ClassVar[bool] = True
    """Nothing was changed by what it is about."""

    def __init__(self, sentence: str, hint: str = "", *, rest: Sequence[VM] = ()) -> None:
        super().__init__(unmarked(sentence))
        self.sentence = sentence
        """What was wrong."""
        self.hint = hint
        """What to type instead."""
        self.rest = tuple(rest)
        """Of several VMs, those that nothing stands against."""
        self.instead: tuple[str, ...] = ()
        """The same command for the rest, in words."""
        self.about = ""
        """The argument or option that it is about, by the name that the command has for it; empty where that is none of
        them, or not known."""
        self.slips: tuple[Slip, ...] = ()
        """What of it may be misspelt."""
        self.corrected: tuple[tuple[str, ...], ...] = ()
        """The commands that may have been meant, in words."""


class NotKnown(UsageError):
    """Nothing that the person may see is called that."""

    def __init__(self, sentence: str, hint: str = "", *, rest: Sequence[VM] = (), hidden: bool = False) -> None:
        super().__init__(sentence, hint, rest=rest)
        self.hidden = hidden
        """There is one that they may not see. They are told the same, and the ledger keeps it as a refusal."""


class NotAllowed(UsageError):
    """No grant allows it, or the settings do not. Recorded in the ledger as denied."""
