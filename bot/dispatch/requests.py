"""The seam from Slack into the bot: what a person did, as plain values. Every field is untrusted."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from cachetools import LRUCache

from bot.dispatch.views import Option, ViewRef
from bot.messages import MessageRef, Origin

NAMESPACE = uuid.UUID("5b0f7f1e-6a53-4f0e-9d2c-3f6f6c1b9a51")
"""Change ids are made from delivery ids under this, so that a second delivery finds the first one's change."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command."""

    delivery_id: str
    """The same for every delivery of one trigger, and for no other."""
    team_id: str
    """The workspace that the payload says the person acts from."""
    origin: Origin
    text: str
    trigger_id: str = ""
    """Opens a form, once and within 3 seconds."""
    command: str = ""
    """The slash command before it, as it came."""
    kept: bool = False
    """Who received it has kept it before it was acknowledged."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button."""

    delivery_id: str
    team_id: str
    origin: Origin
    action: str
    value: str
    message: MessageRef | None
    """The message that the button stands in."""
    chosen: tuple[str, ...] = ()
    """What was chosen beside a button that has no value of its own."""
    trigger_id: str = ""
    at_home: bool = False
    """It stands in the Home tab."""
    entered: str = ""
    """What was typed beside it."""


@dataclass(frozen=True, slots=True)
class Summoned:
    """A shortcut, which asks for a form."""

    delivery_id: str
    team_id: str
    origin: Origin
    """Without a channel where the shortcut is one of the whole workspace."""
    shortcut: str
    trigger_id: str
    text: str = ""
    """Of the message that it was chosen on, as Slack encodes it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form as somebody has it filled in."""

    kind: str
    memory: Mapping[str, str] | None = field(default_factory=dict)
    """What the form was opened with; None where another version of the bot has opened it."""
    values: Mapping[str, str] = field(default_factory=dict)
    """By field; what is empty is left out."""
    fields: tuple[str, ...] = ()
    """Those that there are, from the top."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A watched field of a form was changed."""

    delivery_id: str
    team_id: str
    origin: Origin
    sheet: Sheet
    view: ViewRef


@dataclass(frozen=True, slots=True)
class Searched:
    """Something was typed into a search of a form."""

    team_id: str
    origin: Origin
    sheet: Sheet
    text: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form was submitted."""

    delivery_id: str
    """The same however often one form is submitted."""
    team_id: str
    origin: Origin
    """Without a channel."""
    sheet: Sheet
    urls: Mapping[str, str] = field(default_factory=dict)
    """Ways back to the person, by the channel that was chosen."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Somebody opened the Home tab."""

    delivery_id: str
    team_id: str
    origin: Origin


Request = Typed | Pressed | Summoned | Edited | Submitted | Looked
"""What is looked into after its acknowledgement."""


class Handler(Protocol):
    """Takes what people do."""

    def arrived(self, request: Request) -> bool:
        """Keep a request, so that it is carried out or told as lost whatever happens from here on. Called before the
        ack, and quick. False for one that came already: there is nothing more to do for it."""

    def dropped(self, request: Request) -> None:
        """One that arrived is not looked into, and the person knows that."""

    def left_out(self, request: Request) -> None:
        """One came that does not arrive: it came already, or comes too fast. It is kept no longer, where it was."""

    def attend(self, request: Request) -> None:
        """Look into one that arrived. Called after the ack, on a thread that may take its time; it answers the person
        itself and raises only on defects."""

    def options(self, request: Searched) -> Sequence[Option]:
        """What fits what was typed. It goes into the ack, so it waits for no host."""

    def mistakes(self, request: Submitted) -> Mapping[str, str]:
        """What is wrong with a form, a sentence a field; nothing where it can be taken. It goes into the ack, so it
        waits for no host: what only a host can tell is told to the person later."""


def change_id_of(delivery_id: str) -> str:
    """The change that a delivery asks for: the same for each delivery of one trigger."""
    return str(uuid.uuid5(NAMESPACE, delivery_id))


class SeenLately:
    """The last things that came, so that what comes twice is taken once. Safe to use from many threads."""

    def __init__(self, size: int = 2_000) -> None:
        self._seen: LRUCache[Hashable, datetime | None] = LRUCache(size)
        self._lock = Lock()

    def first(self, id: Hashable, now: datetime | None = None, *, within: timedelta = timedelta.max) -> bool:
        """True the first time within that span, whichever way the clock is set meanwhile."""
        with self._lock:
            before = self._seen.get(id)
            known = id in self._seen
            if known and (before is None or now is None or abs(now - before) < within):
                return False
            self._seen[id] = now
            return True

    def forget(self, id: Hashable) -> None:
        """The next time is the first again."""
        with self._lock:
            self._seen.pop(id, None)
