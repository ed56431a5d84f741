"""Everything that is known of a checkpoint."""

from datetime import timedelta

from commands.base import CheckpointNote, Table, unmarked
from tests.support.memory import ToBeLookedAt


def facts(reply):
    return dict(next(part.rows for part in reply.parts if isinstance(part, Table)))


def test_it_shows_what_host_and_ledger_know(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "top", days=12)
    one = world.checkpoint(vm, "before", days=9)
    world.checkpoint(vm, "leaf")
    world.book.known[one.id] = CheckpointNote("U111", "kernel 6.12", "production")
    shown = facts(world.run("show", "web01", "before"))
    assert shown["Id"] == one.id
    assert shown["Taken"] == "2026-11-13 14:05 UTC, 9 days ago, stale"
    assert shown["Kind"] == "manual: a person took it"
    assert shown["Type"].startswith("production")
    assert (shown["Owner"], shown["Why"]) == ("U111", "kernel 6.12")
    assert (shown["Follows"], unmarked(shown["Followed by"])) == ("top", "leaf")


def test_without_a_record_it_does_not_claim_to_know_the_type(world):
    world.checkpoint(world.vm("web01"), "before")
    shown = facts(world.run("show", "web01", "before"))
    assert shown["Type"] == "unknown: without memory, so a production one, or one of a VM that was off"
    assert shown["Owner"] == "unclaimed"


def test_where_the_vm_is_now_is_said(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "Here" in facts(world.run("show", "web01", "before"))


def test_a_safety_checkpoint_says_why_it_is_there(world):
    one = world.checkpoint(world.vm("web01"), "before", has_memory=True)
    world.book.known[one.id] = CheckpointNote(safety=True, pinned=True)
    shown = facts(world.run("show", "web01", "before", "--share"))
    assert shown["Why"] == "the bot took it before an apply"
    assert shown["Kept"] == "forever"


def test_a_verdict_says_when_it_was_judged(world):
    world.checkpoint(world.vm("web01"), "before")
    world.health = ToBeLookedAt()
    world.now += timedelta(minutes=20)
    told = facts(world.run("show", "web01", "before"))["Health"]
    assert told.endswith(", as it was judged 20 minutes ago. A file belongs to no chain.")
