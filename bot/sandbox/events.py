"""The Events API: what the app subscribed to, delivered, and delivered again when it was not acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.sandbox.messages import Message, View
from bot.sandbox.payloads import event_callback
from bot.sandbox.request_url import Delivery
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import Ack, NoConnection
from bot.sandbox.state import State
from bot.sandbox.workspace import User, UserGroup

RETRIES = (0.0, 60.0, 300.0)
"""Seconds to wait before each further delivery, as Slack does."""


class Events:
    """Sends them in the background. Lives on the sandbox's own thread."""

    def __init__(self, state: State, app: Delivery, ack_timeout: float, retries: Sequence[float]) -> None:
        self._state = state
        self._app = app
        self._ack_timeout = ack_timeout
        self._retries = retries
        self._running: set[asyncio.Task[None]] = set()

    def home_opened(self, user: str, channel: str, home: View | None, tab: str) -> None:
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab}
        if home is not None and tab == "home":
            event["view"] = home.as_slack(self._state.workspace)
        self.send("app_home_opened", {**event, "event_ts": self._state.ids.ts()})

    def said(self, message: Message) -> None:
        """A message of a person or of the app, and the mention in it."""
        workspace = self._state.workspace
        channel = workspace.channels[message.channel]
        if workspace.app.bot_user_id not in channel.members:
            return
        common = {**self._state.show(message), "event_ts": message.ts}
        self.send(
            f"message.{channel.kind}",
            {**common, "channel_type": channel.kind.rstrip("s")},
            shared=bool(channel.shared_with),
        )
        if not message.from_app and f"<@{workspace.app.bot_user_id}>" in message.text:
            self.send("app_mention", {**common, "type": "app_mention"}, shared=bool(channel.shared_with))

    def changed(self, message: Message, before: Message) -> None:
        """A message was changed."""
        parts = {"message": self._state.show(message), "previous_message": self._state.show(before)}
        self._hidden("message_changed", message, parts)

    def deleted(self, message: Message) -> None:
        self._hidden(
            "message_deleted",
            message,
            {"deleted_ts": message.ts, "previous_message": self._state.show(message)},
        )

    def _hidden(self, subtype: str, message: Message, parts: Json) -> None:
        """What apps hear of a message beside its text."""
        channel = self._state.workspace.channels[message.channel]
        ts = self._state.ids.ts()
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": message.channel, "ts": ts, **parts}
        if self._state.workspace.app.bot_user_id in channel.members and message.ephemeral_to is None:
            self.send(
                f"message.{channel.kind}",
                {**event, "event_ts": ts, "channel_type": channel.kind.rstrip("s")},
                shared=bool(channel.shared_with),
            )

    def reacted(self, kind: str, message: Message, name: str, user: str) -> None:
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user}
        self._about(kind, event, message)

    def pinned(self, kind: str, message: Message, user: str) -> None:
        item = {"type": "message", "channel": message.channel, "message": self._state.show(message)}
        self._about(kind, {"type": kind, "user": user, "channel_id": message.channel, "item": item}, message)

    def _about(self, kind: str, event: Json, message: Message) -> None:
        channel = self._state.workspace.channels[message.channel]
        if self._state.workspace.app.bot_user_id in channel.members:
            self.send(kind, {**event, "event_ts": self._state.ids.ts()}, shared=bool(channel.shared_with))

    def group_changed(self, group: UserGroup, before: Sequence[str]) -> None:
        added = [user for user in group.users if user not in before]
        removed = [user for user in before if user not in group.users]
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group.id,
            "team_id": self._state.workspace.team.id,
            "date_previous_update": int(float(self._state.ids.ts())),
            "date_update": int(float(self._state.ids.ts())),
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        }
        self.send("subteam_members_changed", {**event, "event_ts": self._state.ids.ts()})

    def user_changed(self, user: User) -> None:
        ts = self._state.ids.ts()
        self.send(
            "user_change", {"type": "user_change", "user": user.as_slack(float(ts)), "cache_ts": 0, "event_ts": ts}
        )

    def send(self, subscription: str, event: Json, *, shared: bool = False) -> None:
        """Deliver an event if the app subscribed to it; the caller does not wait."""
        if subscription not in self._state.workspace.app.events:
            return
        event_id = self._state.ids.object_id("Ev")
        happened = int(float(event["event_ts"]))
        payload = event_callback(self._state.workspace, event, event_id, happened, shared=shared)
        task = asyncio.get_running_loop().create_task(self._deliver(payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _deliver(self, payload: Json) -> None:
        for attempt, wait in enumerate((0.0, *self._retries)):
            await asyncio.sleep(wait)
            retry = {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
            if await self._once(payload, retry) is not None:
                return

    async def _once(self, payload: Json, retry: Json) -> Ack | None:
        try:
            return await self._app.deliver("events_api", payload, self._ack_timeout, retry)
        except NoConnection:
            return None
