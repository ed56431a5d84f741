"""The desk behind the app, as the tests of this room have it, and the room itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bot.dispatch.requests import Pressed, Typed
from bot.slack.connection import Connections
from bot.slack.intake import Intake
from bot.slack.outbox import Outbox


class DeskOfATest:
    """Takes note of what people do, and does what the test says."""

    def __init__(self) -> None:
        self.do: Callable[[Typed | Pressed], None] = lambda request: None
        self.seen: list[Typed | Pressed] = []
        self.kept: list[Typed | Pressed] = []
        self._changed = threading.Condition()

    def arrived(self, request: Typed | Pressed) -> bool:
        self.kept.append(request)
        return True

    def dropped(self, request: Typed | Pressed) -> None:
        self.kept.remove(request)

    def typed(self, request: Typed) -> None:
        self._take(request)

    def pressed(self, request: Pressed) -> None:
        self._take(request)

    def wait(self, count: int = 1) -> list[Typed | Pressed]:
        """What was handed over, once it is so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= count, 10), f"only {len(self.seen)} came"
            return list(self.seen)

    def _take(self, request: Typed | Pressed) -> None:
        with self._changed:
            self.seen.append(request)
            self._changed.notify_all()
        self.do(request)


@dataclass
class Bot:
    """The room as the program wires it."""

    desk: DeskOfATest
    outbox: Outbox
    intake: Intake
    connections: Connections


def hold(gate: threading.Event) -> None:
    """Work that lasts until the test lets it go."""
    assert gate.wait(10)
