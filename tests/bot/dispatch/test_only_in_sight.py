"""Whatever somebody is shown, offered or asked to choose from names nothing that they may not see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, time
from pathlib import Path

import pytest

import commands
from bot.dispatch.forms import ABOUT, kinds
from bot.dispatch.home import Home
from bot.dispatch.requests import Sheet
from bot.ledger import Ledger
from bot.settings import AccessSettings
from commands.base import CheckpointNote, Grant, Reply, Schedule, UsageError, VMEntry, unmarked
from commands.kit import runner
from tests.support.memory import ADA, World
from tests.support.settings import owners

SECRET = "payroll"
"""It is in every name that is hidden. Nobody types it so below, so whoever reads it was told."""


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.checkpoint(made.vm("web01"), "before-upgrade", days=30)
    hidden = made.vm("payroll01", host="hv02")
    checkpoint = made.checkpoint(hidden, "payroll-golden", days=30)
    made.book.known[checkpoint.id] = CheckpointNote(ADA.id, owner_name="payroll team")
    made.book.each_vm = (VMEntry(hidden.id, "payroll01", "hv02", "failed", "payroll01 is out of room."),)
    made.hidden.add("payroll01")
    made.grants = (Grant("owner", made.grants[0].actions, ("web*",)),)
    made.schedules.schedules = [
        Schedule("s1", "nightly", ("web*",), "U0BOB", "bob", "C0OPS", at=time(2)),
        Schedule("s2", "payroll nightly", ("payroll*",), "U0BOB", "bob", "C0OPS", at=time(2)),
    ]
    made.inventory.refresh(disks=True)
    yield made
    made.inventory.close()


def told(world: World, words: str) -> str:
    """All that is said, with every command and every choice that is offered."""
    try:
        answer = commands.run(words.split(), world.context)
    except UsageError as error:
        rest = [vm.name for vm in error.rest]
        said = (error.sentence, error.hint, *error.corrected, error.instead, rest, [one.near for one in error.slips])
        return unmarked(" ".join(map(str, said)))
    if isinstance(answer, Reply):
        return f"{answer.text} {answer.parts}"
    return str(answer)


EVERY = sorted(runner.load().commands)
SLIPS = ("payrol01", "pay*", "payrol-golden", "web01,payrol01", "web01 payrol-golden", "payrol01 payrol-golden", "*")
ELSE = (
    *("payrol01", "payrol", "web1", "payrol01 x", "undo payrol01", "help payrol", "history --change 1a2b3c4d"),
    *("schedule", "schedule show payrol nightly", "schedule pause payrol", "list --stale", "list --unclaimed"),
    *("history --search payrol", "history --by payrol", "digest --mine", "hosts", "whoami", "help", "freeze --lift"),
)


@pytest.mark.parametrize("command", EVERY)
def test_no_answer_to_a_command_names_what_is_hidden(world: World, command: str) -> None:
    assert len(EVERY) > 15
    for words in ("", *SLIPS):
        assert SECRET not in told(world, f"{command} {words}"), words


@pytest.mark.parametrize("words", ELSE)
def test_no_suggestion_names_what_is_hidden(world: World, words: str) -> None:
    assert SECRET not in told(world, words)


@pytest.mark.parametrize("command", ["list", "show", "apply", "delete", "create", "health", "history", ""])
def test_what_is_hidden_is_answered_as_what_is_not_there(world: World, command: str) -> None:
    there = told(world, f"{command} payroll01 x")
    assert there.replace("payroll01", "nothing1") == told(world, f"{command} nothing1 x")


def test_no_form_and_no_search_has_what_is_hidden(world: World) -> None:
    context, (hidden,) = world.context, world.hosts["hv02"].vms.values()
    for kind in kinds(UTC, lambda _change: ""):
        for text in ("", "pay", "payrol", "hv02", "team", "01"):
            assert SECRET not in str(kind.options(Sheet(kind.name), context, text))
        sheet = Sheet(kind.name, {ABOUT: hidden.checkpoints[0].id, "vm": hidden.vm.id}, {"vm": hidden.vm.id})
        try:
            assert SECRET not in str(kind.draw(sheet, context))
        except UsageError as error:
            assert SECRET not in str(error)


def test_the_home_tab_has_nothing_that_is_hidden(world: World, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db", clock=lambda: world.now) as ledger:
        home = Home(AccessSettings(grants=(owners("everyone", vms=("web*",)),)), ledger).of(world.context)
    assert "before-upgrade" in home.text or "web01" in home.text
    assert SECRET not in f"{home.text} {home.parts}"


def test_who_may_only_look_is_offered_no_command_that_changes_anything(world: World) -> None:
    world.grants = (Grant("viewer", ("view",), ("web*",)),)
    for slip in (
        "creat web01 x",
        "delet web01 x",
        "aply web01 x",
        "renam web01 x y",
        "schedule pasue nightly",
        "help aply",
    ):
        with pytest.raises(UsageError) as refused:
            commands.run(slip.split(), world.context)
        offered = {words[0] if words[0] != "schedule" else words[1] for words in refused.value.corrected}
        assert not offered & {"create", "delete", "apply", "rename", "pause", "keep", "claim", "export"}, slip
    page = str(told(world, "help"))
    assert "Delete a checkpoint" not in page and "'apply'" not in page
