"""The words that a button on a result stands for."""

from __future__ import annotations

import pytest

from bot.retyping import again, undo
from commands.base import Action, Apply, Create, Delete, Keep, Picture, Plan, Target

PICTURE = Picture("hv01", 2, (), None)


def plan(action: Action, *vms: str) -> Plan:
    targets = tuple(Target("hv01", f"id-{vm}", vm, PICTURE, f"cp-{vm}", "before upgrade") for vm in vms)
    return Plan(action, targets, "summary")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Apply(), ("apply", "id-web01", "cp-web01")),
        (Apply(safety=False), ("apply", "--no-safety", "id-web01", "cp-web01")),
        (Apply(start=False), ("apply", "--no-start", "id-web01", "cp-web01")),
        (Delete(), ("delete", "id-web01", "cp-web01")),
        (Delete(subtree=True), ("delete", "--subtree", "id-web01", "cp-web01")),
    ],
)
def test_asking_again_is_the_same_command_by_guids(action: Action, words: tuple[str, ...]) -> None:
    assert again(plan(action, "web01")) == words


def test_asking_again_for_several_vms_goes_by_the_name_that_their_checkpoints_share() -> None:
    assert again(plan(Apply(), "web01", "web02")) == ("apply", "--", "id-web01,id-web02", "before upgrade")


@pytest.mark.parametrize("action", [Create("x"), Keep(None)])
def test_what_needs_no_confirmation_is_asked_for_by_typing(action: Action) -> None:
    assert again(plan(action, "web01")) is None


def test_undoing_is_an_apply_of_the_safety_checkpoint() -> None:
    assert undo({"id-web01": "cp-9"}, "safety x") == ("apply", "id-web01", "cp-9")
    assert undo({"id-web01": "cp-9", "id-web02": "cp-8"}, "safety x") == (
        "apply",
        "--",
        "id-web01,id-web02",
        "safety x",
    )


def test_without_a_safety_checkpoint_nothing_can_be_undone() -> None:
    assert undo({}, "safety x") is None
