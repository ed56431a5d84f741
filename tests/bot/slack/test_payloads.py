"""What comes out of what Slack delivers, whatever that is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dispatch.requests import Pressed, Typed
from bot.messages import MessageRef, Origin
from bot.slack.payloads import Misfit, read

COMMAND: dict[str, Any] = {
    "command": "/checkpoint",
    "text": "web01 before-upgrade",
    "user_id": "U024BE7LH",
    "user_name": "ada",
    "team_id": "T0CONTOSO",
    "team_domain": "contoso",
    "channel_id": "C0OPS",
    "channel_name": "ops",
    "response_url": "https://hooks.slack.com/commands/T0/1/x",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "is_enterprise_install": "false",
    "api_app_id": "A1",
}

BUTTON: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U024BE7LH", "username": "ada", "team_id": "T0CONTOSO"},
    "team": {"id": "T0CONTOSO", "domain": "contoso"},
    "channel": {"id": "C0OPS", "name": "ops"},
    "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C0OPS", "is_ephemeral": False},
    "message": {"ts": "1700000000.000100"},
    "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
    "response_url": "https://hooks.slack.com/actions/T0/1/x",
    "actions": [
        {"type": "button", "action_id": "bot.confirm.0", "block_id": "b", "value": "7", "action_ts": "1700000001.5"}
    ],
}


def without(payload: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def test_a_slash_command() -> None:
    typed = read(COMMAND, "e1")
    assert isinstance(typed, Typed)
    assert typed.text == "web01 before-upgrade"
    assert typed.team_id == "T0CONTOSO"
    assert typed.origin == Origin("C0OPS", "U024BE7LH", "https://hooks.slack.com/commands/T0/1/x")


def test_a_button() -> None:
    pressed = read(BUTTON, "e1")
    assert isinstance(pressed, Pressed)
    assert (pressed.action, pressed.value) == ("confirm", "7")
    assert pressed.message == MessageRef("C0OPS", "1700000000.000100")
    assert pressed.origin == Origin("C0OPS", "U024BE7LH", "https://hooks.slack.com/actions/T0/1/x")


MENU = {
    "type": "overflow",
    "action_id": "bot.menu.3",
    "block_id": "b",
    "selected_option": {"text": {"type": "plain_text", "text": "Keep 7 days"}, "value": "keep:c1"},
    "action_ts": "1700000001.5",
}


def test_a_choice_in_a_menu_is_the_button_that_it_stands_for() -> None:
    pressed = read(BUTTON | {"actions": [MENU]}, "e1")
    assert isinstance(pressed, Pressed)
    assert (pressed.action, pressed.value) == ("keep", "c1")


@pytest.mark.parametrize(
    "forged",
    [
        {"action_id": "bot.keep.3"},
        {"selected_option": None},
        {"selected_option": {"value": ":c1"}},
        {"selected_option": ["keep:c1"]},
        {"type": "static_select"},
    ],
)
def test_a_menu_that_is_none_of_the_bots_is_turned_away(forged: dict[str, Any]) -> None:
    assert isinstance(read(BUTTON | {"actions": [MENU | forged]}, "e1"), Misfit)


def state(*values: object, action_id: str = "bot.pick.1") -> dict[str, Any]:
    options = [{"text": {"type": "plain_text", "text": "x"}, "value": value} for value in values]
    return {"values": {"block": {action_id: {"type": "multi_static_select", "selected_options": options}}}}


def test_what_was_chosen_beside_a_button_without_a_value_comes_with_it() -> None:
    keep = without(BUTTON, "actions") | {"actions": [{"type": "button", "action_id": "bot.keep.2"}]}
    pressed = read(keep | {"state": state("c1", "c2", "c1", 7, "")}, "e1")
    assert isinstance(pressed, Pressed)
    assert pressed.chosen == ("c1", "c2")
    for other in (state("c1", action_id="foreign"), state(), {"values": ["c1"]}, None):
        assert read(keep | {"state": other}, "e1").chosen == ()  # type: ignore[union-attr]


def test_what_was_chosen_elsewhere_in_a_message_is_not_a_buttons_that_has_its_own() -> None:
    pressed = read(BUTTON | {"state": state("c1")}, "e1")
    assert isinstance(pressed, Pressed)
    assert (pressed.value, pressed.chosen) == ("7", ())


def test_a_command_with_no_text_is_a_command() -> None:
    typed = read(without(COMMAND, "text"), "e1")
    assert isinstance(typed, Typed)
    assert typed.text == ""


def test_in_a_shared_channel_the_team_is_the_persons_own_and_not_the_apps() -> None:
    pressed = read(BUTTON | {"user": {"id": "U0STRANGE", "team_id": "T0FABRIKAM"}}, "e1")
    assert isinstance(pressed, Pressed)
    assert pressed.team_id == "T0FABRIKAM"


def test_an_app_of_a_whole_organisation_gets_no_team_beside_the_persons() -> None:
    pressed = read(BUTTON | {"team": None}, "e1")
    assert isinstance(pressed, Pressed)
    assert pressed.team_id == "T0CONTOSO"


def test_a_button_in_a_message_that_one_person_sees_has_no_message_to_update() -> None:
    container = {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C0OPS", "is_ephemeral": True}
    pressed = read(without(BUTTON, "message") | {"container": container}, "e1")
    assert isinstance(pressed, Pressed)
    assert pressed.message is None


@pytest.mark.parametrize("payload", [COMMAND, BUTTON])
def test_a_second_delivery_of_one_trigger_has_the_same_id(payload: dict[str, Any]) -> None:
    first, second = read(payload, "envelope-1"), read(copy.deepcopy(payload), "envelope-2")
    assert isinstance(first, Typed | Pressed) and isinstance(second, Typed | Pressed)
    assert first.delivery_id == second.delivery_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (COMMAND, COMMAND | {"trigger_id": "another"}),
        (COMMAND, COMMAND | {"text": "web01 after-upgrade"}),
        (COMMAND, COMMAND | {"user_id": "U0OTHER"}),
        (
            without(COMMAND, "trigger_id"),
            without(COMMAND, "trigger_id") | {"response_url": "https://hooks.slack.com/2"},
        ),
        (BUTTON, BUTTON | {"trigger_id": "another"}),
        (BUTTON, BUTTON | {"actions": [BUTTON["actions"][0] | {"action_ts": "1700000009.1"}]}),
        (BUTTON, COMMAND),
    ],
)
def test_another_trigger_has_another_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = read(one, "e1"), read(other, "e1")
    assert isinstance(first, Typed | Pressed) and isinstance(second, Typed | Pressed)
    assert first.delivery_id != second.delivery_id


def test_with_nothing_else_to_go_by_each_envelope_is_a_trigger() -> None:
    bare = without(without(COMMAND, "trigger_id"), "response_url")
    first, second = read(bare, "e1"), read(bare, "e2")
    assert isinstance(first, Typed) and isinstance(second, Typed)
    assert first.delivery_id != second.delivery_id


@pytest.mark.parametrize("field", ["user_id", "channel_id", "team_id"])
def test_a_command_without_what_the_gate_needs_is_refused_with_an_answer(field: str) -> None:
    misfit = read(without(COMMAND, field), "e1")
    assert isinstance(misfit, Misfit)
    assert "/checkpoint help" in misfit.sentence
    assert misfit.origin is not None


@pytest.mark.parametrize("path", [("user", "id"), ("actions",)])
def test_a_button_without_what_the_gate_needs_is_refused_with_an_answer(path: tuple[str, ...]) -> None:
    misfit = read(without(BUTTON, *path), "e1")
    assert isinstance(misfit, Misfit)
    assert misfit.origin is not None, "the response_url still leads to the person"


@pytest.mark.parametrize("action", [{"action_id": "someone-elses"}, {"type": "static_select"}])
def test_an_action_that_is_none_of_the_bots_is_refused_with_an_answer(action: dict[str, str]) -> None:
    misfit = read(BUTTON | {"actions": [BUTTON["actions"][0] | action]}, "e1")
    assert isinstance(misfit, Misfit)
    assert "does not know that button" in misfit.sentence


@pytest.mark.parametrize("kind", ["view_submission", "shortcut", "message_action", "interactive_message", "brand_new"])
def test_people_who_wait_for_an_answer_get_one(kind: str) -> None:
    misfit = read({"type": kind, "user": {"id": "U1"}, "team": {"id": "T1"}}, "e1")
    assert isinstance(misfit, Misfit)
    assert misfit.origin == Origin("", "U1", None)
    assert "/checkpoint help" in misfit.sentence


@pytest.mark.parametrize("kind", ["event_callback", "view_closed", "block_suggestion"])
def test_nobody_is_answered_who_did_not_ask(kind: str) -> None:
    misfit = read({"type": kind, "user": {"id": "U1"}}, "e1")
    assert isinstance(misfit, Misfit)
    assert misfit.origin is None


# ---------------------------------------------------------------- anything at all

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoiled(draw: st.DrawFn) -> object:
    """A good payload with some of its fields, at any depth, replaced by anything."""
    payload = copy.deepcopy(draw(st.sampled_from([COMMAND, BUTTON])))
    for _ in range(draw(st.integers(1, 4))):
        inner: Any = payload
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(inner[key], dict | list) and draw(st.booleans()):
                inner = inner[key]
                continue
            inner[key] = draw(anything)
            break
    return payload


@settings(max_examples=400, deadline=None)
@given(anything | spoiled())
def test_nothing_makes_it_raise_and_nothing_of_a_wrong_type_comes_out(payload: object) -> None:
    match read(payload, "e1"):
        case Typed(delivery_id, team_id, origin, text):
            words = [delivery_id, team_id, origin.channel, origin.person_id]
            assert isinstance(text, str)
        case Pressed(delivery_id, team_id, origin, action, value, message):
            words = [delivery_id, team_id, origin.channel, origin.person_id, action]
            assert isinstance(value, str)
            assert message is None or message.channel == origin.channel
        case Misfit(reason, sentence, _, _):
            words = [reason, sentence]
    assert all(isinstance(word, str) and word for word in words)
