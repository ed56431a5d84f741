"""The desk behind the app, as the tests of this room have it, and the room itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.dispatch.requests import Request, Searched, Submitted
from bot.dispatch.views import Option
from bot.slack.intake import Intake
from bot.slack.outbox import Outbox
from bot.slack.receiver import Receiver
from bot.slack.socket_mode import SocketMode
from tests.support.waiting import DEADLINE


class DeskOfATest:
    """Takes note of what people do, and does what the test says."""

    def __init__(self) -> None:
        self.do: Callable[[Request], None] = lambda request: None
        self.seen: list[Request] = []
        self.kept: list[Request] = []
        self.left: list[Request] = []
        self.found: Sequence[Option] = ()
        self.wrong: Mapping[str, str] = {}
        self.look: Callable[[], None] = lambda: None
        self._changed = threading.Condition()

    def arrived(self, request: Request) -> bool:
        self.kept.append(request)
        return True

    def dropped(self, request: Request) -> None:
        self.kept.remove(request)

    def left_out(self, request: Request) -> None:
        self.left.append(request)

    def attend(self, request: Request) -> None:
        self._take(request)

    def options(self, request: Searched) -> Sequence[Option]:
        return self.found

    def mistakes(self, request: Submitted) -> Mapping[str, str]:
        self.look()
        return self.wrong

    def wait(self, count: int = 1) -> list[Request]:
        """What was handed over, once it is so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= count, DEADLINE), f"only {len(self.seen)} came"
            return list(self.seen)

    def _take(self, request: Request) -> None:
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
    connections: SocketMode
    receiver: Receiver


def hold(gate: threading.Event) -> None:
    """Work that lasts until the test lets it go."""
    assert gate.wait(DEADLINE)
