"""What is filled in, typed and chosen in messages and views, as it reaches an app; and what strict clients read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest
from slack_bolt import Ack, App, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.sandbox import EVERY_SCOPE, Sandbox, SandboxError, Shortcut, SlackApp, demo_workspace
from tests.support.clock import Clock

NewApp = Callable[[], App]
Connect = Callable[..., list[SocketModeHandler]]
OPS = "C0OPS0001"
SHORTCUTS = (Shortcut("Take one", "take"), Shortcut("Keep it", "keep", "message"))


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    workspace = demo_workspace(SlackApp(scopes=EVERY_SCOPE, shortcuts=SHORTCUTS))
    with Sandbox(workspace=workspace, clock=clock, random=Random(1), ack_timeout=2.0) as running:
        yield running


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict:
    return {"text": plain(value.title()), "value": value}


def menu(**more: object) -> dict:
    return {"type": "static_select", "action_id": "kind", "options": [option("a"), option("b")], **more}


def row(block_id: str, element: dict) -> dict:
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element}


FORM = [
    {"type": "actions", "block_id": "pick", "elements": [menu(initial_option=option("a"))]},
    row("name", {"type": "plain_text_input", "action_id": "text", "initial_value": "web01"}),
    row("who", {"type": "multi_users_select", "action_id": "people"}),
    row("day", {"type": "datepicker", "action_id": "date"}),
    {"type": "actions", "block_id": "go", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]},
]


def test_a_press_in_a_message_tells_what_is_filled_in_there(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app, bodies = new_app(), []

    @app.action("go")
    @app.action("kind")
    def pressed(ack: Ack, body: dict) -> None:
        ack()
        bodies.append(body)

    connect(app)
    client.chat_postMessage(channel=OPS, text="x", blocks=FORM)
    (message,) = sandbox.messages("#ops")
    sandbox.press("ada", message, "go")
    values = bodies[0]["state"]["values"]
    assert list(values) == ["pick", "name", "who", "day"]
    assert values["pick"]["kind"]["selected_option"]["value"] == "a"
    assert values["name"]["text"] == {"type": "plain_text_input", "value": "web01"}
    assert values["who"]["people"]["selected_users"] == []
    assert values["day"]["date"]["selected_date"] is None

    sandbox.press("ada", message, "kind", value="b")
    assert bodies[1]["state"]["values"]["pick"]["kind"]["selected_option"]["text"]["text"] == "B"
    sandbox.press("ada", message, "go", values={"name": {"text": "web02"}})
    values = bodies[2]["state"]["values"]
    assert (values["pick"]["kind"]["selected_option"]["value"], values["name"]["text"]["value"]) == ("b", "web02")
    sandbox.press("dev", message, "go")
    assert bodies[3]["state"]["values"]["name"]["text"]["value"] == "web01"


def test_a_menu_asks_the_app_for_its_options(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app, asked = new_app(), []

    @app.options("vm")
    def suggest(ack: Ack, body: dict) -> None:
        asked.append(body)
        ack(options=[option(f"{body['value']}01")] if body["value"] != "bad" else [{"value": "x"}])

    connect(app)
    external = {"type": "external_select", "action_id": "vm", "min_query_length": 0}
    client.chat_postMessage(
        channel=OPS, text="x", blocks=[{"type": "actions", "block_id": "b", "elements": [external]}]
    )
    (message,) = sandbox.messages("#ops")
    outcome = sandbox.suggest("ada", message, "vm", "web")
    assert outcome.ack == {"options": [option("web01")]}
    assert (asked[0]["type"], asked[0]["block_id"], asked[0]["container"]["type"]) == (
        "block_suggestion",
        "b",
        "message",
    )
    assert sandbox.suggest("ada", message, "vm", "bad").error == "invalid_options"


def test_shortcuts_reach_the_app_as_what_they_are(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app, bodies = new_app(), []

    @app.shortcut("take")
    @app.shortcut("keep")
    def chosen(ack: Ack, body: dict) -> None:
        ack()
        bodies.append(body)

    connect(app)
    client.chat_postMessage(channel=OPS, text="x")
    client.chat_postEphemeral(channel=OPS, user="U0ADA0001", text="x")
    assert sandbox.shortcut("ada", "take").acked
    assert sandbox.shortcut("ada", "keep", sandbox.messages("#ops")[0]).acked
    everywhere, on_message = bodies
    assert (everywhere["type"], "channel" in everywhere, "response_url" in everywhere) == ("shortcut", False, False)
    assert (on_message["type"], on_message["channel"]["id"], on_message["message"]["text"]) == (
        "message_action",
        OPS,
        "x",
    )
    for who, which, message in (("ada", "keep", None), ("ada", "keep", sandbox.ephemeral("ada")[0])):
        with pytest.raises(SandboxError):
            sandbox.shortcut(who, which, message)


def test_an_app_hears_of_every_message_that_changes(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    sandbox.workspace.app = replace(sandbox.workspace.app, events=("message.channels", "app_home_opened"))
    app, events = App(client=client, ignoring_self_events_enabled=False), []

    @app.event(re.compile(".*"))
    def happened(event: dict) -> None:
        events.append(event)

    connect(app)
    ts = client.chat_postMessage(channel=OPS, text="one")["ts"]
    client.chat_update(channel=OPS, ts=ts, text="two")
    client.chat_delete(channel=OPS, ts=ts)
    sandbox.open_home("ada", tab="messages")
    sandbox.wait_for(lambda: len(events) == 4)
    said, changed, deleted, opened = sorted(events, key=lambda event: event["event_ts"])
    assert (said["text"], said["channel_type"]) == ("one", "channel")
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
    assert (opened["type"], opened["tab"]) == ("app_home_opened", "messages")


def test_a_form_gives_a_way_back_to_the_channel_that_was_chosen_in_it(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app, bodies = new_app(), []

    @app.view("form")
    def submitted(ack: Ack, body: dict) -> None:
        ack()
        bodies.append(body)

    connect(app)
    channel = {"type": "conversations_select", "action_id": "channel", "response_url_enabled": True}
    view = {"type": "modal", "callback_id": "form", "title": plain("T"), "submit": plain("S")}
    trigger = sandbox.command("ada", "#ops", "/checkpoint").trigger_id
    client.views_open(trigger_id=trigger, view={**view, "blocks": [row("where", channel)]})
    sandbox.submit("ada", sandbox.views("ada")[0], {"where": {"channel": "C0WEBTEAM"}})
    (way,) = bodies[0]["response_urls"]
    assert (way["block_id"], way["action_id"], way["channel_id"]) == ("where", "channel", "C0WEBTEAM")
    WebhookClient(way["response_url"]).send(text="done", response_type="in_channel")
    assert sandbox.messages("#web-team")[0].text == "done"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"response_action": "errors", "errors": {"name": "No."}}, "errors"),
        ({"response_action": "errors", "errors": {"pick": "Not an input."}}, "invalid_errors"),
        ({"response_action": "errors", "errors": {}}, "invalid_errors"),
        ({"response_action": "update"}, "invalid_arguments"),
        ({"response_action": "update", "view": {"type": "home", "blocks": []}}, "invalid_arguments"),
        ({"response_action": "refresh"}, "invalid_response_action"),
    ],
)
def test_a_form_stays_open_when_the_answer_to_it_makes_no_sense(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect, answer: dict, error: str
) -> None:
    app = new_app()

    @app.view("form")
    def submitted(ack: Ack) -> None:
        ack.response = BoltResponse(status=200, body=json.dumps(answer))

    connect(app)
    view = {"type": "modal", "callback_id": "form", "title": plain("T"), "submit": plain("S"), "blocks": FORM}
    trigger = sandbox.command("ada", "#ops", "/checkpoint").trigger_id
    client.views_open(trigger_id=trigger, view=view)
    people = {"who": {"people": ["U0ADA0001"]}, "day": {"date": "2026-11-27"}}
    assert sandbox.submit("ada", sandbox.views("ada")[0], people).error == error
    assert len(sandbox.views("ada")) == 1


def test_only_a_modal_is_opened_and_three_of_them_at_most(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()
    modal = {"type": "modal", "callback_id": "form", "title": plain("T"), "submit": plain("S"), "blocks": []}

    @app.view("form")
    def more(ack: Ack) -> None:
        ack(response_action="push", view=modal)

    connect(app)

    def refused(**arguments: object) -> str:
        with pytest.raises(SlackApiError) as error:
            client.api_call("views.open", json=arguments)
        return str(error.value.response["error"])

    trigger = sandbox.command("ada", "#ops", "/checkpoint").trigger_id
    assert refused(view=modal) == "invalid_arguments"
    assert refused(trigger_id="1.2.x", view=modal) == "invalid_trigger_id"
    assert refused(trigger_id=trigger, view={"type": "home", "blocks": []}) == "invalid_arguments"
    client.views_open(trigger_id=trigger, view=modal)
    for _ in range(2):
        assert sandbox.submit("ada", sandbox.views("ada")[-1], {}).error is None
    assert sandbox.submit("ada", sandbox.views("ada")[-1], {}).error == "push_limit_reached"
    assert len(sandbox.views("ada")) == 3


def test_an_app_without_a_home_tab_cannot_publish_one(sandbox: Sandbox, client: WebClient) -> None:
    manifest = {"display_information": {"name": "Plain"}, "oauth_config": {"scopes": {"bot": []}}}
    assert not SlackApp.from_manifest(manifest).has_home
    sandbox.workspace.app = replace(sandbox.workspace.app, has_home=False)
    with pytest.raises(SlackApiError, match="not_enabled"):
        client.views_publish(user_id="U0ADA0001", view={"type": "home", "blocks": []})


def test_a_client_that_is_strict_about_shapes_can_read_everything(sandbox: Sandbox, client: WebClient) -> None:
    for user in client.users_list()["members"]:
        profile = user["profile"]
        needed = ("avatar_hash", "real_name", "display_name", "real_name_normalized", "display_name_normalized", "team")
        assert all(isinstance(profile[name], str) for name in needed)
        assert isinstance(user["is_app_user"], bool) and isinstance(user["updated"], int)
    assert client.users_info(user="U0ADA0001", include_locale=True)["user"]["locale"] == "en-US"
    every_kind = "public_channel,private_channel,mpim,im"
    for channel in client.conversations_list(types=every_kind)["channels"]:
        assert isinstance(channel["created"], int) and isinstance(channel["is_org_shared"], bool)
    view = {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": [row("a", menu())]}
    trigger = sandbox.command("ada", "#ops", "/checkpoint").trigger_id
    shown = client.views_open(trigger_id=trigger, view=view)["view"]
    assert shown["title"]["emoji"] is True and shown["submit"]["emoji"] is True


def test_blocks_can_be_looked_at_before_they_are_sent(client: WebClient) -> None:
    assert client.api_call("blocks.validate", json={"blocks": FORM})["ok"]
    assert client.api_call("blocks.validate", json={"message": {"text": "x"}})["ok"]
    wrong = {"type": "header", "text": plain("x" * 151)}
    for kind, value, place in (
        ("blocks", [wrong], "/blocks/0"),
        ("message", {"blocks": [wrong]}, "/message/blocks/0"),
        ("view", {"type": "home", "blocks": [wrong]}, "/view/blocks/0"),
    ):
        with pytest.raises(SlackApiError) as refused:
            client.api_call("blocks.validate", json={kind: value})
        answer = refused.value.response
        assert answer["error"] == f"invalid_{kind}"
        assert answer["errors"] == [
            {
                "pointer": f"{place}/text/text",
                "code": "failed_constraint",
                "message": "must be less than 151 characters",
                "constraint": "max_length",
                "field": "text",
            }
        ]
    with pytest.raises(SlackApiError):
        client.api_call("blocks.validate", json={"blocks": FORM, "view": {}})


def test_what_is_refused_is_refused_in_slacks_own_shape(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=OPS, text="x", blocks=[{"type": "section", "text": plain("")}])
    assert refused.value.response.data == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [
            "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
        ],
        "response_metadata": {
            "messages": [
                "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]",
            ]
        },
    }
