"""From a person's words to a command, and back to the person when they do not fit."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

import commands
from commands import load
from commands.base import Button, CheckpointNote, Item, NotKnown, Plan, Reply, UsageError, unmarked
from commands.kit.runner import gather, is_question


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


@pytest.mark.parametrize("words", [("secret", "before"), ("list", "secret"), ("create", "web01,secret", "x")])
def test_a_vm_that_may_not_be_seen_is_answered_like_one_that_is_not_there(world, words):
    world.vm("web01")
    absent = world.refuse(*words)
    world.vm("secret")
    world.hidden.add("secret")
    assert world.refuse(*words) == absent
    with pytest.raises(NotKnown) as refused:
        world.run(*words)
    assert refused.value.hidden


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
    assert '/checkpoint create web01 "before the upgrade"' in told


def test_words_too_many_where_no_name_is_last_are_not_put_in_quotes(world):
    told = world.refuse("whoami", "please")
    assert "has no place for please" in told
    assert "/checkpoint whoami" in told
    assert '"' not in told


def test_blanks_around_commas_do_not_matter(world):
    for one in ("web01", "web02", "web03"):
        world.vm(one)
    for words in (("web01,", "web03"), ("web01", ",web03"), ("web01", ",", "web03"), ("create", "web01,", "web03")):
        assert [target.vm_name for target in world.run(*words).targets] == ["web01", "web03"]
    plan = world.run("create", "--keep", "7d", "web01,", "web02,", "web03", "x")
    assert ([target.vm_name for target in plan.targets], plan.action.name) == (["web01", "web02", "web03"], "x")


def test_a_name_that_is_itself_a_vm_is_asked_about(world):
    world.vm("web01")
    world.vm("web03")
    plan = world.run("web01", "web03")
    assert plan.ask
    assert "web03 is a VM too" in plan.cautions[0]
    assert "/checkpoint create web01,web03" in plan.cautions[0]
    assert not world.run("web01", "web04").ask


def test_several_vms_without_commas_are_offered_with_them(world):
    assert "/checkpoint create web01,web02 x" in world.refuse("create", "web01", "web02", "x")


@pytest.mark.parametrize("again", [("/checkpoint",), ("checkpoint",), ("/Checkpoint", "/checkpoint")])
def test_the_slash_command_typed_twice_is_understood_as_meant(world, again):
    world.vm("web01")
    plan = world.run(*again, "web01", "x")
    assert (plan.verb, plan.targets[0].vm_name, plan.action.name) == ("create", "web01", "x")
    assert isinstance(world.run(*again, "list", "web01"), Reply)
    assert world.run(*again).text == world.run().text
    assert is_question([*again, "list", "web01"])


def test_a_vm_that_is_called_as_the_slash_command_is_meant(world):
    world.vm("checkpoint")
    plan = world.run("checkpoint", "x")
    assert (plan.targets[0].vm_name, plan.action.name) == ("checkpoint", "x")


def test_several_vms_of_a_question_need_no_commas(world):
    for one in ("web01", "web02", "web03", "file server"):
        world.vm(one)
    told = world.run("list", "web01", "web02", "--share")
    assert told.shared
    assert "web01" in told.text
    assert "web02" in told.text
    assert "web03" not in told.text
    assert "file server on hv01 has no checkpoints" in unmarked(world.run("list", "file", "server").text)
    assert "no VM called nope" in world.refuse("list", "web01", "nope")


def test_keep_without_a_span_offers_the_spans(world):
    one = world.checkpoint(world.vm("web01"), "before", days=3)
    answer = world.run("keep", "web01", "before")
    (item,) = (part for part in answer.parts if isinstance(part, Item))
    assert [(b.label, b.action, b.value) for b in item.buttons] == [
        ("Keep 7 days", "keep", one.id),
        ("Keep for good", "pin", one.id),
    ]
    told = unmarked(answer.text)
    assert "How long is before of web01 wanted?" in told
    assert "/checkpoint keep web01 before 3d" in told
    assert "/checkpoint keep web01 before forever" in told


def test_keep_offers_no_span_that_the_settings_do_not_allow(world):
    world.checkpoint(world.vm("web01"), "before")
    world.policy = replace(world.policy, keep_longest=timedelta(days=30))
    answer = world.run("keep", "web01", "before")
    (item,) = (part for part in answer.parts if isinstance(part, Item))
    assert [button.label for button in item.buttons] == ["Keep 7 days"]
    assert "for 30 days at the most" in unmarked(answer.text)
    assert "forever" not in unmarked(answer.text)


def test_a_missing_checkpoint_gets_those_to_choose_from_with_what_does_it(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "old", days=3)
    newest = world.checkpoint(vm, "new")
    reply = world.run("apply", "web01")
    items = [part for part in reply.parts if isinstance(part, Item)]
    assert [unmarked(item.text) for item in items] == ["new", "old"]
    assert items[0].buttons == (Button("Apply", "apply", newest.id),)
    assert "/checkpoint apply web01 new" in reply.text
    assert "/checkpoint rename web01 new" in world.run("rename", "web01").text


def test_a_missing_checkpoint_of_a_group_gets_the_names_that_all_of_it_has(world):
    for one in ("web01", "web02"):
        world.checkpoint(world.vm(one), "before")
    world.checkpoint(next(seen.vm for seen in world.hosts["hv01"].vms.values()), "mine")
    told = world.run("delete", "web*").text
    assert "/checkpoint delete web* before" in told
    assert "mine" not in told


def test_other_words_that_people_use_are_understood(world):
    vm = world.vm("web01")
    assert world.run("snapshot", "web01", "x").verb == "create"
    assert "has no checkpoints" in world.run("status", "web01").text
    assert "no safety checkpoint" in world.refuse("undo", "web01")
    assert "Which VM" in world.refuse("undo")
    world.checkpoint(vm, "old", days=3)
    newest = world.checkpoint(vm, "new")
    assert world.run("apply", "web01", "latest").targets[0].checkpoint_id == newest.id
    world.book.known[newest.id] = CheckpointNote(safety=True)
    assert world.run("undo", "web01").targets[0].checkpoint_id == newest.id


def test_a_question_is_told_from_what_may_change_something():
    questions = ("list", "list web01", "help", "status", "settings web01", "whoami", "hosts", "")
    changes = ("create web01", "web01 x", "delete web01 x", "settings web01 --automatic off", "undo web01")
    assert all(is_question(words.split()) for words in questions)
    assert not any(is_question(words.split()) for words in changes)


def test_a_missing_word_is_named_with_the_usage(world):
    told = world.refuse("delete")
    assert "needs <vm>" in told
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
