"""The Web API through Slack's own client: who is let in, what is refused, and with which code."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox import Sandbox, Team, User, UserGroup, Workspace
from bot.sandbox.workspace import Channel, SlackApp
from tests.support.clock import UnixClock

OPS = "C0OPS0001"


def refusal(call: Callable[[], object]) -> dict:
    """Slack's answer to a call that it refuses."""
    with pytest.raises(SlackApiError) as refused:
        call()
    return dict(refused.value.response.data)


def error(call: Callable[[], object]) -> str:
    return refusal(call)["error"]


def raw(sandbox: Sandbox, method: str, body: bytes, kind: str, token: str | None = None) -> dict:
    headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
    with urlopen(Request(sandbox.api_url + method, body, headers)) as answer:
        assert answer.status == 200
        return json.load(answer)


def test_the_bot_and_the_app_tokens_are_who_they_are(sandbox: Sandbox, client: WebClient) -> None:
    who = client.auth_test()
    assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T0CONTOSO", "U0CHECKPT", "B0CHECKPT")
    assert "chat:write" in who.headers["X-OAuth-Scopes"]
    assert WebClient(sandbox.app_token, base_url=sandbox.api_url).auth_test()["app_id"] == "A0CHECKPT"


def test_a_token_must_be_there_known_and_of_the_right_kind(sandbox: Sandbox, client: WebClient) -> None:
    def ask(token: str | None) -> WebClient:
        return WebClient(token, base_url=sandbox.api_url)

    assert error(lambda: ask(None).auth_test()) == "not_authed"
    assert error(lambda: ask("xoxb-other").auth_test()) == "invalid_auth"
    assert error(lambda: ask(sandbox.app_token).chat_postMessage(channel=OPS, text="x")) == "not_allowed_token_type"
    assert error(lambda: client.apps_connections_open(app_token=sandbox.bot_token)) == "not_allowed_token_type"


def test_a_missing_scope_is_named(client: WebClient) -> None:
    refused = refusal(client.team_info)
    assert refused["error"] == "missing_scope"
    assert refused["needed"] == "team:read"
    assert "commands,chat:write" in refused["provided"]
    assert error(lambda: client.conversations_history(channel=OPS)) == "missing_scope"
    client.conversations_open(users="U0ADA0001")
    assert refusal(lambda: client.conversations_info(channel="D0ADA0001"))["needed"] == "im:read"


def test_an_unknown_method_is_said_to_be_one(client: WebClient) -> None:
    assert refusal(lambda: client.api_call("chat.shout"))["req_method"] == "chat.shout"


def test_bodies_are_read_as_slack_reads_them(sandbox: Sandbox) -> None:
    token = sandbox.bot_token
    assert raw(sandbox, "auth.test", b"", "application/json", token)["ok"]
    assert raw(sandbox, "chat.postMessage", b"{", "application/json", token)["error"] == "invalid_json"
    assert raw(sandbox, "chat.postMessage", b"[]", "application/json", token)["error"] == "json_not_object"
    assert raw(sandbox, "chat.postMessage", b"x", "application/xml", token)["error"] == "invalid_post_type"
    form = f"token={token}&channel={OPS}&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D&text=x".encode()
    posted = raw(sandbox, "chat.postMessage", form, "application/x-www-form-urlencoded")
    assert posted["message"]["blocks"][0]["type"] == "divider"


def test_methods_that_only_read_ignore_a_json_body(sandbox: Sandbox) -> None:
    body = json.dumps({"user": "U0ADA0001"}).encode()
    assert raw(sandbox, "users.info", body, "application/json", sandbox.bot_token)["error"] == "user_not_found"


def test_people_are_shown_as_what_they_are(client: WebClient) -> None:
    def user(user_id: str) -> dict:
        return client.users_info(user=user_id)["user"]

    assert user("U0ADA0001")["is_admin"] and user("U0ADA0001")["is_owner"]
    assert user("U0GUEST01")["is_restricted"]
    assert user("U0STRANGE")["is_stranger"] and user("U0STRANGE")["team_id"] == "T0FABRIKM"
    assert user("U0FORMER1")["deleted"] and "is_admin" not in user("U0FORMER1")
    assert user("U0CHECKPT")["is_bot"]
    assert error(lambda: client.users_info(user="U0NOBODY1")) == "user_not_found"


def test_lists_come_in_pages(client: WebClient) -> None:
    assert [len(page["members"]) for page in client.users_list(limit=3)] == [3, 3, 1]
    assert error(lambda: client.users_list(cursor="?")) == "invalid_cursor"


def test_user_groups_need_a_plan(sandbox: Sandbox, client: WebClient) -> None:
    assert client.usergroups_users_list(usergroup="S0VMADMIN")["users"] == ["U0ADA0001", "U0ONCALL1"]
    assert [g["handle"] for g in client.usergroups_list(include_users=True)["usergroups"]] == ["vm-admins", "web-team"]
    assert error(lambda: client.usergroups_users_list(usergroup="S0NOTHING")) == "no_such_subteam"
    sandbox.workspace.has_user_groups = False
    assert error(client.usergroups_list) == "plan_upgrade_required"


