"""What the doctor found: one check for each thing that it looked at, with the mend where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commands.base import unmarked

ONLY_LOOKED = "This only looked: nothing was changed."


class State(StrEnum):
    WORKS = "works"
    WARNING = "warning"
    """It works, in part or not for long."""
    BROKEN = "broken"
    UNSEEN = "not looked at"
    """Something else that is wrong stood in the way, or nobody answered."""


SIGNS = {State.WORKS: "✓", State.WARNING: "⚠", State.BROKEN: "✗", State.UNSEEN: "–"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    about: str
    """The place in the settings, or what it is: `digest.channels.0.channel`, `hosts.hv01`, `ledger.db`."""
    state: State
    said: str
    """A sentence."""
    mend: str = ""
    """What to do, where something is wrong."""

    @property
    def is_fault(self) -> bool:
        return self.state in (State.BROKEN, State.WARNING)

    @property
    def line(self) -> str:
        return unmarked(f"{SIGNS[self.state]} {self.about}: {self.said}{f' {self.mend}' if self.mend else ''}")


def works(about: str, said: str) -> Check:
    return Check(about, State.WORKS, said)


def warning(about: str, said: str, mend: str) -> Check:
    return Check(about, State.WARNING, said, mend)


def broken(about: str, said: str, mend: str) -> Check:
    return Check(about, State.BROKEN, said, mend)


def unseen(about: str, said: str) -> Check:
    return Check(about, State.UNSEEN, said)


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def faults(self) -> tuple[Check, ...]:
        return tuple(one for one in self.checks if one.is_fault)

    @property
    def _unseen(self) -> tuple[Check, ...]:
        return tuple(one for one in self.checks if one.state is State.UNSEEN)

    @property
    def healthy(self) -> bool:
        """Nothing is broken. What works in part, or not for long, is a warning."""
        return not any(one.state is State.BROKEN for one in self.checks)

    def lines(self, *, every: bool = False) -> Iterable[str]:
        """What is wrong, what could not be looked at where nothing is, or with `every` all, and a line that sums up."""
        shown = self.checks if every else self.faults or self._unseen
        return [*(one.line for one in shown), self.summary]

    @property
    def summary(self) -> str:
        hidden, count = len(self._unseen), len(self.faults)
        looked = f"{len(self.checks) - hidden} things were looked at"
        rest = f", and {hidden} could not be looked at" if hidden else ""
        if not count and not hidden:
            return f"Everything works: {looked}. {ONLY_LOOKED}"
        if not count:
            return f"Nothing is wrong that could be seen: {looked}{rest}. {ONLY_LOOKED}"
        first = f"{count} {'thing is' if count == 1 else 'things are'} wrong"
        return f"{first}{rest}. Nothing else{' that could be seen' if hidden else ''} is wrong. {ONLY_LOOKED}"

    def to_json(self) -> str:
        checks = [
            {"about": c.about, "state": c.state, "said": unmarked(c.said), "mend": unmarked(c.mend)}
            for c in self.checks
        ]
        known = {"version": 1, "healthy": self.healthy, "summary": self.summary, "checks": checks}
        return json.dumps(known, ensure_ascii=False, indent=2)
