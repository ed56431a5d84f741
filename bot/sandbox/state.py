"""What is going on in the workspace: messages, open views, what may still be answered, and who watches.

Everything changes on the sandbox's own thread. Other threads may read, and wait for a change with `wait`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from threading import Condition
from typing import Literal

from bot.sandbox.ids import Ids
from bot.sandbox.messages import Message, View
from bot.sandbox.shapes import Json
from bot.sandbox.threads import Threads
from bot.sandbox.workspace import User, Workspace

LOG_LENGTH = 5_000
FORMER_HOMES = 100
TOMBSTONE = "This message was deleted."
Choices = dict[str, dict[str, object]]
"""By block_id and action_id."""
REMEMBERED = 3600.0
"""Seconds that triggers and response_urls are remembered as expired before they are unknown."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change, for whoever watches: for one person, for the members of a channel, or for all."""

    kind: Literal["message", "updated", "deleted", "typed", "view", "home", "channels", "connections", "stopping"]
    data: Json
    user: str | None = None
    channel: str | None = None


@dataclass(slots=True)
class Trigger:
    """Leave to open one view for a person, for a short time."""

    user: str
    expires: float
    used: bool = False
    view_id: str | None = None
    """The view in which it was pulled."""


@dataclass(slots=True)
class Hook:
    """A response_url."""

    kind: Literal["commands", "actions"]
    channel: str
    user: str
    expires: float
    url: str = ""
    uses_left: int = 5
    source: Message | None = None
    """The message whose button was pressed."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message that waits for its time."""

    id: str
    post_at: int
    """Unix seconds."""
    created: int
    message: Message
    """As it will be, but for its ts."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command as one typed it. Slack shows it to nobody; the page shows it to who typed it."""

    channel: str
    ts: str
    user: str
    text: str


@dataclass(slots=True)
class StoredFile:
    """An uploaded file. It is in a channel only when the upload was completed."""

    id: str
    name: str
    length: int
    created: int = 0
    """Unix seconds."""
    user: str = ""
    title: str = ""
    content: bytes = b""
    received: bool = False


