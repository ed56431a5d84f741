"""What the ledger has."""

from dataclasses import replace
from datetime import timedelta

import pytest

from commands.base import Grant, HistoryEntry


@pytest.fixture
def entries(world):
    world.book.entries = tuple(
        HistoryEntry(f"id{n}", world.now - timedelta(hours=n), "U111", f"take c{n} of web01", "succeeded")
        for n in range(45)
    )
    return world.book.entries


def test_it_is_newest_first_a_page_at_a_time(world, entries):
    first = world.run("history")
    assert "2026-11-22 14:05 UTC | U111 | take c0 of web01 | succeeded" in first.text
    assert "take c20 " not in first.text
    assert "--page 2" in first.text
    last = world.run("history", "--page", "3")
    assert "take c44 " in last.text
    assert "--page" not in last.text
    assert world.run("history", "--page", "9").text == "Nothing more."


def test_an_empty_ledger_says_so(world):
    assert "has nothing of that kind" in world.run("history").text


def test_filters_reach_the_ledger(world):
    vm = world.vm("web01")
    world.run("history", "web01", "--since", "7d", "--search", "kernel")
    asked = world.book.asked
    assert (asked["vms"], asked["since"], asked["text"]) == ((vm.id,), world.now - timedelta(days=7), "kernel")


@pytest.mark.parametrize("typed", ["<@U024BE7LH|ada>", "<@U024BE7LH>", "@U024BE7LH", "U024BE7LH", "me"])
def test_a_person_is_a_mention_an_id_or_me(world, typed):
    world.run("history", "--by", typed)
    assert (world.book.asked["person"], world.book.asked["text"]) == ("U024BE7LH", None)


@pytest.mark.parametrize("typed", ["@grace", "grace", "@Wilhelmina"])
def test_a_name_is_searched_for_because_slack_sends_mentions_as_names(world, typed):
    world.run("history", "--by", typed, "--search", "kernel")
    assert (world.book.asked["person"], world.book.asked["text"]) == (None, f"kernel {typed.lstrip('@')}")


def test_who_may_see_every_vm_sees_everything(world):
    world.vm("web01")
    world.run("history")
    assert world.book.asked["vms"] is None


def test_who_may_see_some_vms_sees_their_history_only(world):
    vm = world.vm("web01")
    world.vm("secret")
    world.hidden.add("secret")
    everything = world.grants[0]
    for grant in (Grant("owner", ("view",), ("web*",)), replace(everything, channels=("C9",))):
        world.grants = (grant,)
        world.run("history")
        assert world.book.asked["vms"] == (vm.id,)


def test_a_name_is_shown_in_place_of_an_id_where_the_ledger_has_it(world):
    entry = HistoryEntry("id", world.now, "U111", "take x of web01", "failed", "no room", person_name="grace")
    world.book.entries = (entry,)
    assert "grace | take x of web01 | failed | no room" in world.run("history", "--share").text
