"""One WebSocket to Slack, over slack_sdk's built-in client."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.messages import WorkspaceError
from bot.slack.web import WEB_ERRORS, error_code, quiet, reach_directly, reading_client, websocket_proxy

Deliver = Callable[[BaseSocketModeClient, SocketModeRequest], None]

PING_INTERVAL = 3
"""Seconds between pings. A connection that broke without a word is found out after four (slack_sdk 3.47)."""

_REFUSALS = {
    "invalid_auth": "it does not know the app token",
    "not_authed": "no app token is set",
    "account_inactive": "the app was removed",
    "token_revoked": "the app token was revoked",
    "not_allowed_token_type": "the app token is of the wrong kind: it starts with xapp-",
    "missing_scope": "the app token lacks the scope connections:write",
    "no_permission": "the app token lacks the scope connections:write",
    "forbidden_team": "Socket Mode is not allowed for this workspace",
    "link_disabled": "Socket Mode is switched off for the app",
}

_log = logging.getLogger(__name__)


class NotConnected(WorkspaceError):
    """No connection could be made."""


def app_of(app_token: str, api_url: str) -> str:
    """The id of the app that the token belongs to, where Slack gives it an address to connect to. Nothing is connected.
    Raises `NotConnected`."""
    client = reading_client(app_token, api_url)
    with _told(client.base_url):
        client.apps_connections_open(app_token=app_token)
        return str(client.auth_test().get("app_id") or "")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Raises `NotConnected` for what Slack refuses."""
    try:
        yield
    except SlackApiError as error:
        code = error_code(error)
        why = _REFUSALS.get(code, "it gave no connection")
        raise NotConnected(f"Slack refused: {why} ({code})", lasting=code in _REFUSALS) from error
    except WEB_ERRORS as error:
        raise NotConnected(f"{url} could not be reached ({error_code(error)})") from error


def _its_socket_may_go() -> suppress:
    """While it is used here, the thread that reads, or another one that looks, may give it up and set it to None
    (slack_sdk 3.47)."""
    return suppress(AttributeError)


class SocketClient(SocketModeClient):
    """slack_sdk's client, less its own way of reconnecting: that closes a connection on which an acknowledgement is
    still due (slack_sdk 3.47), and asks for a new address every few seconds for as long as Slack is down."""

    def __init__(
        self,
        app_token: str,
        web_client: WebClient,
        deliver: Deliver,
    ) -> None:
        self.replacement_wanted = threading.Event()
        self._in_hand = _Count()
        super().__init__(
            app_token,
            logger=quiet(_log.getChild("socket")),
            web_client=web_client,
            auto_reconnect_enabled=False,
            ping_interval=PING_INTERVAL,
        )
        self.socket_mode_request_listeners.append(self._count(deliver))

    @property
    def alive(self) -> bool:
        """Whether the connection held when it was last looked at."""
        session = self.current_session
        return session is not None and session.is_active() and session.consecutive_check_state_error_count == 0

    def check(self) -> bool:
        """Send a ping, and say whether the connection holds. A peer that went away is noticed by the second one that
        it cannot take."""
        with _its_socket_may_go():
            if self.current_session is not None:
                self.current_session.check_state()
        return self.alive

    def open(self) -> None:
        with _told(self.web_client.base_url):
            self.connect()
        if not self.is_connected():  # slack_sdk logs what went wrong with the WebSocket and raises nothing
            raise NotConnected("Slack gave an address to connect to, and nothing answers there")

    def issue_new_wss_url(self) -> str:
        url = str(self.web_client.apps_connections_open(app_token=self.app_token)["url"])
        reach_directly(url)
        self.proxy = websocket_proxy(url)
        return url

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the signature is slack_sdk's
        """Called when Slack announces the end of a connection."""
        self.replacement_wanted.set()

    def close(self) -> None:
        """Close, when the acknowledgements in hand are out. slack_sdk drops them."""
        self._in_hand.wait_for_none(1.0)
        session = self.current_session
        if session is not None and session.sock is not None:
            self.current_session_state.terminated = True
            with suppress(OSError), _its_socket_may_go():
                session.sock.shutdown(socket.SHUT_RDWR)  # else closing waits for a read that lasts 3 s
        self.closed = True
        self.message_queue.put(None)  # else closing waits for the next message, for a second
        super().close()

    def _monitor_current_session(self) -> None:
        """Nothing: `check` is called by whoever replaces the connection."""

    def disconnect(self) -> None:
        with _its_socket_may_go():
            super().disconnect()

    def _count(self, deliver: Deliver) -> Deliver:
        def listener(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
            with self._in_hand.one():
                deliver(client, request)

        return listener


class _Count:
    """How many are at work."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._number += 1
        try:
            yield
        finally:
            with self._changed:
                self._number -= 1
                self._changed.notify_all()

    def wait_for_none(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._number == 0, seconds)
