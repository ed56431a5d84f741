"""The seam to whoever shows messages: the change life, the digest and the desk talk through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from commands.base import Reply


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands, so that it can be updated in place."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, and how to answer the person who made it."""

    channel: str
    person_id: str
    response_url: str | None = None
    """Slack's own way back to the person: 5 uses in 30 minutes."""


class Whispers(Protocol):
    """Answers people alone. Safe to use from many threads."""

    def whisper(self, origin: Origin, message: Reply) -> None:
        """By every way there is until one works. Raises `AnnouncerError` when none does."""


class Announcer(Whispers, Protocol):
    """Shows messages. Safe to use from many threads."""

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        """Put a message in the channel. Where the bot cannot post there, the person gets it by direct message, and if
        that fails too through the response URL; then there is nothing to update and None is returned.

        Raises `AnnouncerError` when it could be shown nowhere.
        """

    def update(self, ref: MessageRef, message: Reply) -> None:
        """Replace a message in place. Raises `AnnouncerError`; `MessageGone` when it can be shown only anew."""

    def address(self, ref: MessageRef, person_id: str, sentence: str) -> None:
        """Tell somebody something beside a message: an update of it notifies nobody. Raises `AnnouncerError`."""

    def reply(self, ref: MessageRef, message: Reply) -> None:
        """Put a message in the thread of another. Raises `AnnouncerError`."""


class WorkspaceError(Exception):
    """The workspace refused something, or gave no answer. The cause is in the text; it holds no secret."""

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting
        """It does not heal by waiting."""


class AnnouncerError(WorkspaceError):
    """A message could be shown nowhere."""


class MessageGone(AnnouncerError):
    """A message can be updated no more: it was deleted, or its channel is closed to the bot."""

    def __init__(self, text: str) -> None:
        super().__init__(text, lasting=True)
