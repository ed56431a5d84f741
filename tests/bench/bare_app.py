"""A bare Bolt app in a process of its own, which does as little as an app can for what people do: what any other takes
is held against it.

Run with the address of a workspace's Web API, the bot's token and the app's.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox, Workspace
from tests.support.waiting import DEADLINE


def _plain(text: str) -> Mapping[str, object]:
    return {"type": "plain_text", "text": text}


OPTIONS = [{"text": _plain(f"vm{number:03}"), "value": str(number)} for number in range(100)]
SEARCH = {"type": "external_select", "action_id": "bot.vm.0", "min_query_length": 0, "placeholder": _plain("Search")}
FORM = {
    "type": "modal",
    "title": _plain("A form"),
    "submit": _plain("Send"),
    "blocks": [{"type": "input", "block_id": "vm", "label": _plain("VM"), "element": SEARCH}],
}
HOME = {"type": "home", "blocks": [{"type": "section", "text": _plain("Nothing waits.")}]}


@contextmanager
def bare_app(workspace: Workspace) -> Iterator[Sandbox]:
    """A workspace with such an app."""
    with Sandbox(workspace=workspace, ack_timeout=DEADLINE, timeout=DEADLINE) as sandbox:
        command = [sys.executable, "-m", __name__, sandbox.api_url, sandbox.bot_token, sandbox.app_token]
        with subprocess.Popen(command) as app:
            try:
                sandbox.wait_for_connections(1)
                yield sandbox
            finally:
                app.kill()


def serve(api_url: str, bot_token: str, app_token: str) -> None:
    """A command without words opens a form, any other is acknowledged and no more."""
    app = App(client=WebClient(bot_token, base_url=api_url))

    @app.command("/checkpoint")
    def command(ack: Ack, body: dict[str, str], client: WebClient) -> None:
        ack()
        if not body.get("text"):
            client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.shortcut("take_checkpoint")
    def shortcut(ack: Ack, body: dict[str, str], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=FORM)

    app.options("bot.vm.0")(lambda ack: ack(options=OPTIONS))
    app.view("")(lambda ack: ack(response_action="errors", errors={"vm": "Another one, please."}))

    @app.event("app_home_opened")
    def home(event: dict[str, str], client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view=HOME)

    SocketModeHandler(app, app_token).connect()
    threading.Event().wait()


if __name__ == "__main__":
    serve(*sys.argv[1:])