def test_channels_are_shown_as_far_as_the_bot_may_see(sandbox: Sandbox, client: WebClient) -> None:
    shared = client.conversations_info(channel="C0PARTNER")["channel"]
    assert shared["is_ext_shared"] and "T0FABRIKM" in shared["shared_team_ids"]
    assert client.conversations_info(channel="C0INCIDEN")["channel"]["is_private"]
    names = [c["name"] for c in client.conversations_list(types="public_channel,private_channel")["channels"]]
    assert "incidents" in names
    assert "lounge" not in [c["name"] for c in client.users_conversations()["channels"]]
    sandbox.workspace.channels["C0INCIDEN"].members.remove("U0CHECKPT")
    assert error(lambda: client.conversations_info(channel="C0INCIDEN")) == "channel_not_found"
    assert error(lambda: client.conversations_info(channel="C0NOTHING")) == "channel_not_found"


def test_a_message_goes_only_where_the_bot_is(sandbox: Sandbox, client: WebClient) -> None:
    assert error(lambda: client.chat_postMessage(channel="C0LOUNGE1", text="x")) == "not_in_channel"
    assert error(lambda: client.chat_postMessage(channel="C0NOTHING", text="x")) == "channel_not_found"
    with pytest.warns(UserWarning, match="`text` argument is missing"):
        assert error(lambda: client.chat_postMessage(channel=OPS)) == "no_text"
    sandbox.workspace.channels[OPS].is_archived = True
    assert error(lambda: client.chat_postMessage(channel=OPS, text="x")) == "is_archived"
    assert client.chat_postMessage(channel="U0DEV0001", text="hello")["channel"] == "D0DEV0001"


def test_an_ephemeral_message_is_seen_by_one_and_cannot_be_updated(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel=OPS, user="U0ADA0001", text="for you")["message_ts"]
    assert sandbox.messages("#ops") == []
    assert [m.text for m in sandbox.messages("#ops", user="ada")] == ["for you"]
    assert error(lambda: client.chat_update(channel=OPS, ts=ts, text="y")) == "message_not_found"
    elsewhere = lambda: client.chat_postEphemeral(channel="C0INCIDEN", user="U0DEV0001", text="x")  # noqa: E731
    assert error(elsewhere) == "user_not_in_channel"


def test_an_update_by_text_alone_takes_the_blocks_away_and_marks_the_message_as_edited(
    sandbox: Sandbox, client: WebClient
) -> None:
    blocks = [{"type": "divider", "block_id": "d"}]
    attachments = [{"text": "kept", "fallback": "kept"}]
    posted = client.chat_postMessage(channel=OPS, text="a", blocks=blocks, attachments=attachments)
    changed = client.chat_update(channel=OPS, ts=posted["ts"], text="b", blocks=[{"type": "divider"}])
    assert "edited" not in changed["message"]
    changed = client.chat_update(channel=OPS, ts=posted["ts"], text="c")
    assert "blocks" not in changed["message"] and changed["message"]["attachments"]
    assert changed["message"]["edited"]["user"] == "B0CHECKPT"
    changed = client.chat_update(channel=OPS, ts=posted["ts"], blocks=blocks, attachments=[])
    assert changed["text"] == "c" and changed["message"]["blocks"] == blocks
    assert "edited" not in changed["message"] and "attachments" not in changed["message"]


def test_only_the_bots_own_messages_can_be_changed(sandbox: Sandbox, client: WebClient) -> None:
    said = sandbox.say("ada", "#ops", "mine")
    assert error(lambda: client.chat_update(channel=OPS, ts=said.ts, text="x")) == "cant_update_message"
    assert error(lambda: client.chat_delete(channel=OPS, ts=said.ts)) == "cant_delete_message"
    assert error(lambda: client.chat_delete(channel=OPS, ts="1.0")) == "message_not_found"
    ts = client.chat_postMessage(channel=OPS, text="x")["ts"]
    assert error(lambda: client.chat_update(channel=OPS, ts=ts, text="x" * 4001)) == "msg_too_long"
    client.chat_delete(channel=OPS, ts=ts)
    assert [m.text for m in sandbox.messages("#ops")] == ["mine"]


def test_a_trigger_opens_one_view_and_soon(sandbox: Sandbox, client: WebClient, clock: UnixClock) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    first, second = (sandbox.command("ada", "#ops", "/checkpoint").trigger_id for _ in range(2))
    opened = client.views_open(trigger_id=first, view=view)["view"]
    assert error(lambda: client.views_open(trigger_id=first, view=view)) == "exchanged_trigger_id"
    assert error(lambda: client.views_open(trigger_id="1.2.x", view=view)) == "invalid_trigger_id"
    clock.now += 4
    assert error(lambda: client.views_open(trigger_id=second, view=view)) == "expired_trigger_id"
    assert error(lambda: client.views_update(view_id=opened["id"], hash="0.x", view=view)) == "hash_conflict"
    assert client.views_update(view_id=opened["id"], hash=opened["hash"], view=view)["view"]["id"] == opened["id"]


