"""A Slack workspace of one's own, on this machine: the Web API, Socket Mode, and a page to be the people in it.

    with Sandbox() as sandbox:
        app = App(client=WebClient(sandbox.bot_token, base_url=sandbox.api_url))
        SocketModeHandler(app, sandbox.app_token).connect()
        sandbox.command("ada", "#ops", "/checkpoint list")

An app needs no change for it. The routes are described in `bot.sandbox.routes`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random, SystemRandom
from types import TracebackType
from typing import TypeVar

from bot.sandbox.calls import TokenKind
from bot.sandbox.control import Control
from bot.sandbox.demo import demo_workspace
from bot.sandbox.errors import SandboxError
from bot.sandbox.events import RETRIES, Events
from bot.sandbox.faults import Faults
from bot.sandbox.ids import Ids
from bot.sandbox.messages import Message, View
from bot.sandbox.outcomes import How, Outcome
from bot.sandbox.pace import Pace
from bot.sandbox.payloads import Value
from bot.sandbox.people import People
from bot.sandbox.request_url import Delivery, RequestUrl
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.server import Server
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import Disconnect, EnvelopeType, SocketMode
from bot.sandbox.state import State
from bot.sandbox.viewing import Filled
from bot.sandbox.webapi import WebApi
from bot.sandbox.workspace import Workspace

T = TypeVar("T")
LOOK_AGAIN = 0.1
"""Seconds between looks when nothing changes in the sandbox."""


class Sandbox:
    """The workspace, served on 127.0.0.1 from a thread of its own between `start` and `stop`.

    Every method may be called from any thread. People and channels are named by id or by name: `ada`, `#ops`, and
    `@checkpoint` for the direct message with the bot. What a person could not do in Slack raises `SandboxError`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        workspace: Workspace | None = None,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
        ack_timeout: float = 3.0,
        timeout: float = 60.0,
        rate_limits: bool = False,
        event_retries: Sequence[float] = RETRIES,
        data_file: Path | None = None,
        bot_token: str | None = None,
        app_token: str | None = None,
        suggestions: Sequence[tuple[str, str]] = (),
        link: str = "",
    ) -> None:
        """`ack_timeout`, `event_retries` and `timeout`, that of whoever waits for something here, are in seconds. With
        a `data_file`, messages survive a restart. Tokens are made up unless given. The page offers
        `suggestions`, commands with what they do, where nothing was said yet. Apps are sent to `link` to connect,
        `http://` and an address, where something stands between them and the sandbox."""
        random = random or SystemRandom()
        self.workspace = workspace or demo_workspace()
        """May be changed while the sandbox runs."""
        self._timeout = timeout
        ids = Ids(clock, random)
        self.state = State(self.workspace, ids)
        self.faults = Faults()
        self.bot_token = bot_token or f"xoxb-{ids.secret()}"
        self.app_token = app_token or f"xapp-1-{self.workspace.app.id}-{ids.secret()}"
        pace = Pace(clock, on=rate_limits)
        self._sockets = SocketMode(self.state, self.faults, clock, random)
        self._sockets.link = link
        urls = ResponseUrls(self.state, clock)
        self.signing_secret = ids.secret(32)
        self._request_url = RequestUrl(self.state, clock, self.signing_secret)
        app = Delivery(self._sockets, self._request_url)
        events = Events(self.state, app, ack_timeout, event_retries)
        self._people = People(self.state, app, urls, events, clock, ack_timeout)
        tokens: dict[str, TokenKind] = {self.bot_token: "bot", self.app_token: "app"}
        api = WebApi(self.state, self._sockets, events, self.faults, pace, clock, tokens)
        self._control = Control(self.state, self._people, self._sockets, events, self.faults, pace, suggestions)
        self._server = Server(self._control, api, urls, port, data_file)

    # ---------------------------------------------------------------- running

    @property
    def url(self) -> str:
        """The page's address, with a slash at its end. Raises `SandboxError` before `start`."""
        return f"{self._server.base}/"

    @property
    def api_url(self) -> str:
        """The Web API's address, as `WebClient(base_url=…)` takes it."""
        return f"{self.url}api/"

    def start(self) -> Sandbox:
        """Serve, once. Raises `PortTaken`, an OSError."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Close every connection and save. Harmless when it is not running."""
        self._server.stop()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---------------------------------------------------------------- acting as a person

    def command(
        self, user: str, channel: str, text: str, *, times: int = 1, team: str | None = None, forged: bool = False
    ) -> Outcome:
        """Type a slash command (`text` begins with it) and wait for the ack; see `How` for the rest."""
        return self._server.run(self._people.command(user, channel, text, How(times, team, forged)))

    def press(
        self,
        user: str,
        message: Message,
        action_id: str,
        *,
        block_id: str | None = None,
        value: Value = None,
        values: Filled | None = None,
        times: int = 1,
        team: str | None = None,
        forged: bool = False,
    ) -> Outcome:
        """Press a button or choose a value in a message, and wait for the ack. A value not there needs `forged`.

        `values` is what the person has filled in there so far, by block_id and action_id.
        """
        how = How(times, team, forged)
        return self._server.run(
            self._people.press(user, message, action_id, how, block_id=block_id, value=value, filled=values)
        )

    def press_in_view(
        self, user: str, view: View, action_id: str, *, value: Value = None, values: Filled | None = None
    ) -> Outcome:
        """The same in a modal or on the Home tab; `values` is what is filled in so far."""
        return self._server.run(self._people.press_in_view(user, view, action_id, values or {}, How(), value=value))

    def submit(
        self, user: str, view: View, values: Filled, *, times: int = 1, team: str | None = None, forged: bool = False
    ) -> Outcome:
        """Submit a modal with values by block_id and action_id; the rest keeps what it has."""
        return self._server.run(self._people.submit(user, view, values, How(times, team, forged)))

    def close(self, user: str, view: View) -> Outcome:
        """Close a modal without submitting it."""
        return self._server.run(self._people.close(user, view, How()))

    def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Write an ordinary message, or a reply to one."""
        return self._server.run(self._people.say(user, channel, text, How(), thread_ts=thread_ts))

    def react(self, user: str, message: Message, name: str) -> None:
        """Put an emoji on a message, or take it off again."""
        self._server.run(self._people.react(user, message, name, How()))

    def shortcut(self, user: str, callback_id: str, message: Message | None = None) -> Outcome:
        """Choose a shortcut: of the whole workspace, or of a message."""
        return self._server.run(self._people.shortcut(user, callback_id, message, How()))

    def suggest(self, user: str, place: Message | View, action_id: str, typed: str = "") -> Outcome:
        """Type into a menu whose options the app gives; `ack` of the outcome has them."""
        return self._server.run(self._people.suggest(user, place, action_id, typed, How()))

    def deliver(self, kind: EnvelopeType, payload: Json, *, times: int = 1) -> Outcome:
        """Send any envelope at all and wait for the ack: shortcuts, menus that ask for options, nonsense."""
        return self._server.run(self._people.deliver(kind, payload, How(times)))

    def open_home(self, user: str, tab: str = "home") -> None:
        """Look at the app's Home tab, or at its `messages`: the app gets app_home_opened."""
        self._server.call(lambda: self._people.open_home(user, tab))

    # ---------------------------------------------------------------- looking

    def messages(self, channel: str, *, user: str | None = None) -> list[Message]:
        """The messages of a channel, oldest first, as a person sees them; without one, without ephemeral ones."""
        viewer = self.workspace.user(user or self.workspace.app.bot_user_id)
        return self.state.in_channel(self.workspace.channel(channel, viewer).id, viewer.id if user else None)

    def ephemeral(self, user: str) -> list[Message]:
        """What only this person sees, in all channels, oldest first."""
        person = self.workspace.user(user).id
        with self.state.changed:
            return [message for message in self.state.messages.values() if message.ephemeral_to == person]

    def views(self, user: str) -> list[View]:
        """The modals that a person has open, the one in front last."""
        return self.state.stack(self.workspace.user(user).id)

    def home(self, user: str) -> View | None:
        """A person's Home tab, if the app published one."""
        return self.state.homes.get(self.workspace.user(user).id)

    def log(self, kind: str | None = None) -> list[Json]:
        """What went over the wire, oldest first: web_api, envelope, ack, timeout, response_url, connections,
        and over HTTP request and answer."""
        with self.state.changed:
            return [line for line in self.state.log if kind in (None, line["kind"])]

    def wait_for(self, look: Callable[[], T], timeout: float | None = None) -> T:
        """Look until there is something, and give it: again at every change here, and now and then for those elsewhere.

        Raises `SandboxError` after `timeout` seconds, with the last messages there were.
        """
        timeout = self._timeout if timeout is None else timeout
        until = time.monotonic() + timeout
        while True:
            pulse = self.state.pulse
            found = look()
            if found:
                return found
            left = until - time.monotonic()
            if left <= 0:
                raise SandboxError(f"Nothing after {timeout} s. The last there was:\n{self._tail()}")
            self.state.wait(pulse, min(left, LOOK_AGAIN))

    def wait_for_connections(self, count: int = 1, timeout: float | None = None) -> None:
        """Wait until the app holds so many Socket Mode connections. Raises `SandboxError`."""
        self.wait_for(lambda: self.connections == count, timeout)

    @property
    def connections(self) -> int:
        """How many Socket Mode connections the app holds."""
        return len(self._sockets.connections)

    # ---------------------------------------------------------------- changes and faults

    def change_user(self, user: str, **flags: bool) -> None:
        """Deactivate a person, make them a guest, …: flags of `workspace.User`."""
        self._server.call(lambda: self._control.change_user(user, **flags))

    def change_group(self, group: str, users: Sequence[str]) -> None:
        """Put other people in a user group."""
        self._server.call(lambda: self._control.change_group(group, users))

    def fail(self, method: str, **fault: object) -> None:
        """Let the next calls of a Web API method meet a `faults.Fault`."""
        self._server.run(self._control.fault({"calls": [{"method": method, **fault}]}))

    def limit_rates(self, on: bool = True) -> None:
        """Answer 429 to more than about one message per second and channel."""
        self._server.run(self._control.fault({"rate_limits": on}))

    def refuse_connections(self, refuse: bool = True) -> None:
        """Let no new Socket Mode connection in."""
        self._server.run(self._control.fault({"refuse_connections": refuse}))

    def send_requests_to(self, url: str) -> None:
        """Deliver over HTTP to this address, signed with `signing_secret`, as to an app without Socket Mode."""
        self._request_url.url = url

    def drop_connection(self) -> None:
        """Reset one Socket Mode connection, as a broken network does."""
        self._server.call(self._sockets.drop)

    def disconnect(self, reason: Disconnect = "refresh_requested") -> None:
        """Close one Socket Mode connection as Slack does, with a word before."""
        self._server.run(self._sockets.disconnect(reason))

    def clear_faults(self) -> None:
        self._server.run(self._control.fault({"clear": True}))

    def _tail(self) -> str:
        last = list(self.state.messages.values())[-5:]
        return "\n".join(f"{m.channel} {m.ts} {m.user} to {m.ephemeral_to or 'all'}: {m.seen[:500]}" for m in last)
