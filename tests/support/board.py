"""A board of messages: what the bot's core shows, kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Lock

from bot.dispatch.views import Form, ScreenError, ViewRef
from bot.messages import AnnouncerError, MessageGone, MessageRef, Origin
from commands.base import Actions, Button, Item, Reply
from tests.support.waiting import Pulse


@dataclass
class Board:
    """The `Announcer`. It keeps what it was given, and can be out of order or jammed. Each change is a beat of its
    `pulse`."""

    shown: dict[MessageRef, Reply] = field(default_factory=dict)
    whispers: list[Reply] = field(default_factory=list)
    replies: list[tuple[MessageRef, Reply]] = field(default_factory=list)
    """What stands in which thread."""
    addressed: list[tuple[MessageRef, str, str]] = field(default_factory=list)
    """Who was told something beside which message."""
    gone: set[MessageRef] = field(default_factory=set)
    archived: set[str] = field(default_factory=set)
    """Channels to which nothing can be posted: who asked is told alone, as Slack's outbox does it."""
    out_of_order: bool = False
    refuses: int = 0
    """So many of the next posts and updates fail."""
    pulse: Pulse = field(default_factory=Pulse)
    _numbers: Iterator[int] = field(default_factory=count)
    _open: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._open.set()

    @contextmanager
    def jammed(self) -> Iterator[None]:
        """Whoever shows something waits until this is over."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        if origin.channel in self.archived and not origin.person_id:
            raise AnnouncerError("is_archived", lasting=True)
        channel = "" if origin.channel in self.archived else origin.channel
        ref = MessageRef(channel, f"1700000000.{next(self._numbers):06}")
        self.update(ref, message)
        return ref

    def update(self, ref: MessageRef, message: Reply) -> None:
        self._work()
        with self._lock:
            self._refuse()
            if ref in self.gone or ref.channel in self.archived:
                raise MessageGone("message_not_found")
            self.shown[ref] = message
        self.pulse.beat()

    def reply(self, ref: MessageRef, message: Reply) -> None:
        self._work()
        with self._lock:
            self.replies.append((ref, message))
        self.pulse.beat()

    def whisper(self, origin: Origin, message: Reply) -> None:
        self._work()
        with self._lock:
            self.whispers.append(message)
        self.pulse.beat()

    def address(self, ref: MessageRef, person_id: str, sentence: str) -> None:
        self._work()
        with self._lock:
            self.addressed.append((ref, person_id, sentence))
        self.pulse.beat()

    def take_away(self, ref: MessageRef) -> None:
        """Somebody deletes the message."""
        with self._lock:
            del self.shown[ref]
            self.gone.add(ref)

    def _work(self) -> None:
        self._open.wait()
        if self.out_of_order:
            raise AnnouncerError("out of order")

    def _refuse(self) -> None:
        if self.refuses:
            self.refuses -= 1
            raise AnnouncerError("refused")

    @property
    def texts(self) -> list[str]:
        """What the channel shows."""
        return [message.text for message in self.shown.values()]


def buttons(message: Reply) -> list[Button]:
    """Those of a message, from its top, the choices of menus too."""
    found = [part for part in message.parts if isinstance(part, Actions | Item)]
    return [button for part in found for button in (*part.buttons, *(part.choices if isinstance(part, Item) else ()))]


@dataclass
class Screens:
    """The `Screen`. It keeps what it was told to show, and can be out of order."""

    opened: list[tuple[str, Form]] = field(default_factory=list)
    """By the trigger that each was opened with."""
    changed: list[tuple[ViewRef, Form]] = field(default_factory=list)
    homes: dict[str, Reply] = field(default_factory=dict)
    """By person, as last published."""
    out_of_order: bool = False

    def open(self, trigger_id: str, form: Form) -> None:
        self._work()
        self.opened.append((trigger_id, form))

    def change(self, view: ViewRef, form: Form) -> None:
        self._work()
        self.changed.append((view, form))

    def publish(self, person_id: str, home: Reply) -> None:
        self._work()
        self.homes[person_id] = home

    def _work(self) -> None:
        if self.out_of_order:
            raise ScreenError("out of order")
