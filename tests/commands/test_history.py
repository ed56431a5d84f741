"""What the ledger has."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bot.dispatch.grammar import split
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import Grant, HistoryEntry, Pick, Table, VMEntry
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


class TestOneChange:
    @pytest.fixture
    def group(self, world):
        names = [f"web{n:02}" for n in range(45)]
        world.book.each_vm = tuple(
            VMEntry(world.vm(one).id, one, "hv01", "failed" if one == "web44" else "succeeded", f"{one} is told of.")
            for one in names
        )
        return names

    def test_has_a_row_for_each_vm_what_went_wrong_first_and_none_is_on_no_page(self, world, group):
        answers = [world.run("history", "--change", "1a2b3c4d", "--page", str(page)) for page in (1, 2, 3)]
        rows = [row for one in answers for part in one.parts if isinstance(part, Table) for row in part.rows]
        assert rows[0] == ("web44", "hv01", "failed", "web44 is told of.")
        assert sorted(row[0] for row in rows) == group
        assert "--change=1a2b3c4d --page 2" in str(answers[0].parts)

    def test_counts_vms_that_the_person_does_not_see_and_names_none(self, world, group):
        world.hidden.add("web44")
        world.grants = (Grant("owner", ("view",), ("web[0-3]*",)),)
        text = "\n".join(world.run("history", "--change", "1a2b3c4d", "--page", page).text for page in "123")
        assert "web44" not in text
        assert text.count("And 1 VM that you do not see here.") == 3
        world.hidden |= set(group)
        assert "no such change" in world.run("history", "--change", "1a2b3c4d").text

    @pytest.mark.parametrize("typed", ["x", "abc", "1a2b3c4d%", "'", ""])
    def test_is_named_by_its_id_and_by_nothing_else(self, world, typed):
        assert "is no change" in world.refuse("history", f"--change={typed}")


@pytest.mark.parametrize("words", [["friday", "18:00"], ["friday 18:00"], ["since", "fri", "6pm"]])
def test_since_when_may_be_a_date_in_the_persons_zone(world, entries, words):
    world.zone = "Europe/Berlin"
    answer = world.run("history", "--since", *words)
    assert world.book.asked["since"] == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    assert "--since=2026-11-20T17:00Z --page 2" in str(answer.parts)
    world.run(*split("history --since=2026-11-20T17:00Z --page 2"))
    assert world.book.asked["since"] == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def test_since_a_day_that_is_to_come_is_refused(world):
    assert "is to come" in world.refuse("history", "--since", "tomorrow")
