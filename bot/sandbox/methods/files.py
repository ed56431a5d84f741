"""files.*: the two calls around an upload."""

from __future__ import annotations

import mimetypes
from urllib.parse import quote

from bot.sandbox.calls import Call, method
from bot.sandbox.composing import parts
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json
from bot.sandbox.state import StoredFile


@method("files.getUploadURLExternal", "files:write")
def files_get_upload_url(call: Call) -> Json:
    name, length = call.needed("filename"), call.needed("length")
    if not length.isdigit() or int(length) == 0:
        raise SlackError("invalid_arguments", messages=["must be greater than 0 [json-pointer:/length]"])
    stored = StoredFile(call.state.ids.object_id("F"), name, int(length), int(call.now), call.bot)
    secret = call.state.ids.secret(32)
    call.state.files[stored.id] = stored
    call.state.uploads[secret] = stored.id
    return {"upload_url": f"{call.base}/upload/v1/{secret}", "file_id": stored.id}


@method("files.completeUploadExternal", "files:write")
def files_complete_upload(call: Call) -> Json:
    given = parts(call.args, "files", "invalid_arguments") or []
    stored = [_received(call, one) for one in given]
    if not stored:
        raise SlackError("invalid_arguments", messages=["missing required field: files"])
    wanted = [call.text("channel_id"), *(call.text("channels") or "").split(",")]
    for channel_id in dict.fromkeys(one.strip() for one in wanted if one and one.strip()):
        _share(call, channel_id, stored)
    return {"files": [shown(one, call.base, call.state.workspace.team.id) for one in stored]}


@method("files.info", "files:read", takes_json=False)
def files_info(call: Call) -> Json:
    stored = call.state.files.get(call.needed("file"))
    if stored is None or not stored.received:
        raise SlackError("file_not_found")
    return {"file": shown(stored, call.base, call.state.workspace.team.id)}


def shown(stored: StoredFile, base: str, team: str) -> Json:
    """A file as messages carry it. Its private addresses are served to who brings a token."""
    kind = stored.name.rpartition(".")[2].lower()
    private, name = f"{base}/files-pri/{team}-{stored.id}", quote(stored.name)
    return {
        "id": stored.id,
        "created": stored.created,
        "timestamp": stored.created,
        "name": stored.name,
        "title": stored.title or stored.name,
        "mimetype": mimetypes.guess_type(stored.name)[0] or "application/octet-stream",
        "filetype": kind,
        "pretty_type": kind.upper(),
        "user": stored.user,
        "user_team": team,
        "editable": False,
        "size": len(stored.content),
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "public_url_shared": False,
        "url_private": f"{private}/{name}",
        "url_private_download": f"{private}/download/{name}",
        "permalink": f"{base}/files/{stored.user}/{stored.id}/{name}",
    }


def _received(call: Call, given: Json) -> StoredFile:
    stored = call.state.files.get(str(given.get("id")))
    if stored is None or not stored.received:
        raise SlackError("file_not_found")
    stored.title = str(given.get("title") or stored.name)
    return stored


def _share(call: Call, channel_id: str, stored: list[StoredFile]) -> None:
    channel = call.state.workspace.channels.get(channel_id)
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    if call.bot not in channel.members:
        raise SlackError("not_in_channel")
    call.state.post(
        Message(
            channel.id,
            call.state.ids.ts(),
            call.bot,
            call.text("initial_comment") or "",
            files=tuple(shown(one, call.base, call.state.workspace.team.id) for one in stored),
            thread_ts=call.text("thread_ts"),
            from_app=True,
        )
    )