def test_a_file_is_uploaded_and_shared(sandbox: Sandbox, client: WebClient) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(40)
    client.files_upload_v2(channel=OPS, filename="growth.png", title="Growth", content=png, initial_comment="See")
    message = sandbox.messages("#ops")[0]
    assert (message.text, message.files[0]["title"]) == ("See", "Growth")
    url = message.files[0]["url_private"]
    with pytest.raises(HTTPError) as refused:
        urlopen(url)
    assert refused.value.url.startswith(f"{sandbox.url}signin?redir=")
    for token in (sandbox.app_token, "xoxb-other"):
        with pytest.raises(HTTPError):
            urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}))
    with urlopen(Request(url, headers={"Authorization": f"Bearer {sandbox.bot_token}"})) as answer:
        assert answer.read() == png
        assert answer.headers["Content-Type"] == "image/png"


def test_a_file_may_be_shared_with_several_channels_or_none(sandbox: Sandbox, client: WebClient) -> None:
    def upload(**where: object) -> dict:
        place = client.files_getUploadURLExternal(filename="growth.csv", length=3)
        urlopen(Request(place["upload_url"], b"a,b"))
        return dict(
            client.files_completeUploadExternal(files=[{"id": place["file_id"], "title": "Growth"}], **where).data
        )

    assert upload()["files"][0]["title"] == "Growth"
    assert sandbox.messages("#ops") == []
    upload(channels=[OPS, "C0WEBTEAM"])
    for name in ("#ops", "#web-team"):
        (file,) = sandbox.messages(name)[0].files
        assert (file["mimetype"], file["filetype"], file["size"]) == ("text/csv", "csv", 3)
    assert error(lambda: upload(channel_id="C0NOTHING")) == "channel_not_found"


def test_more_than_a_message_per_second_is_held_back(sandbox: Sandbox, client: WebClient, clock: UnixClock) -> None:
    sandbox.limit_rates()
    for _ in range(3):
        client.chat_postMessage(channel=OPS, text="x")
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=OPS, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="C0WEBTEAM", text="another channel")
    clock.now += 1
    client.chat_postMessage(channel=OPS, text="x")


def test_faults_meet_as_many_calls_as_they_are_told(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.fail("chat.postMessage", error="internal_error", times=2)
    assert [error(lambda: client.chat_postMessage(channel=OPS, text="x")) for _ in range(2)] == ["internal_error"] * 2
    client.chat_postMessage(channel=OPS, text="x")
    sandbox.fail("users.info", retry_after=30)
    with pytest.raises(SlackApiError) as refused:
        client.users_info(user="U0ADA0001")
    assert refused.value.response.headers["Retry-After"] == "30"
    sandbox.fail("*", status=503, times=None)
    with pytest.raises(SlackApiError) as broken:
        client.auth_test()
    assert broken.value.response.status_code == 503
    sandbox.clear_faults()
    client.auth_test()


def test_a_connection_cut_after_the_call_leaves_it_done(sandbox: Sandbox) -> None:
    client = WebClient(sandbox.bot_token, base_url=sandbox.api_url, retry_handlers=[])
    for cut, there in (("before", 0), ("after", 1)):
        sandbox.fail("chat.postMessage", cut=cut)
        with pytest.raises((URLError, ConnectionError, OSError)):
            client.chat_postMessage(channel=OPS, text=cut)
        assert len(sandbox.messages("#ops")) == there


def test_a_workspace_of_ones_own_and_an_app_from_its_manifest() -> None:
    manifest = {
        "display_information": {"name": "Other"},
        "features": {"bot_user": {"display_name": "Other Bot"}, "slash_commands": [{"command": "/other"}]},
        "oauth_config": {"scopes": {"bot": ["commands"]}},
        "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
    }
    app = SlackApp.from_manifest(manifest)
    assert (app.bot_name, app.events, app.commands[0].command) == ("other-bot", ("app_mention",), "/other")
    workspace = Workspace.of(
        Team("T1", "One", "one"),
        users=[User("U1", "jo", "Jo", "T1")],
        channels=[Channel("C1", "all", ["U1", app.bot_user_id])],
        groups=[UserGroup("S1", "us", "Us", ["U1"])],
        app=app,
    )
    with Sandbox(workspace=workspace) as sandbox:
        client = WebClient(sandbox.bot_token, base_url=sandbox.api_url)
        assert error(lambda: client.chat_postMessage(channel="C1", text="x")) == "missing_scope"
        assert sandbox.command("jo", "#all", "/other").error == "dispatch_failed"
