"""From a person's words to a command, and back to the person when they do not fit."""

from pathlib import Path
from types import SimpleNamespace

import click
import pytest

import commands
from commands import load
from commands.base import NotAllowed, NotKnown, Plan, Reply, UsageError
from commands.kit.runner import gather


def test_every_module_is_a_command_and_every_package_is_not():
    folder = Path(commands.__file__).parent
    assert set(load().commands) == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {file.parent.name for file in folder.glob("*/__init__.py")} == {"base", "kit"}


def test_a_module_without_a_command_stops_the_start():
    with pytest.raises(TypeError, match=r"commands/empty\.py"):
        gather({"empty": SimpleNamespace()})


def test_an_alias_that_is_also_a_command_stops_the_start():
    with pytest.raises(TypeError, match="alias"):
        gather(
            {
                "one": SimpleNamespace(command=click.Command("one"), ALIASES=("two",)),
                "two": SimpleNamespace(command=click.Command("two")),
            }
        )


def test_a_first_word_that_is_no_command_is_a_vm_to_take_a_checkpoint_of(world):
    world.vm("web01")
    plan = world.run("web01", "before-upgrade")
    assert isinstance(plan, Plan)
    assert (plan.verb, plan.action.name, plan.targets[0].vm_name) == ("create", "before-upgrade", "web01")


def test_no_words_at_all_get_the_help(world):
    assert "web01 before-upgrade" in world.run().text


def test_a_command_may_start_with_a_capital_as_phones_write_it(world):
    world.vm("web01")
    assert isinstance(world.run("List"), Reply)
    assert isinstance(world.run("List", "--Stale"), Reply)


@pytest.mark.parametrize("word", ["restore", "revert"])
def test_restore_and_revert_mean_apply(world, word):
    world.checkpoint(world.vm("web01"), "before")
    assert world.run(word, "web01", "before").verb == "apply"


@pytest.mark.parametrize(("typo", "meant"), [("lst", "list"), ("delte", "delete"), ("revrt", "revert")])
def test_a_misspelt_command_is_suggested(world, typo, meant):
    assert f"/checkpoint {meant}" in world.refuse(typo, "web01")


def test_a_vm_whose_name_is_close_to_a_command_is_a_vm(world):
    world.vm("lst")
    assert world.run("lst", "before").verb == "create"


def test_a_vm_that_may_not_be_seen_is_not_taken_for_a_misspelt_command(world):
    world.vm("lst")
    world.hidden.add("lst")
    with pytest.raises(NotAllowed):
        world.run("lst", "before")


def test_an_unknown_vm_gets_its_nearest_names_and_the_way_to_the_commands(world):
    world.vm("web01")
    with pytest.raises(NotKnown):
        world.run("wbe01", "before")
    told = world.refuse("wbe01", "before")
    assert "web01" in told
    assert "/checkpoint help" in told


def test_a_command_behind_a_vm_is_not_taken_for_a_checkpoints_name(world):
    world.vm("web01")
    assert "/checkpoint list web01" in world.refuse("web01", "list")
    assert world.run("create", "web01", "list").action.name == "list"


def test_words_too_many_say_that_a_name_with_spaces_goes_in_quotes(world):
    world.vm("web01")
    told = world.refuse("web01", "before", "the", "upgrade")
    assert "the and upgrade" in told
    assert "quotes" in told


def test_a_missing_word_is_named_with_the_usage(world):
    told = world.refuse("delete", "web01")
    assert "needs <checkpoint>" in told
    assert "/checkpoint delete <vm> <checkpoint> [--subtree]" in told


def test_an_unknown_option_gets_the_nearest_one(world):
    assert "Did you mean --note" in world.refuse("create", "web01", "--nto", "x")


def test_help_is_not_offered_for_an_option_it_does_not_resemble(world):
    assert "--help" not in world.refuse("create", "web01", "--share")


def test_a_name_that_starts_with_a_dash_is_never_taken_for_an_option_in_silence(world):
    world.vm("-x")
    assert "create -- -x" in world.refuse("-x", "before")
    assert "Put -- before" in world.refuse("create", "-x", "before")


@pytest.mark.parametrize("words", [("--", "-x", "-rf"), ("create", "--", "-x", "-rf")])
def test_two_dashes_let_names_start_with_a_dash(world, words):
    world.vm("-x")
    plan = world.run(*words)
    assert (plan.targets[0].vm_name, plan.action.name) == ("-x", "-rf")


def test_an_option_does_not_swallow_the_next_option_as_its_value(world):
    world.vm("web01")
    assert "--note needs a value" in world.refuse("web01", "before", "--note", "--keep")


@pytest.mark.parametrize("words", [("web01", "x", "--keep"), ("list", "--share=yes"), ("history", "--page", "0")])
def test_a_badly_used_option_is_refused_with_the_usage(world, words):
    world.vm("web01")
    assert "Type /checkpoint" in world.refuse(*words)


def test_help_of_a_command_is_an_answer_and_prints_nothing(world, capsys):
    answer = world.run("delete", "--help")
    assert "/checkpoint delete <vm> <checkpoint> [--subtree]" in answer.text
    assert capsys.readouterr() == ("", "")


def test_no_environment_variable_is_read(world, monkeypatch):
    world.vm("web01")
    for name in ("CHECKPOINT_CREATE_NOTE", "CREATE_NOTE", "NOTE", "_CHECKPOINT_COMPLETE"):
        monkeypatch.setenv(name, "from the environment")
    assert world.run("web01", "before").action.note == ""


def test_a_refusal_never_ends_the_program(world):
    for words in (["create"], ["list", "--nope"], ["apply", "--help"], ["--help"], ["help", "nope"]):
        try:
            world.run(*words)
        except UsageError as refused:
            assert refused.sentence.endswith((".", "?"))
