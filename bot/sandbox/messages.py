"""Messages and views as the workspace keeps them, with what a person sees of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape

from bot.sandbox.shapes import Json, objects
from bot.sandbox.workspace import CREATED, Workspace


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji on a message, and who put it there."""

    name: str
    users: tuple[str, ...]

    def as_slack(self) -> Json:
        return {"name": self.name, "users": list(self.users), "count": len(self.users)}


@dataclass(frozen=True, slots=True)
class Pin:
    """A message is pinned to its channel."""

    by: str
    at: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. It never changes: an update puts another one in its place, with the same `ts`."""

    channel: str
    ts: str
    user: str
    """Who wrote it."""
    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    files: tuple[Json, ...] = ()
    thread_ts: str | None = None
    """The message that it replies to."""
    broadcast: bool = False
    """The reply is shown in the channel too."""
    edited_ts: str | None = None
    """When it was last changed by text alone: a message with blocks is never marked as edited."""
    from_app: bool = False
    ephemeral_to: str | None = None
    """The one person who sees it; None is everybody in the channel."""
    answers: str = ""
    """The response_url by which it came, which the outcome of what it answers has too."""
    subtype: str | None = None
    """What it is when nobody wrote it: `channel_topic`, `tombstone`."""
    username: str | None = None
    """The name that the app posted it under."""
    icons: Json = field(default_factory=dict)
    metadata: Json | None = None
    reactions: tuple[Reaction, ...] = ()
    pinned: Pin | None = None

    def as_slack(self, workspace: Workspace) -> Json:
        """As the Web API shows it, but for what `threads` knows of it. Metadata is shown only to who asks for it."""
        author = workspace.users.get(self.user)
        body: Json = {
            "type": "message",
            "user": self.user,
            "text": self.text,
            "ts": self.ts,
            "team": author.team_id if author else workspace.team.id,
        }
        if self.from_app:
            body |= {"bot_id": workspace.app.bot_id, "app_id": workspace.app.id, "bot_profile": _profile(workspace)}
        for name, parts in (("blocks", self.blocks), ("attachments", self.attachments), ("files", self.files)):
            if parts:
                body[name] = list(parts)
        if self.username or self.icons:
            del body["user"]
            body |= {"subtype": "bot_message", "username": self.username or workspace.app.name, "icons": self.icons}
        if self.subtype:
            body["subtype"] = self.subtype
        if self.edited_ts:
            body["edited"] = {"user": workspace.app.bot_id if self.from_app else self.user, "ts": self.edited_ts}
        if self.ephemeral_to:
            body["is_ephemeral"] = True
        return body | self._marks()

    def _marks(self) -> Json:
        """What people and apps put on it."""
        marks: Json = {}
        if self.reactions:
            marks["reactions"] = [one.as_slack() for one in self.reactions]
        if self.pinned:
            marks["pinned_to"] = [self.channel]
            marks["pinned_info"] = {"channel": self.channel, "pinned_by": self.pinned.by, "pinned_ts": self.pinned.at}
        return marks

    @property
    def seen(self) -> str:
        """What a person reads: the text of the blocks line by line, or `text` where there are none."""
        if not self.blocks:
            return unescape(self.text)
        return "\n".join(_read(block) for block in self.blocks if _read(block))

    def elements(self) -> Iterator[tuple[str, Json]]:
        """Everything that can be pressed or chosen, each with the id of its block."""
        yield from elements(self.blocks)

    @property
    def buttons(self) -> tuple[str, ...]:
        """The labels of its buttons."""
        return tuple(e["text"]["text"] for _, e in self.elements() if e["type"] == "button")


@dataclass(frozen=True, slots=True)
class View:
    """A modal that a person has open, or their Home tab."""

    id: str
    user: str
    body: Json
    """What the app sent."""
    hash: str
    root_id: str
    previous_id: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    """What the app said is wrong with the last submission, by block_id."""

    def as_slack(self, workspace: Workspace, values: Json | None = None) -> Json:
        """As the Web API and view payloads show it; `values` is what is filled in."""
        body = {name: value for name, value in self.body.items() if value is not None}
        return {
            "title": {"type": "plain_text", "text": "View Title", "emoji": True},
            "close": None,
            "submit": None,
            "private_metadata": "",
            "callback_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "external_id": "",
            **body,
            "id": self.id,
            "team_id": workspace.team.id,
            "hash": self.hash,
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": workspace.app.id,
            "bot_id": workspace.app.bot_id,
            "app_installed_team_id": workspace.team.id,
            "state": {"values": values or {}},
        }

    def elements(self) -> Iterator[tuple[str, Json]]:
        """Everything that can be pressed, chosen or filled in, each with the id of its block."""
        yield from elements(tuple(self.body["blocks"]))

    def with_errors(self, errors: dict[str, str]) -> View:
        return replace(self, errors=dict(errors))


def elements(blocks: tuple[Json, ...]) -> Iterator[tuple[str, Json]]:
    """The interactive elements of blocks, each with its block's id."""
    for block in blocks:
        for part in objects(block):
            if "action_id" in part:
                yield block.get("block_id", ""), part


def _profile(workspace: Workspace) -> Json:
    app = workspace.app
    known = {"id": app.bot_id, "app_id": app.id, "name": app.name, "deleted": False, "team_id": workspace.team.id}
    return {**known, "updated": CREATED, "icons": {}}


_BOLD = re.compile(r"(?<!\w)\*(?!\s)([^*\n]+)(?<!\s)\*(?!\w)")


def _read(block: Json) -> str:
    match block["type"]:
        case "table" | "data_table":
            lines = [" | ".join(_inner(cell) for cell in row) for row in block["rows"]]
        case "container":
            title = block.get("rich_text_title") or block["title"]
            lines = [_inner(title), *(_read(child) for child in block["child_blocks"])]
        case "plan":
            lines = [block["title"], *map(_task, block["tasks"])]
        case "task_card":
            lines = [_task(block)]
        case "data_visualization":
            lines = [block["title"]]
        case "rich_text" | "context":
            lines = [_inner(part) for part in block["elements"]]
        case "section":
            lines = [_inner(part) for part in (block.get("text"), *block.get("fields", ())) if part]
        case "markdown":
            lines = [block["text"]]
        case "image":
            lines = [block["alt_text"]]
        case _:
            lines = [_inner(block.get("text") or block.get("title") or {})]
    return "\n".join(lines)


def _task(task: Json) -> str:
    """`web01: Took before-upgrade.`"""
    told = [_inner(task[part]) for part in ("details", "output") if part in task]
    return ": ".join([task["title"], *told])


def _inner(part: Json) -> str:
    """The text in an object, without markup's escapes and the signs around bold words."""
    if part.get("type") == "mrkdwn":
        return unescape(_BOLD.sub(r"\1", part["text"]))
    found = (o["text"] for o in objects(part) if isinstance(o.get("text"), str))
    return "".join(found) or str(part.get("alt_text", part.get("value", "")))
