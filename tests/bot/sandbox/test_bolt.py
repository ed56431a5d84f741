"""An unmodified Bolt app against the sandbox, over its built-in Socket Mode client."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox, SandboxError
from tests.support.waiting import DEADLINE

NewApp = Callable[[], App]
Connect = Callable[..., list[SocketModeHandler]]

CARD = [
    {"type": "section", "text": {"type": "plain_text", "text": "Apply before-upgrade to web01?"}},
    {
        "type": "actions",
        "block_id": "card-1",
        "elements": [
            {
                "type": "button",
                "action_id": "confirm",
                "value": "7",
                "style": "danger",
                "text": {"type": "plain_text", "text": "Apply"},
            },
            {"type": "button", "action_id": "cancel", "value": "7", "text": {"type": "plain_text", "text": "Cancel"}},
        ],
    },
]


def test_a_command_is_acked_answered_and_its_button_updates_the_card(
    sandbox: Sandbox, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()

    @app.command("/checkpoint")
    def typed(ack: Ack, command: dict[str, str], client: WebClient, respond: Respond) -> None:
        ack()
        respond(f"Looking at {command['text']}")
        client.chat_postMessage(channel=command["channel_id"], text="Apply?", blocks=CARD)

    @app.action("confirm")
    def confirmed(ack: Ack, body: dict, client: WebClient) -> None:
        ack()
        where = body["container"]
        done = [{"type": "section", "text": {"type": "mrkdwn", "text": f"Applied by <@{body['user']['id']}>"}}]
        client.chat_update(channel=where["channel_id"], ts=where["message_ts"], text="Applied", blocks=done)

    connect(app)
    outcome = sandbox.command("ada", "#ops", "/checkpoint apply web01")
    assert outcome.acked and outcome.ack == {} and outcome.error is None
    card = sandbox.wait_for(lambda: sandbox.messages("#ops"))[0]
    assert [m.seen for m in sandbox.ephemeral("ada")] == ["Looking at apply web01"]
    assert card.buttons == ("Apply", "Cancel")

    assert sandbox.press("oncall", card, "confirm").acked
    updated = sandbox.wait_for(lambda: [m for m in sandbox.messages("#ops") if m.seen.startswith("Applied")])[0]
    assert updated.edited_ts is None
    assert updated.ts == card.ts
    assert updated.seen == "Applied by <@U0ONCALL1>"


def test_the_ack_of_a_command_may_carry_the_answer(sandbox: Sandbox, new_app: NewApp, connect: Connect) -> None:
    app = new_app()

    @app.command("/checkpoint")
    def typed(ack: Ack, command: dict[str, str]) -> None:
        ack(text="for all", response_type="in_channel") if command["text"] == "share" else ack("for you")

    connect(app)
    sandbox.command("dev", "#ops", "/checkpoint share")
    sandbox.command("dev", "#ops", "/checkpoint")
    assert [m.seen for m in sandbox.messages("#ops")] == ["for all"]
    assert [m.seen for m in sandbox.ephemeral("dev")] == ["for you"]


def test_a_late_ack_is_an_error_for_the_person_though_the_work_is_done(
    sandbox: Sandbox, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()
    go_on = threading.Event()

    @app.command("/checkpoint")
    def typed(ack: Ack, say: Callable[[str], object]) -> None:
        go_on.wait(DEADLINE)
        ack()
        say("Done all the same")

    connect(app)
    outcome = sandbox.command("ada", "#ops", "/checkpoint list")
    go_on.set()
    assert outcome.error == "operation_timeout"
    assert not outcome.acked
    assert sandbox.ephemeral("ada")[0].seen == '/checkpoint failed with the error "operation_timeout"'
    sandbox.wait_for(lambda: sandbox.messages("#ops"))
    assert sandbox.wait_for(lambda: sandbox.log("ack"))[0]["late"]


def test_a_command_without_a_connection_fails_as_it_does_in_slack(sandbox: Sandbox) -> None:
    assert sandbox.command("ada", "#ops", "/checkpoint list").error == "dispatch_failed"
    assert "dispatch_failed" in sandbox.ephemeral("ada")[0].seen


def test_an_act_delivered_twice_has_one_trigger(sandbox: Sandbox, new_app: NewApp, connect: Connect) -> None:
    app = new_app()
    seen: list[str] = []

    @app.command("/checkpoint")
    def typed(ack: Ack, body: dict[str, str]) -> None:
        ack()
        seen.append(body["trigger_id"])

    connect(app)
    outcome = sandbox.command("ada", "#ops", "/checkpoint list", times=2)
    assert [one.acked for one in (outcome, *outcome.again)] == [True, True]
    sandbox.wait_for(lambda: len(seen) == 2 or None)
    assert seen[0] == seen[1] == outcome.trigger_id
    envelopes = [line["envelope_id"] for line in sandbox.log("envelope")]
    assert len(set(envelopes)) == 2


def test_a_forged_value_reaches_the_app_only_when_it_is_asked_for(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()
    seen: list[dict] = []

    @app.action("confirm")
    def confirmed(ack: Ack, action: dict, body: dict) -> None:
        seen.append(body | {"chosen": action["value"]})
        ack()

    connect(app)
    client.chat_postMessage(channel="C0OPS0001", text="Apply?", blocks=CARD)
    card = sandbox.messages("#ops")[0]
    with pytest.raises(SandboxError, match="does not carry the value 8"):
        sandbox.press("ada", card, "confirm", value="8")
    sandbox.press("ada", card, "confirm", value="8", forged=True)
    sandbox.press("former", card, "confirm", forged=True)
    sandbox.press("dev", card, "confirm", team="T0FABRIKM")
    assert [body["chosen"] for body in seen] == ["8", "7", "7"]
    assert [body["user"]["id"] for body in seen] == ["U0ADA0001", "U0FORMER1", "U0DEV0001"]
    assert seen[2]["team"]["id"] == seen[2]["user"]["team_id"] == "T0FABRIKM"
    assert seen[0]["message"]["blocks"][1]["block_id"] == "card-1"


def test_a_press_in_an_ephemeral_message_carries_no_message(
    sandbox: Sandbox, client: WebClient, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()
    bodies: list[dict] = []

    @app.action("confirm")
    def confirmed(ack: Ack, body: dict, respond: Respond) -> None:
        ack()
        bodies.append(body)
        respond(text="Taken", replace_original=True)

    connect(app)
    client.chat_postEphemeral(channel="C0OPS0001", user="U0DEV0001", text="Apply?", blocks=CARD)
    card = sandbox.ephemeral("dev")[0]
    with pytest.raises(SandboxError):
        sandbox.press("ada", card, "confirm")
    sandbox.press("dev", card, "confirm")
    replaced = sandbox.wait_for(lambda: [m for m in sandbox.ephemeral("dev") if m.text == "Taken"])[0]
    assert replaced.ts == card.ts
    assert bodies[0]["container"]["is_ephemeral"] is True
    assert "message" not in bodies[0]
    assert sandbox.messages("#ops") == []


def test_of_two_connections_one_may_drop_and_commands_still_arrive(
    sandbox: Sandbox, new_app: NewApp, connect: Connect
) -> None:
    app = new_app()
    app.command("/checkpoint")(lambda ack: ack())
    connect(app, 2)
    sandbox.drop_connection()
    sandbox.wait_for_connections(1)
    assert sandbox.command("ada", "#ops", "/checkpoint list").acked


def test_an_app_comes_back_when_slack_asks_it_to_refresh(sandbox: Sandbox, new_app: NewApp, connect: Connect) -> None:
    app = new_app()
    app.command("/checkpoint")(lambda ack: ack())
    connect(app)
    opened = len([line for line in sandbox.log("web_api") if line["method"] == "apps.connections.open"])
    sandbox.disconnect("refresh_requested")
    sandbox.wait_for(
        lambda: len([x for x in sandbox.log("web_api") if x["method"] == "apps.connections.open"]) > opened
    )
    sandbox.wait_for_connections(1)
    assert sandbox.command("ada", "#ops", "/checkpoint list").acked


def test_a_modal_is_opened_corrected_and_submitted(sandbox: Sandbox, new_app: NewApp, connect: Connect) -> None:
    app = new_app()
    got: list[dict] = []
    form = {
        "type": "modal",
        "callback_id": "create",
        "private_metadata": "C0OPS0001",
        "title": {"type": "plain_text", "text": "New checkpoint"},
        "submit": {"type": "plain_text", "text": "Take it"},
        "blocks": [
            {
                "type": "input",
                "block_id": "name",
                "label": {"type": "plain_text", "text": "Name"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            },
            {
                "type": "input",
                "block_id": "kind",
                "optional": True,
                "label": {"type": "plain_text", "text": "Type"},
                "element": {
                    "type": "static_select",
                    "action_id": "pick",
                    "options": [
                        {"text": {"type": "plain_text", "text": name}, "value": name.lower()}
                        for name in ("Production", "Standard")
                    ],
                },
            },
        ],
    }

    @app.command("/checkpoint")
    def typed(ack: Ack, body: dict[str, str], client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=form)

    @app.view("create")
    def submitted(ack: Ack, view: dict) -> None:
        values = view["state"]["values"]
        got.append(view)
        if values["name"]["text"]["value"] == "bad":
            ack(response_action="errors", errors={"name": "Another name, please."})
        else:
            ack()

    connect(app)
    sandbox.command("ada", "#ops", "/checkpoint")
    view = sandbox.wait_for(lambda: sandbox.views("ada"))[0]
    assert sandbox.submit("ada", view, {}).errors == (("name", "Please complete this required field."),)
    assert got == []
    refused = sandbox.submit("ada", view, {"name": {"text": "bad"}})
    assert refused.errors == (("name", "Another name, please."),)
    assert sandbox.views("ada")[0].errors == {"name": "Another name, please."}
    sandbox.submit("ada", view, {"name": {"text": "good"}, "kind": {"pick": "standard"}})
    assert sandbox.views("ada") == []
    assert got[1]["private_metadata"] == "C0OPS0001"
    assert got[1]["state"]["values"]["kind"]["pick"]["selected_option"]["value"] == "standard"


def test_the_home_tab_is_published_and_its_button_pressed(sandbox: Sandbox, new_app: NewApp, connect: Connect) -> None:
    app = new_app()

    @app.event("app_home_opened")
    def opened(event: dict[str, str], client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": CARD})

    @app.action("confirm")
    def confirmed(ack: Ack, body: dict, client: WebClient) -> None:
        ack()
        client.chat_postMessage(channel=body["user"]["id"], text=f"From {body['container']['type']}")

    connect(app)
    sandbox.open_home("dev")
    home = sandbox.wait_for(lambda: sandbox.home("dev"))
    assert home is not None
    assert sandbox.press_in_view("dev", home, "confirm").acked
    assert sandbox.wait_for(lambda: sandbox.messages("@checkpoint", user="dev"))[0].text == "From view"


def test_an_event_without_an_ack_is_delivered_again_and_the_same(
    sandbox: Sandbox, new_app: NewApp, connect: Connect
) -> None:
    connect(new_app())
    sandbox.change_group("@vm-admins", ["ada"])
    sandbox.wait_for(lambda: len(sandbox.log("timeout")) == 3)
    sent = sandbox.log("envelope")
    assert [(line["retry_attempt"], line["retry_reason"]) for line in sent] == [(0, ""), (1, "timeout"), (2, "timeout")]
    assert sent[0]["payload"] == sent[2]["payload"]
    assert sent[0]["payload"]["event"]["removed_users"] == ["U0ONCALL1"]
