"""From a delivery to the desk, and the answers that people get on the way."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt import BoltRequest

from bot.dispatch.rate import Rate
from bot.dispatch.requests import Pressed, Submitted, Typed
from bot.dispatch.views import Option
from bot.messages import AnnouncerError, MessageRef, Origin
from bot.sandbox import Sandbox
from bot.slack import listeners
from bot.slack.directory import SlackDirectory
from bot.slack.intake import Intake
from bot.slack.listeners import BUSY, NOT_IN_TIME, STOPPING, TOO_FAST, build_app, serve
from bot.slack.payloads import read
from bot.slack.web import reading_client
from commands.base import Actions, Button, Paragraph, Reply
from tests.support.slack import Bot, DeskOfATest, hold
from tests.support.waiting import wait_until

CARD = Reply((Paragraph("Apply?"), Actions((Button("Confirm", "confirm", "7"),))))


def told(sandbox: Sandbox, user: str) -> str:
    """What the bot told this person alone, waited for."""
    return sandbox.wait_for(lambda: sandbox.ephemeral(user))[-1].seen


def test_a_command_reaches_the_desk_as_it_was_typed(sandbox: Sandbox, bot: Bot) -> None:
    outcome = sandbox.command("ada", "#ops", "/checkpoint web01 “before upgrade”")
    assert outcome.error is None
    (typed,) = bot.desk.wait()
    assert isinstance(typed, Typed)
    assert typed.text == "web01 “before upgrade”"
    assert (typed.origin.person_id, typed.origin.channel) == ("U0ADA0001", "C0OPS0001")
    assert typed.team_id == "T0CONTOSO"


def test_a_button_reaches_the_desk_with_the_message_it_stands_in(sandbox: Sandbox, bot: Bot) -> None:
    ref = bot.outbox.post(Origin("C0OPS0001", "U0ADA0001"), CARD)
    sandbox.press("ada", sandbox.messages("#ops")[-1], "bot.confirm.0")
    (pressed,) = bot.desk.wait()
    assert isinstance(pressed, Pressed)
    assert (pressed.action, pressed.value, pressed.message) == ("confirm", "7", ref)


def test_somebody_of_another_workspace_is_handed_over_as_such(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.command("stranger", "#partners", "/checkpoint list", team="T0FABRIKM")
    (typed,) = bot.desk.wait()
    assert typed.team_id == "T0FABRIKM"


def test_the_acknowledgement_leaves_before_anything_is_looked_up(sandbox: Sandbox, bot: Bot) -> None:
    directory = SlackDirectory(reading_client(sandbox.bot_token, sandbox.api_url))
    bot.desk.do = lambda request: bot.outbox.whisper(request.origin, Reply((Paragraph(directory.team_id),)))
    sandbox.command("ada", "#ops", "/checkpoint list")
    told(sandbox, "ada")
    kinds = [line["kind"] for line in sandbox.log() if line.get("method") != "apps.connections.open"]
    order = [kind for kind in kinds if kind in ("envelope", "ack", "web_api", "response_url")]
    assert order == ["envelope", "ack", "web_api", "response_url"]


def test_a_request_is_kept_before_its_acknowledgement_leaves() -> None:
    desk = DeskOfATest()
    app = build_app(desk, NobodyListens(), Intake(workers=1, for_presses=0), api_url="http://127.0.0.1:9/api/")
    payload = {"command": "/checkpoint", "user_id": "U1", "channel_id": "C1", "team_id": "T1", "trigger_id": "1"}

    served = serve(app, payload, "e1")

    assert [one.origin.person_id for one in desk.kept] == ["U1"]
    for drop in served.otherwise:  # it could not be acknowledged
        drop()
    assert desk.kept == []


def test_a_flood_of_one_person_is_acknowledged_and_told_once_and_takes_nothing_from_others() -> None:
    desk, listening = DeskOfATest(), NobodyListens()
    app = build_app(desk, listening, Intake(workers=1), api_url="http://127.0.0.1:9/api/", rate=Rate(5, 0.0))

    def deliver(who: str, number: int) -> None:
        payload = {
            "command": "/checkpoint",
            "user_id": who,
            "channel_id": "C1",
            "team_id": "T1",
            "trigger_id": f"{number}",
        }
        served = serve(app, payload, f"e{number}")
        assert served.ack.status == 200
        for act in served.afterwards:
            act()

    for number in range(300):
        deliver("UMANY", number)
    for number in range(5):
        deliver("UFEW", number)

    assert [one.origin.person_id for one in desk.kept] == ["UMANY"] * 5 + ["UFEW"] * 5
    assert len(desk.left) == 295, "what the receiver has kept of them is kept no longer"
    told_so = [one.person_id for one, said in listening.whispers if said.startswith("You ask faster")]
    assert told_so == ["UMANY"]


def test_the_app_asks_slack_nothing_at_its_start_and_nothing_for_a_delivery(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.command("ada", "#ops", "/checkpoint list")
    bot.desk.wait()
    assert {line["method"] for line in sandbox.log("web_api")} == {"apps.connections.open"}


def test_one_trigger_delivered_twice_has_one_delivery_id(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.command("ada", "#ops", "/checkpoint web01", times=2)
    assert len({request.delivery_id for request in bot.desk.wait(2)}) == 1


def test_an_error_of_the_desk_is_told_to_the_person_with_a_reference_that_is_in_the_log(
    sandbox: Sandbox, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: Typed | Pressed) -> None:
        raise ZeroDivisionError("a defect")

    bot.desk.do = fail
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None
    assert "Reference for the log: abcd1234" in told(sandbox, "ada")
    (record,) = (r for r in caplog.records if "abcd1234" in r.getMessage() and r.exc_info)
    assert record.levelno == logging.ERROR


def test_a_person_hears_of_it_when_the_line_is_full(sandbox: Sandbox, bot: Bot, gate: threading.Event) -> None:
    bot.desk.do = lambda request: hold(gate)
    for number in range(9):
        assert sandbox.command("dev", "#ops", f"/checkpoint list vm{number}").error is None, "acknowledged all the same"
    assert "more than the bot can look into at once" in told(sandbox, "dev")


def test_a_person_hears_of_it_when_the_bot_is_stopping(sandbox: Sandbox, bot: Bot) -> None:
    bot.intake.close()
    sandbox.command("ada", "#ops", "/checkpoint list")
    assert "being stopped" in told(sandbox, "ada")
    assert not bot.desk.seen
    wait_until(lambda: not bot.desk.kept)


def test_a_button_of_something_else_is_answered(sandbox: Sandbox, bot: Bot) -> None:
    bot.outbox.post(Origin("C0OPS0001", "U0ADA0001"), CARD)
    message = sandbox.messages("#ops")[-1]
    assert sandbox.press("ada", message, "approve_forever", value="1", forged=True).error is None
    assert "does not know that button" in told(sandbox, "ada")
    assert not bot.desk.seen


class NobodyListens:
    """An announcer that keeps what it is given."""

    def __init__(self, works: bool = True) -> None:
        self.whispers: list[tuple[Origin, str]] = []
        self.works = works

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        raise NotImplementedError

    def update(self, ref: MessageRef, message: Reply) -> None:
        raise NotImplementedError

    def whisper(self, origin: Origin, message: Reply) -> None:
        if not self.works:
            raise AnnouncerError("nowhere")
        self.whispers.append((origin, message.text))


def deliver(payload: object, announcer: NobodyListens, desk: DeskOfATest | None = None) -> tuple[int, Any]:
    intake = Intake(workers=1, for_presses=0)
    served = serve(
        build_app(desk or DeskOfATest(), announcer, intake, api_url="http://127.0.0.1:9/api/"), payload, "e1"
    )
    for work in served.afterwards:
        work()
    intake.close()
    intake.drain(5)
    return served.ack.status, served.ack.body


@pytest.mark.parametrize("kind", ["view_submission", "shortcut", "message_action", "interactive_message", "something"])
def test_every_other_kind_of_payload_is_acknowledged_and_answered(kind: str) -> None:
    announcer = NobodyListens()
    status, _ = deliver({"type": kind, "user": {"id": "U1"}, "channel": {"id": "C1"}}, announcer)
    assert status == 200
    ((origin, sentence),) = announcer.whispers
    assert origin == Origin("C1", "U1", None)
    assert "Nothing was changed." in sentence


@pytest.mark.parametrize("kind", ["event_callback", "view_closed", "block_suggestion"])
def test_what_nobody_asked_for_is_acknowledged_in_silence(kind: str) -> None:
    announcer = NobodyListens()
    assert deliver({"type": kind, "user": {"id": "U1"}, "event": "x"}, announcer)[0] == 200
    assert not announcer.whispers


def test_a_menu_that_waits_for_its_options_gets_none() -> None:
    assert deliver({"type": "block_suggestion", "action_id": "x"}, NobodyListens()) == (200, '{"options": []}')


def of_a_form(kind: str) -> dict[str, object]:
    values = {"code": {"code": {"type": "plain_text_input", "value": "123456"}}}
    view = {"id": "V1", "type": "modal", "callback_id": "code", "private_metadata": "{}", "state": {"values": values}}
    blocks = [{"type": "input", "block_id": "code", "element": {"type": "plain_text_input", "action_id": "code"}}]
    who = {"user": {"id": "U1"}, "team": {"id": "T1"}, "trigger_id": "1"}
    return {
        "type": kind,
        **who,
        "action_id": "code",
        "block_id": "code",
        "value": "web",
        "view": {**view, "blocks": blocks},
    }


class TestAFormThatCannotBeLookedInto:
    def submitted(self, intake: Intake, desk: DeskOfATest) -> str:
        app = build_app(desk, NobodyListens(), intake, api_url="http://127.0.0.1:9/api/")
        return serve(app, of_a_form("view_submission"), "e1").ack.body

    def test_is_told_that_the_bot_is_stopping(self) -> None:
        intake = Intake(workers=1, for_presses=0)
        intake.close()
        assert STOPPING in self.submitted(intake, DeskOfATest())

    def test_is_told_that_too_much_is_asked(self) -> None:
        assert BUSY in self.submitted(Intake(workers=1, for_presses=0, waiting=0), DeskOfATest())

    def test_is_told_that_it_took_too_long(self, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listeners, "IN_TIME", 0.01)
        desk = DeskOfATest()
        desk.look = lambda: hold(gate)
        assert NOT_IN_TIME in self.submitted(Intake(workers=1, for_presses=0), desk)


def test_a_form_that_comes_too_fast_is_told_so_at_its_first_field_and_not_looked_into() -> None:
    desk, listening, looked = DeskOfATest(), NobodyListens(), []
    desk.look = lambda: looked.append(1)
    intake = Intake(workers=1, for_presses=0)
    app = build_app(desk, listening, intake, api_url="http://127.0.0.1:9/api/", rate=Rate(2, 0.0))

    said = [json.loads(serve(app, of_a_form("view_submission"), f"e{n}").ack.body or "{}") for n in range(4)]

    assert [one.get("errors") for one in said] == [None, None, {"code": TOO_FAST}, {"code": TOO_FAST}]
    assert len(looked) == len(desk.kept) == 2


def test_a_search_that_nobody_looked_into_says_so_and_what_it_says_chooses_nothing() -> None:
    intake = Intake(workers=1, for_presses=0, waiting=0)
    app = build_app(DeskOfATest(), NobodyListens(), intake, api_url="http://127.0.0.1:9/api/")

    (option,) = json.loads(serve(app, of_a_form("block_suggestion"), "e").ack.body)["options"]

    assert BUSY.startswith(option["text"]["text"].rstrip("…"))
    chosen = {"vm": {"bot.vm.0": {"type": "external_select", "selected_option": option}}}
    payload = of_a_form("view_submission")
    blocks = [{"type": "input", "block_id": "vm", "element": {"type": "external_select", "action_id": "bot.vm.0"}}]
    view = {**dict(payload["view"]), "blocks": blocks, "state": {"values": chosen}}
    submitted = read({**payload, "view": view}, "e2")
    assert isinstance(submitted, Submitted)
    assert submitted.sheet.values.get("vm", "") == ""


def test_who_searches_too_fast_finds_nothing_until_later() -> None:
    desk, intake = DeskOfATest(), Intake(workers=1, for_presses=0)
    desk.found = (Option("web01", "1"),)
    app = build_app(desk, NobodyListens(), intake, api_url="http://127.0.0.1:9/api/", rate=Rate(2, 0.0))

    found = [len(json.loads(serve(app, of_a_form("block_suggestion"), "e").ack.body)["options"]) for _ in range(3)]

    assert found == [1, 1, 0]


def test_an_answer_that_cannot_be_given_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    deliver({"type": "shortcut", "user": {"id": "U1"}}, NobodyListens(works=False))
    assert "U1 could not be told" in caplog.text


def test_an_error_in_a_listener_is_acknowledged_and_answered() -> None:
    announcer = NobodyListens()
    app = build_app(
        DeskOfATest(),
        announcer,
        Intake(workers=1, for_presses=0),
        api_url="http://127.0.0.1:9/api/",
        new_reference=lambda: "ref1",
    )

    @app.use
    def broken() -> None:
        raise RuntimeError("a defect")

    payload = {"command": "/checkpoint", "user_id": "U1", "channel_id": "C1", "team_id": "T1", "trigger_id": "1"}
    served = serve(app, payload, "e1")
    for work in served.afterwards:
        work()
    assert served.ack.status == 200
    assert announcer.whispers[0][1].endswith("Reference for the log: ref1. Nothing was changed.")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
WORDS = (
    *("type", "command", "user", "user_id", "team", "team_id", "channel", "channel_id", "actions", "view", "event"),
    *("text", "enterprise", "authorizations", "message", "response_url", "response_urls", "container", "trigger_id"),
)
fields = st.sampled_from(WORDS)
kinds = st.sampled_from(
    ["block_actions", "view_submission", "event_callback", "shortcut", "block_suggestion", "ssl_check"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(fields, anything, max_size=8), st.none() | kinds)
def test_whatever_arrives_is_acknowledged(payload: dict[str, object], kind: str | None) -> None:
    if kind:
        payload["type"] = kind
    assert deliver(payload, NobodyListens())[0] == 200


def test_bolt_gets_no_field_that_it_would_stumble_over() -> None:
    """Bolt 1.30 raises for this payload before any listener or error handler is reached."""
    payload = {"command": "/checkpoint", "user_id": "U1", "channel_id": "C1", "team_id": "T1", "enterprise": 5}
    with pytest.raises(TypeError):
        BoltRequest(mode="socket_mode", body=payload)
    desk = DeskOfATest()
    assert deliver(payload, NobodyListens(), desk)[0] == 200
