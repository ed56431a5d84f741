"""What the ledger has."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from bot.dispatch.grammar import split
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import Grant, HistoryEntry, Pick, Table
from tests.support.board import buttons


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
def test_a_person_may_be_a_name_because_slack_sends_mentions_as_names(world, typed):
    world.run("history", "--by", typed, "--search", "kernel")
    asked = world.book.asked
    assert (asked["person"], asked["person_name"], asked["text"]) == (None, typed.lstrip("@"), "kernel")


@pytest.mark.parametrize("typed", ["0", "-1", "x", "1.5", "9" * 20, "٣", ""])
def test_what_is_no_page_is_refused(world, typed):
    assert "is not a page: type 1 for the first" in world.refuse("history", f"--page={typed}")


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


def test_a_change_of_several_vms_says_nothing_of_those_that_the_person_may_not_see(world):
    seen, hidden = world.vm("web01"), world.vm("secret")
    world.hidden.add("secret")
    entry = HistoryEntry("id", world.now, "U111", "take x of web01 and secret", "failed", "secret: no room", (seen.id,))
    world.book.entries = (entry, replace(entry, vms=(seen.id, hidden.id)))
    assert world.run("history").text.count("secret: no room") == 2

    world.grants = (Grant("owner", ("view",), ("web*",)),)
    for words in (("history",), ("history", "web01")):
        assert world.run(*words).text.splitlines()[2:4] == [
            "2026-11-22 14:05 UTC | U111 | take x of web01 and secret | failed | secret: no room",
            "2026-11-22 14:05 UTC | U111 | a change of web01, and of VMs that you do not see here | failed | ",
        ]


def test_a_name_is_shown_in_place_of_an_id_where_the_ledger_has_it(world):
    entry = HistoryEntry("id", world.now, "U111", "take x of web01", "failed", "no room", person_name="grace")
    world.book.entries = (entry,)
    assert "grace | take x of web01 | failed | no room" in world.run("history", "--share").text


def test_a_search_finds_nothing_by_what_may_not_be_seen(world):
    seen, secret = world.vm("web01"), world.vm("secret")
    world.hidden.add("secret")
    world.grants = (Grant("viewer", ("view",), ("web*",)),)
    world.book.entries = (
        HistoryEntry("a", world.now, "U111", "take x of web01 and secret", "succeeded", vms=(seen.id, secret.id)),
        HistoryEntry("b", world.now, "U111", "take y of web01", "succeeded", vms=(seen.id,)),
    )
    told = world.run("history", "--search", "secret").text
    assert "take y of web01" in told
    assert "a change of" not in told


def test_its_pages_keep_what_was_asked_and_no_entry_is_on_no_page(world, entries):
    world.book.entries = tuple(
        replace(one, summary=f"c{n:03} <!channel> {'y' * 200}", result="z" * 900, person_name="w" * 100)
        for n, one in enumerate(entries)
    )
    words, told = ("history", "--by", "me", "--since", "7d", "--search", "up grade"), []
    for _ in range(3):
        reply = world.run(*words)
        told.append([row[2][:4] for part in reply.parts if isinstance(part, Table) for row in part.rows])
        for form in Form:
            drawn = render(reply, lambda: str(uuid4()), form)
            assert refused_content(drawn.text, drawn.blocks, None) is None
            assert all(json.dumps(drawn.blocks).count(f"{one} <!channel>") == 1 for one in told[-1])
        following = [b.value for b in buttons(reply) if b.label == "Next"]
        words = split(following[0])[1:] if following else ()
    assert [one for page in told for one in page] == [f"c{n:03}" for n in range(45)]
    assert not words
    assert (world.book.asked["person"], world.book.asked["text"]) == ("U024BE7LH", "up grade")
    assert world.book.asked["since"] == world.now - timedelta(days=7)


def test_the_vm_of_a_change_can_be_shown(world):
    vm = world.vm("web01")
    one = HistoryEntry("id", world.now, "U111", "take c of web01", "succeeded", vms=(vm.id,))
    world.book.entries = (one, replace(one, change_id="two", vms=(vm.id, "elsewhere")))
    (pick,) = [part for part in world.run("history").parts if isinstance(part, Pick)]
    assert (pick.options, [b.action for b in pick.buttons]) == ((("take c of web01", vm.id),), ["list"])
