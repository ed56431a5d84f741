"""A Web API call: who calls, with which arguments, and what it may touch; and the table of methods."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from bot.sandbox.composing import is_true
from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.messages import Message
from bot.sandbox.pace import Pace
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.state import State
from bot.sandbox.workspace import Channel, User

TokenKind = Literal["bot", "app"]
PAGE = 100
_TS = re.compile(r"\d{1,11}\.\d{6}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call, let in: the token is known and of the right kind."""

    args: Json
    scopes: frozenset[str]
    token: TokenKind
    state: State
    sockets: SocketMode
    events: Events
    pace: Pace
    now: float
    base: str
    """The address of the sandbox, `http://127.0.0.1:1234`."""

    @property
    def bot(self) -> str:
        return self.state.workspace.app.bot_user_id

    def text(self, name: str) -> str | None:
        """An argument as text; None when it is missing or empty."""
        value = self.args.get(name)
        return str(value) if value not in (None, "") else None

    def needed(self, name: str) -> str:
        """An argument that must be there. Raises `SlackError` invalid_arguments."""
        value = self.text(name)
        if value is None:
            raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        return is_true(self.args.get(name))

    def moment(self, name: str, *, error: str) -> Decimal | None:
        """An argument that is a time in seconds, or a ts; None when it is missing. Raises `SlackError`."""
        value = self.text(name)
        try:
            when = None if value is None else Decimal(value)
        except InvalidOperation:
            raise SlackError(error) from None
        if when is not None and not (when.is_finite() and when >= 0):
            raise SlackError(error)
        return when

    def limit(self, default: int = PAGE, most: int = 1000) -> int:
        """How many at once. Raises `SlackError` invalid_limit."""
        given = self.text("limit") or "0"
        if not given.isdigit():
            raise SlackError("invalid_limit")
        return min(int(given) or default, most)

    def thing(self, name: str) -> Json:
        """An argument that is an object, or one as JSON text. Raises `SlackError` invalid_arguments."""
        value = self.args.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = None
        if not isinstance(value, dict):
            raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
        return value

    def require(self, *any_of: str) -> None:
        """Raises `SlackError` missing_scope unless the token has one of these scopes."""
        if not self.scopes.intersection(any_of):
            provided = ",".join(scope for scope in self.state.workspace.app.scopes if scope in self.scopes)
            raise SlackError("missing_scope", extra={"needed": ",".join(any_of), "provided": provided})

    def channel(self, *, purpose: Literal["read", "history"] = "read") -> Channel:
        """The channel of the argument `channel`, as far as the bot may see it. Raises `SlackError`."""
        channel = self.state.workspace.channels.get(self.needed("channel"))
        if channel is None or not self.sees(channel):
            raise SlackError("channel_not_found")
        self.require(f"{channel.kind}:{purpose}")
        return channel

    def message(self, channel: Channel, ts: str) -> Message:
        """A message that everybody in the channel sees. Raises `SlackError` message_not_found."""
        found = self.state.messages.get((channel.id, ts))
        if found is None or found.ephemeral_to is not None or found.subtype == "tombstone":
            raise SlackError("message_not_found")
        return found

    def shown(self, message: Message, *, metadata: bool = False) -> Json:
        """A message as methods answer it; its metadata only where it is asked for."""
        hidden = {"channel"} if metadata else {"channel", "metadata"}
        return {name: value for name, value in self.state.show(message).items() if name not in hidden}

    def member(self, channel: Channel) -> None:
        """Raises `SlackError` not_in_channel where the bot is not in the channel, is_archived where nobody acts."""
        if channel.is_archived:
            raise SlackError("is_archived")
        if self.bot not in channel.members:
            raise SlackError("not_in_channel")

    def sees(self, channel: Channel) -> bool:
        """Private channels that the bot is not in do not exist for it."""
        return not channel.is_private or self.bot in channel.members

    def ts(self, name: str = "ts", *, error: str = "message_not_found") -> str:
        """A message's ts as Slack writes it (`1700000000.000100`). Raises `SlackError` for others."""
        ts = self.text(name) or ""
        if not _TS.fullmatch(ts):
            raise SlackError(error)
        return ts

    def user(self, name: str = "user", *, error: str = "user_not_found") -> User:
        """Raises `SlackError`."""
        user = self.state.workspace.users.get(self.text(name) or "")
        if user is None:
            raise SlackError(error)
        return user

    def page(self, name: str, items: list[Json] | list[str], default: int = PAGE) -> Json:
        """One page of a list, and the cursor of the next. Raises `SlackError` invalid_cursor, invalid_limit."""
        cursor = self.text("cursor") or "0"
        if not cursor.isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor)
        end = start + self.limit(default)
        following = str(end) if end < len(items) else ""
        return {name: items[start:end], "response_metadata": {"next_cursor": following}}


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method."""

    name: str
    run: Callable[[Call], Json]
    """Gives the fields that follow `ok`. Raises `SlackError`."""
    scopes: tuple[str, ...]
    """It needs one of these; none is needed where it is empty."""
    tokens: tuple[TokenKind, ...]
    takes_json: bool
    """Methods that only read ignore a JSON body, as Slack's do."""


METHODS: dict[str, Method] = {}
"""Every method, by name. Filled when `bot.sandbox.methods` is imported."""


def method(
    name: str, *scopes: str, tokens: tuple[TokenKind, ...] = ("bot",), takes_json: bool = True
) -> Callable[[Callable[[Call], Json]], Callable[[Call], Json]]:
    """Put a function into the table."""

    def register(run: Callable[[Call], Json]) -> Callable[[Call], Json]:
        METHODS[name] = Method(name, run, scopes, tokens, takes_json)
        return run

    return register
