"""The handles of the sandbox that are neither Slack nor a person: change the workspace, switch faults on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.sandbox.errors import SandboxError
from bot.sandbox.events import Events
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.pace import Pace
from bot.sandbox.people import People
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.state import State


@dataclass
class Control:
    """Lives on the sandbox's own thread."""

    state: State
    people: People
    sockets: SocketMode
    events: Events
    faults: Faults
    pace: Pace
    suggestions: Sequence[tuple[str, str]] = ()
    """Commands to try where nothing was said yet, each with what it does."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def change_user(self, who: str, **flags: bool) -> None:
        """Deactivate a person, make them a guest, …: flags of `workspace.User`. Raises `SandboxError`."""
        user = self.state.workspace.user(who)
        for name, value in flags.items():
            if not isinstance(getattr(user, name, None), bool):
                raise SandboxError(f"A user has no flag {name}.")
            setattr(user, name, value)
        self.events.user_changed(user)

    def change_group(self, which: str, members: Sequence[str]) -> None:
        """Put other people in a user group. Raises `SandboxError`."""
        group = self.state.workspace.group(which)
        before = group.users
        group.users = [self.state.workspace.user(who).id for who in members]
        self.events.group_changed(group, before)

    def post_due(self, now: float) -> None:
        """Post the messages whose time has come, in channels where the app still may."""
        for waiting in sorted(self.state.scheduled.values(), key=lambda one: one.post_at):
            if waiting.post_at > now:
                return
            del self.state.scheduled[waiting.id]
            channel = self.state.workspace.channels.get(waiting.message.channel)
            if channel is not None and not channel.is_archived:
                self.events.said(self.state.post(replace(waiting.message, ts=self.state.ids.ts())))

    async def fault(self, wanted: Json) -> None:
        """Switch faults on or off, as `routes` describes. Raises `SandboxError`, `NoConnection`, `TypeError`."""
        if wanted.get("clear"):
            self.faults.clear()
            self.pace.on = False
        if "rate_limits" in wanted:
            self.pace.on = bool(wanted["rate_limits"])
        if "refuse_connections" in wanted:
            self.faults.refuse_connections = bool(wanted["refuse_connections"])
        self.faults.calls.extend(Fault(**one) for one in wanted.get("calls", []))
        match wanted.get("socket"):
            case None:
                pass
            case "drop":
                self.sockets.drop()
            case "warning" | "refresh_requested" | "link_disabled" as reason:
                await self.sockets.disconnect(reason)
            case other:
                raise SandboxError(f"A connection cannot be made to {other}.")