class State:
    """See the module. `changed` guards all of it."""

    def __init__(self, workspace: Workspace, ids: Ids) -> None:
        self.workspace = workspace
        self.ids = ids
        self.changed = Condition()
        self.messages: dict[tuple[str, str], Message] = {}
        """By channel and ts, in the order they were posted; ephemeral ones too."""
        self.threads = Threads()
        self.choices: dict[tuple[str, str], dict[str, Choices]] = {}
        """What people chose in the fields of messages: by channel and ts, then by person."""
        self.typed: deque[Typed] = deque(maxlen=LOG_LENGTH)
        """Slash commands, oldest first."""
        self.scheduled: dict[str, Scheduled] = {}
        """Messages that are to be posted later, by id."""
        self.views: dict[str, View] = {}
        """Open modals by id, each person's in the order of their stack."""
        self.homes: dict[str, View] = {}
        self.former_homes: dict[str, View] = {}
        """By id, those that others took the place of: whoever still has one before them may press in it."""
        """Home tabs by person."""
        self.triggers: dict[str, Trigger] = {}
        self.hooks: dict[str, Hook] = {}
        self.uploads: dict[str, str] = {}
        """File ids by the secret in their upload URL."""
        self.files: dict[str, StoredFile] = {}
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        """What went over the wire, oldest first."""
        self.revision = 0
        """Grows with every change to what is seen."""
        self.pulse = 0
        """Grows with every change, those of the log included."""
        self._watchers: list[tuple[User, asyncio.Queue[Event]]] = []

    # ---------------------------------------------------------------- reading

    def in_channel(self, channel: str, viewer: str | None = None) -> list[Message]:
        """The messages of a channel as a person sees it; without a person, those that everybody sees."""
        with self.changed:
            found = [m for m in self.messages.values() if m.channel == channel]
        return [m for m in found if m.ephemeral_to in (None, viewer)]

    def show(self, message: Message) -> Json:
        """A message as payloads and the page show it: with its channel, its thread and its metadata."""
        parent = self.messages.get((message.channel, message.thread_ts or ""))
        metadata = {} if message.metadata is None else {"metadata": message.metadata}
        return {
            **message.as_slack(self.workspace),
            **self.threads.marks(message, parent),
            **metadata,
            "channel": message.channel,
        }

    def stack(self, user: str) -> list[View]:
        """The modals that a person has open, the one in front last."""
        with self.changed:
            return [view for view in self.views.values() if view.user == user]

    def wait(self, pulse: int, timeout: float) -> None:
        """Wait for a change after the one that `pulse` counts, at most `timeout` seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self.pulse != pulse, timeout)

    # ---------------------------------------------------------------- changing

    def post(self, message: Message) -> Message:
        with self._changing(Event("message", self.show(message), message.ephemeral_to, message.channel)):
            self.keep(message)
        self._thread_changed(message)
        return message

    def update(self, message: Message, *, edited: bool = True) -> Message:
        """Put a message in the place of the one with its ts. One with blocks is not marked as edited."""
        message = replace(message, edited_ts=self.ids.ts() if edited and not message.blocks else None)
        return self.mark(message)

    def mark(self, message: Message) -> Message:
        """Put a message in the place of the one with its ts, and say nothing of it on the message."""
        with self._changing(Event("updated", self.show(message), message.ephemeral_to, message.channel)):
            self.keep(message)
        return message

    def delete(self, message: Message) -> None:
        """Take a message away. One that has replies leaves a stone in its place, so that its thread stays."""
        if self.threads.replies(message.channel, message.ts):
            self.mark(Message(message.channel, message.ts, "USLACKBOT", TOMBSTONE, subtype="tombstone"))
            return
        gone = {"channel": message.channel, "ts": message.ts}
        with self._changing(Event("deleted", gone, message.ephemeral_to, message.channel)):
            del self.messages[message.channel, message.ts]
            self.threads.drop(message)
            self.choices.pop((message.channel, message.ts), None)
        self._thread_changed(message)

    def keep(self, message: Message) -> None:
        self.messages[message.channel, message.ts] = message
        self.threads.put(message)

    def _thread_changed(self, message: Message) -> None:
        """Show the parent of a reply anew."""
        parent = self.messages.get((message.channel, message.thread_ts or ""))
        if parent is not None and parent.ts != message.ts and message.ephemeral_to is None:
            self.announce(Event("updated", self.show(parent), parent.ephemeral_to, parent.channel))

    def echo(self, typed: Typed) -> None:
        """Keep what a person typed, and show it to them."""
        with self._changing(Event("typed", asdict(typed), typed.user)):
            self.typed.append(typed)

    def show_view(self, view: View) -> None:
        """Open a view in front, or put it in the place of the one with its id."""
        with self._changing(Event("view", {"id": view.id}, view.user)):
            self.views[view.id] = view

    def show_home(self, view: View) -> None:
        with self._changing(Event("home", {"id": view.id}, view.user)):
            if former := self.homes.get(view.user):
                self.former_homes[former.id] = former
                for id in list(self.former_homes)[:-FORMER_HOMES]:
                    del self.former_homes[id]
            self.homes[view.user] = view

    def close_view(self, view: View, *, all_of_them: bool = False) -> None:
        with self._changing(Event("view", {"id": view.id}, view.user)):
            for one in self.stack(view.user) if all_of_them else [view]:
                self.views.pop(one.id, None)

    def note(self, kind: str, **details: object) -> None:
        """Put a line in the log."""
        with self.changed:
            self.log.append({"kind": kind, "ts": self.ids.ts(), **details})
            self._beat()

    def announce(self, event: Event) -> None:
        """Tell the watchers of a change that was made elsewhere."""
        with self._changing(event):
            pass

    @contextmanager
    def _changing(self, event: Event) -> Iterator[None]:
        with self.changed:
            yield
            self.revision += 1
            self._beat()
        for watcher, queue in self._watchers:
            if self._concerns(event, watcher):
                queue.put_nowait(event)

    def _beat(self) -> None:
        self.pulse += 1
        self.changed.notify_all()

    # ---------------------------------------------------------------- what may still be answered

    def add_trigger(self, trigger_id: str, trigger: Trigger) -> None:
        _forget(self.triggers, trigger.expires)
        self.triggers[trigger_id] = trigger

    def add_hook(self, path: str, hook: Hook) -> None:
        _forget(self.hooks, hook.expires)
        self.hooks[path] = hook

    # ---------------------------------------------------------------- watching

    @contextmanager
    def watching(self, user: User) -> Iterator[asyncio.Queue[Event]]:
        """The changes that a person sees, as they happen."""
        entry = (user, asyncio.Queue[Event]())
        self._watchers.append(entry)
        try:
            yield entry[1]
        finally:
            self._watchers.remove(entry)

    def _concerns(self, event: Event, watcher: User) -> bool:
        if event.user is not None:
            return event.user == watcher.id
        return event.channel is None or watcher.id in self.workspace.channels[event.channel].members


def _forget(kept: dict[str, Trigger] | dict[str, Hook], newest: float) -> None:
    """Drop the oldest, which stand first."""
    while kept:
        first = next(iter(kept))
        if kept[first].expires > newest - REMEMBERED:
            return
        del kept[first]
