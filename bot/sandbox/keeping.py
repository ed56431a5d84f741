"""Keeping a workspace over a restart, in a JSON file. Ephemeral messages are lost, as at Slack."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path

from bot.sandbox.messages import Message, Pin, Reaction
from bot.sandbox.shapes import Json
from bot.sandbox.state import State, StoredFile


def save(state: State, path: Path) -> None:
    """Write messages, direct messages and files."""
    with state.changed:
        channels = state.workspace.channels.values()
        kept = {
            "directs": [channel.members[0] for channel in channels if channel.is_im],
            "messages": [asdict(m) for m in state.messages.values() if m.ephemeral_to is None],
            "files": [
                {**asdict(f), "content": base64.b64encode(f.content).decode()}
                for f in state.files.values()
                if f.received
            ],
        }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(kept), encoding="utf-8")
    draft.replace(path)


def load(state: State, path: Path) -> None:
    """Read what `save` wrote. Messages in channels that are no more are left out."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    for person in kept["directs"]:
        if person in state.workspace.users:
            state.workspace.direct(person)
    for fields in kept["messages"]:
        message = _message(fields)
        state.ids.not_before(message.edited_ts or message.ts)
        if message.channel in state.workspace.channels:
            state.keep(message)
    for fields in kept["files"]:
        stored = StoredFile(**{**fields, "content": base64.b64decode(fields["content"])})
        state.files[stored.id] = stored


def _message(fields: Json) -> Message:
    """From what `asdict` made of it: lists where there were tuples, objects where there were values."""
    parts: Json = {name: tuple(fields[name]) for name in ("blocks", "attachments", "files")}
    parts["reactions"] = tuple(Reaction(one["name"], tuple(one["users"])) for one in fields.get("reactions", ()))
    pinned = fields.get("pinned")
    return Message(**{**fields, **parts, "pinned": Pin(**pinned) if pinned else None})
