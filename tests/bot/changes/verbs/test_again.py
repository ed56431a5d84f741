"""The words that a button on a result stands for."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType
from bot.changes.outcome import Outcome
from bot.changes.verbs import again
from bot.changes.verbs.apply import undo
from bot.ledger import ChangeState
from commands.base import Action, Apply, Configure, Create, Delete, Export, Keep, Picture, Plan, Rename, Target

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
        (Create("-x", note="--why"), ("create", "--note=--why", "--", "id-web01", "-x")),
        (
            Create("x", CheckpointType.STANDARD, 8 * 86400.0 + 5),
            ("create", "--type=standard", "--keep=8d5s", "--", "id-web01", "x"),
        ),
        (Create("x", CheckpointType.PRODUCTION_ONLY), ("create", "--", "id-web01", "x")),
        (Rename("-y"), ("rename", "--", "id-web01", "cp-web01", "-y")),
        (Export("D:\\out"), ("export", "--", "id-web01", "cp-web01", "D:\\out")),
        (
            Configure(CheckpointType.PRODUCTION_ONLY, automatic=False),
            ("settings", "--type=production-only", "--automatic=off", "id-web01"),
        ),
    ],
)
def test_asking_again_is_the_same_command_by_guids(action: Action, words: tuple[str, ...]) -> None:
    assert again(plan(action, "web01")) == words


def test_asking_again_for_several_vms_goes_by_the_name_that_their_checkpoints_share() -> None:
    assert again(plan(Apply(), "web01", "web02")) == ("apply", "--", "id-web01,id-web02", "before upgrade")


def test_of_a_group_only_the_vms_that_moved_are_asked_about_again() -> None:
    done = [
        Outcome("id-web01", "web01", ChangeState.SUCCEEDED, "Took x of web01."),
        Outcome("id-web02", "web02", ChangeState.VOID, "web02 is not as it was."),
    ]

    assert again(plan(Create("x"), "web01", "web02"), done) == ("create", "--", "id-web02", "x")
    assert again(plan(Apply(), "web01", "web02"), done) == ("apply", "id-web02", "cp-web02")


def test_a_time_that_went_by_is_not_asked_for_again() -> None:
    assert again(plan(Keep(None), "web01")) is None


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
