"""The checkpoints of a VM, and of many."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from backends.base import OperationalStatus, Part, SnapshotType, Unseen
from bot.dispatch.grammar import split
from bot.fleet.inventory import Inventory
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form
from commands.base import CheckpointNote, Pick, Table, Tree
from commands.kit.pages import PAGE
from tests.support.board import buttons


def tree_of(reply):
    return next(part.lines for part in reply.parts if isinstance(part, Tree))


def rows_of(reply):
    rows = next((part.rows for part in reply.parts if isinstance(part, Table)), ())
    return tuple(tuple(cell if isinstance(cell, str) else cell.text for cell in row) for row in rows)


def names_of(reply):
    """The lines of the tree that name a checkpoint, or the place where the VM is."""
    return [line for line in tree_of(reply) if "○" in line or "●" in line]


def test_a_straight_chain_goes_straight_down(world):
    vm = world.vm("web01")
    for number in range(3):
        world.checkpoint(vm, f"step {number}", days=9 - number)
    assert names_of(world.run("list", "web01")) == ["○ step 0", "○ step 1", "○ step 2", "● you are here"]


def test_only_a_branch_that_leads_elsewhere_is_indented(world):
    vm = world.vm("web01")
    top = world.checkpoint(vm, "top", days=5)
    world.checkpoint(vm, "first", days=4)
    second = world.checkpoint(vm, "second", days=3, parent_id=top.id)
    assert names_of(world.run("list", "web01")) == ["○ top", "├─○ first", "○ second", "● you are here"]
    assert second.id[:8] in "".join(tree_of(world.run("list", "web01"))[-3:])
    world.change(vm, current_id=next(c.id for c in world.seen(vm).checkpoints if c.name == "first"))
    assert names_of(world.run("list", "web01")) == ["○ top", "├─○ second", "○ first", "● you are here"]


def test_a_vm_that_stands_on_no_checkpoint_is_at_the_root(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "top")
    world.change(vm, current_id=None)
    assert names_of(world.run("list", "web01")) == ["├─○ top", "● you are here"]


def test_under_a_name_are_age_kind_owner_and_how_long_it_is_kept(world):
    one = world.checkpoint(world.vm("web01"), "before", days=3)
    world.book.known[one.id] = CheckpointNote("U111", kind="production", keep_until=world.now + timedelta(days=1))
    facts = " · ".join(line.removeprefix("│ ") for line in tree_of(world.run("list", "web01"))[1:-1])
    assert facts == f"{one.id[:8]} · 3 days old · production · by U111 · kept until 2026-11-23 14:05 UTC"


def test_a_line_of_facts_fits_on_a_phone(world):
    one = world.checkpoint(world.vm("web01"), "before", days=30)
    world.book.known[one.id] = CheckpointNote("U111", owner_name="grace hopper", kind="production")
    assert all(len(line) <= 40 for line in tree_of(world.run("list", "web01")))


def test_a_long_chain_of_long_names_keeps_the_newest_and_the_place_where_the_vm_is(world):
    vm = world.vm("web01")
    for number in range(50):
        world.checkpoint(vm, f"{number:02} {'long ' * 19}n", days=60 - number)
    reply = world.run("list", "web01")
    shown = json.dumps(render(reply, lambda: str(uuid4())).blocks, ensure_ascii=False)
    assert all(f"○ {number:02} long" in shown for number in range(50))
    assert "● you are here" in shown
    assert "more lines" not in shown
    assert "/checkpoint show web01 <checkpoint>" in reply.text.replace('"', "")


@pytest.mark.parametrize(("name", "shown"), [(" ", '○ " "'), ("two\nlines", "○ two lines"), ("\u2068x", "○ x")])
def test_a_checkpoint_of_any_name_breaks_neither_tree_nor_hints(world, name, shown):
    one = world.checkpoint(world.vm("web01"), name)
    lines = tree_of(world.run("list", "web01"))
    assert lines[0] == shown
    assert not any("\n" in line for line in lines)
    assert f"/checkpoint apply web01 {one.id[:8]}" in world.run("apply", "web01").text


def test_what_somebody_else_manages_is_shown_as_what_it_is(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "auto", automatic=True, days=30)
    world.checkpoint(vm, "point", snapshot_type=SnapshotType.RECOVERY, days=30)
    world.checkpoint(vm, "copy", snapshot_type=SnapshotType.REPLICA, days=30)
    told = "\n".join(tree_of(world.run("list", "web01")))
    assert all(kind in told for kind in ("automatic", "backup", "replica"))
    assert "by " not in told
    assert "stale" not in told


def test_the_size_written_since_is_shown_where_the_disks_are_known(world):
    vm = world.vm("web01")
    world.grown(vm, world.checkpoint(vm, "before"), 3 * 1024**3)
    assert "3.0 GB since" in "\n".join(tree_of(world.run("list", "web01")))


def test_a_vm_without_checkpoints_says_how_to_take_one(world):
    world.vm("web 01")
    assert '/checkpoint create "web 01" takes one' in world.run("list", "web 01").text


def test_a_merge_under_way_is_said(world):
    world.checkpoint(world.vm("web01", operational_status=(OperationalStatus.MERGING_DISKS,)), "before")
    assert "being merged" in world.run("list", "web01").text


def test_many_vms_are_a_table(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "old", days=9)
    world.checkpoint(vm, "new")
    world.vm("db01", host="hv02")
    assert rows_of(world.run("list")) == (
        ("db01", "hv02", "running", "0", "–", "–"),
        ("web01", "hv01", "running", "2", "9 days", "1"),
    )


def test_a_pattern_and_a_host_narrow_the_table(world):
    for name, host in (("web01", "hv01"), ("web02", "hv02"), ("db01", "hv02")):
        world.vm(name, host=host)
    assert [row[0] for row in rows_of(world.run("list", "web*"))] == ["web01", "web02"]
    assert [row[0] for row in rows_of(world.run("list", "--host", "HV02"))] == ["db01", "web02"]
    assert [row[0] for row in rows_of(world.run("list", "web*", "--host", "hv02"))] == ["web02"]


def test_an_unknown_host_gets_the_names_there_are(world):
    assert "hv01 and hv02" in world.refuse("list", "--host", "hv03")


def test_stale_ones_are_listed_oldest_first_without_those_that_are_kept_or_managed(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "older", days=20)
    world.checkpoint(vm, "old", days=9)
    world.checkpoint(vm, "new")
    world.checkpoint(vm, "auto", days=20, automatic=True)
    pinned, kept, over = (world.checkpoint(vm, name, days=15) for name in ("pinned", "kept", "over"))
    world.book.known = {
        pinned.id: CheckpointNote(pinned=True),
        kept.id: CheckpointNote(keep_until=world.now + timedelta(hours=1)),
        over.id: CheckpointNote(keep_until=world.now - timedelta(hours=1)),
    }
    assert [row[1] for row in rows_of(world.run("list", "--stale"))] == ["older", "over", "old"]
    assert [row[1] for row in rows_of(world.run("list", "web01", "--stale"))] == ["older", "over", "old"]


def test_ones_own_are_those_that_one_took_or_claimed(world):
    vm = world.vm("web01")
    mine, theirs = world.checkpoint(vm, "mine", days=3), world.checkpoint(vm, "theirs", days=2)
    world.checkpoint(vm, "elsewhere")
    world.book.known = {
        mine.id: CheckpointNote("U024BE7LH", taken_by="U222", owner_name="ada"),
        theirs.id: CheckpointNote("U222"),
    }
    reply = world.run("list", "--mine")
    assert [row[1] for row in rows_of(reply)] == ["mine"]
    assert reply.text.startswith("1 checkpoint of yours")
    assert world.run("list", "--mine", "--stale").text == "No stale checkpoint is yours."


def test_unclaimed_ones_are_made_elsewhere_or_of_people_who_have_left_and_have_a_button(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "elsewhere", days=3)
    left, there = world.checkpoint(vm, "left", days=2), world.checkpoint(vm, "there", days=2)
    world.checkpoint(vm, "auto", automatic=True)
    world.book.known = {left.id: CheckpointNote("U222", owner_name="bob"), there.id: CheckpointNote("U333")}
    world.gone.add("U222")
    reply = world.run("list", "--unclaimed")
    assert [(row[1], row[6]) for row in rows_of(reply)] == [
        ("elsewhere", "unclaimed"),
        ("left", "unclaimed: bob has left"),
    ]
    assert [(b.label, b.action) for b in buttons(reply)] == [
        ("Claim elsewhere of web01", "form-claim"),
        ("Claim left of web01", "form-claim"),
    ]


def test_a_tree_has_a_button_for_what_nobody_owns(world):
    vm = world.vm("web01")
    elsewhere, taken = world.checkpoint(vm, "elsewhere", days=2), world.checkpoint(vm, "taken")
    world.book.known[taken.id] = CheckpointNote("U333")
    reply = world.run("list", "web01")
    assert [(b.label, b.value) for b in buttons(reply)] == [("Claim elsewhere", elsewhere.id)]
    assert "unclaimed" in " ".join(tree_of(reply))


def test_nothing_stale_is_said_in_so_many_words(world):
    world.vm("web01")
    assert world.run("list", "--stale").text == "Nothing is stale."


def pages_of(world, *words):
    """Every page, from the first on by its own buttons."""
    replies = [world.run(*words)]
    while following := [button.value for button in buttons(replies[-1]) if button.label == "Next"]:
        replies.append(world.run(*split(following[0])[1:]))
    return replies


def test_of_many_vms_each_is_on_one_page_and_the_buttons_lead_on_and_back(world):
    for number in range(2 * PAGE + 5):
        world.vm(f"vm{number:03}")
    replies = pages_of(world, "list", "--host", "hv01", "vm*")
    assert [len(rows_of(reply)) for reply in replies] == [PAGE, PAGE, 5]
    assert [row[0] for reply in replies for row in rows_of(reply)] == [f"vm{n:03}" for n in range(2 * PAGE + 5)]
    back = next(button for button in buttons(replies[1]) if button.label == "Back")
    assert (back.action, back.value) == ("page", "/checkpoint list --host=hv01 vm* --page 1")
    assert world.run("list", "--page", "9").text == "Nothing more."


def test_every_row_is_drawn_on_its_page_whatever_the_names(world):
    """With names as long as they may be, 500 checkpoints, and everything else that a list may say."""
    ids = []
    for number in range(10):
        vm = world.vm(f"{number} <!channel> 🎉 {'שרת' * 28}")
        for _ in range(50):
            ids.append(str(uuid4())[:8])
            made = world.checkpoint(vm, f"{ids[-1]} *{'x' * 90}", days=30)
            world.book.known[made.id] = CheckpointNote("U111", owner_name="o" * 80, keep_until=world.now)
    world.hosts["hv01"].unreadable = (Unseen(Part.CHECKPOINTS, "denied"),) * 40
    replies = pages_of(world, "list", "--stale", "--share")
    assert len(ids) == 500
    for form in Form:
        drawn = [render(reply, lambda: str(uuid4()), form) for reply in replies]
        assert all(refused_content(one.text, one.blocks, None) is None for one in drawn)
        told = [json.dumps(one.blocks) for one in drawn]
        assert all(sum(id in page for page in told) == 1 for id in ids), form


def test_beneath_a_table_stands_a_menu_of_what_one_may_do(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "old", days=30)
    picks = [part for part in world.run("list", "--stale").parts if isinstance(part, Pick)]
    assert [pick.options for pick in picks] == [(("web01: old", one.id),)]
    assert [b.action for b in picks[0].buttons] == ["show", "form-apply", "form-keep", "form-claim", "form-delete"]
    (pick,) = [part for part in world.run("list").parts if isinstance(part, Pick)]
    assert pick.options == (("web01", vm.id),)
    world.denied.add("web01")
    (pick,) = [part for part in world.run("list", "web01").parts if isinstance(part, Pick)]
    assert [b.action for b in pick.buttons] == ["show"]


def test_a_host_that_is_down_is_named_and_its_vms_stay_as_last_seen(world):
    world.vm("web01")
    world.run("list")
    world.hosts["hv01"].down = True
    reply = world.run("list")
    assert [row[0] for row in rows_of(reply)] == ["web01"]
    assert "hv01 could not be asked, shown as seen at 2026-11-22 14:05 UTC" in reply.text


def test_only_vms_in_sight_are_listed(world):
    world.vm("web01")
    world.vm("secret")
    world.hidden.add("secret")
    assert [row[0] for row in rows_of(world.run("list"))] == ["web01"]


def test_the_answer_is_for_the_person_alone_unless_shared(world):
    world.vm("web01")
    assert not world.run("list").shared
    assert world.run("list", "--share").shared


def test_an_answer_from_memory_says_how_old_it_is_where_that_is_longer_than_between_two_looks(world):
    world.vm("web01")
    world.inventory = Inventory(world.hosts, lambda: world.now, fresh_for=timedelta(hours=1))
    world.run("list")
    world.now += timedelta(seconds=4)
    assert "is shown as it was" not in world.run("list").text

    world.now += timedelta(minutes=3)
    assert "hv01 is shown as it was 3 minutes ago." in world.run("list").text


def test_a_host_that_showed_part_of_what_it_has_is_named(world):
    world.vm("web01")
    world.hosts["hv01"].unreadable = (Unseen(Part.CHECKPOINTS, "denied"),)

    assert "hv01: Part of its checkpoints could not be read." in world.run("list").text
    assert "in part" in world.run("hosts").text
