"""The event logs of a simulated host: records with ids and values, in a ring that forgets the oldest."""

from __future__ import annotations

from dataclasses import dataclass, field

INFORMATION, WARNING, ERROR = 4, 3, 2

_INFORMS = frozenset({1, 18014, 19070, 19080, 20415, 20417})
_WARNS = frozenset({19090})


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One record; `values` in the order of its template, the VM's name and GUID first."""

    id: int
    at: float
    values: tuple[str, ...]
    number: int
    level: int = ERROR


@dataclass(slots=True)
class SimulatedLog:
    """One log. One that is not `enabled` writes nothing down, one that is not `readable` shows nothing."""

    enabled: bool = True
    readable: bool = True
    exists: bool = True
    most: int = 1_500
    """Records that it holds: about a megabyte, as after installation."""
    events: list[LoggedEvent] = field(default_factory=list)
    written: int = 0

    def write(self, id: int, at: float, *values: str) -> None:
        if not self.enabled:
            return
        self.written += 1
        level = INFORMATION if id in _INFORMS else WARNING if id in _WARNS else ERROR
        self.events.append(LoggedEvent(id, at, values, self.written, level))
        del self.events[: max(0, len(self.events) - self.most)]

    def wrap(self, until: float) -> None:
        """Forget what was written before this moment: other events have taken its place."""
        kept = [event for event in self.events if event.at >= until]
        self.events = []
        self.written += self.most
        self.write(1, until)
        for event in kept:
            self.write(event.id, event.at, *event.values)


def failure(code: int) -> tuple[str, str]:
    """The two values in which a failed job gives its code: as a reference to a text, and in digits."""
    return f"%%{code}", f"0x{code:08X}"
