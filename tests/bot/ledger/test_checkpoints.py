from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backends.base import Part, Unseen, VMState
from bot.ledger import Ledger
from commands.base import CheckpointNote, Claim
from tests.support.clock import START, StoppedClock
from tests.support.ledger import ADA, BOB, ORIGIN, checkpoint, inventory, plan, target, vm

WEEK = timedelta(days=7)


def remember(ledger: Ledger, id: str = "cp-1", *, days: float | None = 7, reason: str = "kernel") -> None:
    ledger.checkpoints.remember(
        checkpoint(id),
        host="hv01",
        vm_name="web01",
        owner=ADA.id,
        reason=reason,
        kind="production",
        state_before=VMState.RUNNING,
        keep_until=None if days is None else START + timedelta(days=days),
        change_id="c1",
    )


def gone(ledger: Ledger) -> dict[str, str | None]:
    with ledger._store.read() as db:
        return dict(db.execute("SELECT id, gone_at FROM checkpoints").fetchall())


@pytest.fixture(autouse=True)
def asked(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)


def test_what_was_said_of_a_checkpoint_is_known(ledger: Ledger) -> None:
    remember(ledger)
    assert ledger.checkpoints.notes(["cp-1", "cp-2"]) == {
        "cp-1": CheckpointNote(
            "U0ADA",
            "kernel",
            "production",
            START + WEEK,
            owner_name="Ada",
            taken_by="U0ADA",
            keeper="U0ADA",
            keeper_name="Ada",
        )
    }


def test_the_name_of_an_owner_who_did_not_ask_is_not_made_up(ledger: Ledger) -> None:
    ledger.checkpoints.remember(checkpoint("cp-1"), host="hv01", vm_name="web01", owner=BOB.id, change_id="c1")
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"].owner_name == ""


def test_to_remember_again_changes_nothing(ledger: Ledger, clock: StoppedClock) -> None:
    remember(ledger)
    before = ledger.checkpoints.notes(["cp-1"])
    clock.forward(hours=1)
    remember(ledger)
    assert ledger.checkpoints.notes(["cp-1"]) == before


def test_to_remember_again_leaves_what_a_person_said_since(ledger: Ledger) -> None:
    remember(ledger)
    ledger.checkpoints.keep(target(), START + 2 * WEEK, by=BOB.id)
    remember(ledger)
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"].keep_until == START + 2 * WEEK


def test_a_checkpoint_that_the_bot_did_not_take_can_be_kept(ledger: Ledger) -> None:
    ledger.checkpoints.keep(target(checkpoint_id="cp-9"), START + WEEK, by=BOB.id)
    assert ledger.checkpoints.notes(["cp-9"])["cp-9"] == CheckpointNote(keep_until=START + WEEK, keeper=BOB.id)


def test_who_said_last_how_long_it_is_kept_is_known_with_their_latest_name(ledger: Ledger) -> None:
    remember(ledger)
    ledger.changes.request("c2", plan(), replace(BOB, name="Robert"), ORIGIN)
    ledger.checkpoints.keep(target(), None, by=BOB.id)
    remember(ledger)
    note = ledger.checkpoints.notes(["cp-1"])["cp-1"]
    assert (note.owner, note.keeper, note.keeper_name) == (ADA.id, BOB.id, "Robert")


def test_what_nobody_said_how_long_to_keep_has_no_keeper(ledger: Ledger) -> None:
    remember(ledger, days=None)
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"].keeper is None


def test_kept_forever_and_then_until_a_day(ledger: Ledger) -> None:
    remember(ledger)
    ledger.checkpoints.keep(target(), None, by=BOB.id)
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"].pinned
    assert ledger.checkpoints.expiring(START + 100 * WEEK) == ()
    ledger.checkpoints.keep(target(), START + WEEK, by=ADA.id)
    assert not ledger.checkpoints.notes(["cp-1"])["cp-1"].pinned


def test_who_claims_it_owns_it_and_who_took_it_stays(ledger: Ledger) -> None:
    remember(ledger)
    ledger.changes.request("c2", plan(action=Claim()), BOB, ORIGIN)
    ledger.checkpoints.claim(target(), "c2")
    note = ledger.checkpoints.notes(["cp-1"])["cp-1"]
    assert (note.owner, note.owner_name, note.taken_by) == (BOB.id, "Bob", ADA.id)
    remember(ledger)
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"] == note


def test_what_was_made_elsewhere_can_be_claimed(ledger: Ledger) -> None:
    ledger.changes.request("c2", plan(action=Claim()), BOB, ORIGIN)
    ledger.checkpoints.claim(target(checkpoint_id="cp-9"), "c2")
    assert ledger.checkpoints.notes(["cp-9"])["cp-9"] == CheckpointNote(BOB.id, owner_name="Bob")


def test_only_a_checkpoint_can_be_kept(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        ledger.checkpoints.keep(target(checkpoint_id=None), None, by=ADA.id)


def test_a_checkpoints_time_is_over_from_its_moment_on(ledger: Ledger) -> None:
    remember(ledger, "cp-1", days=2)
    remember(ledger, "cp-2", days=1)
    remember(ledger, "cp-3", days=None)
    assert ledger.checkpoints.expiring(START + timedelta(days=1, seconds=-1)) == ()
    found = ledger.checkpoints.expiring(START + timedelta(days=2))
    assert [(one.id, one.vm_name, one.host) for one in found] == [("cp-2", "web01", "hv01"), ("cp-1", "web01", "hv01")]
    assert found[0].note.owner == ADA.id


def test_the_time_of_one_that_is_gone_is_not_over(ledger: Ledger, clock: StoppedClock) -> None:
    remember(ledger, days=1)
    ledger.checkpoints.seen(inventory(vm("web01"), at=clock.forward(hours=1)))
    assert ledger.checkpoints.expiring(START + WEEK) == ()


def test_of_a_checkpoint_seen_for_the_first_time_nothing_is_known_but_that_it_is_there(ledger: Ledger) -> None:
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-7")), at=START))
    assert gone(ledger) == {"cp-7": None}
    assert ledger.checkpoints.notes(["cp-7"]) == {}


def test_one_that_vanished_is_marked_and_its_note_stays(ledger: Ledger, clock: StoppedClock) -> None:
    remember(ledger)
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1"), checkpoint("cp-2")), at=clock.forward(hours=1)))
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-2")), at=clock.forward(hours=1)))
    assert gone(ledger) == {"cp-1": "2026-11-20T11:00:00.000000Z", "cp-2": None}
    assert ledger.checkpoints.notes(["cp-1"])["cp-1"].owner == ADA.id


def test_one_that_comes_back_is_there_again(ledger: Ledger, clock: StoppedClock) -> None:
    for checkpoints in ((checkpoint("cp-1"),), (), (checkpoint("cp-1"),)):
        ledger.checkpoints.seen(inventory(vm("web01", *checkpoints), at=clock.forward(hours=1)))
    assert gone(ledger) == {"cp-1": None}


def test_an_inventory_from_before_it_was_taken_does_not_make_it_gone(ledger: Ledger) -> None:
    remember(ledger)
    ledger.checkpoints.seen(inventory(vm("web01"), at=START - timedelta(seconds=1)))
    assert gone(ledger) == {"cp-1": None}


def test_other_hosts_are_left_alone(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1")), at=START))
    ledger.checkpoints.seen(inventory(vm("db01", host="hv02"), at=clock.forward(hours=1), host="hv02"))
    assert gone(ledger) == {"cp-1": None}


@pytest.mark.parametrize("order", [("hv01", "hv02"), ("hv02", "hv01")])
def test_a_vm_that_moves_between_hosts_keeps_its_checkpoints(
    ledger: Ledger, clock: StoppedClock, order: tuple[str, str]
) -> None:
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1")), at=START))
    for host in order:
        vms = (vm("web01", checkpoint("cp-1"), host="hv02"),) if host == "hv02" else ()
        ledger.checkpoints.seen(inventory(*vms, at=clock.forward(minutes=1), host=host))
    assert gone(ledger) == {"cp-1": None}


def test_an_older_inventory_that_comes_late_is_of_no_weight(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.checkpoints.seen(
        inventory(vm("web01", checkpoint("cp-1"), host="hv02"), at=clock.forward(hours=1), host="hv02")
    )
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1")), at=START))
    ledger.checkpoints.seen(inventory(vm("web01"), at=START + timedelta(minutes=1)))
    with ledger._store.read() as db:
        assert db.execute("SELECT host, gone_at FROM checkpoints").fetchall() == [("hv02", None)]


def test_a_new_name_is_taken_over(ledger: Ledger, clock: StoppedClock) -> None:
    remember(ledger)
    ledger.checkpoints.seen(
        inventory(vm("web-new", checkpoint("cp-1", name="after"), vm_id="id-web01"), at=clock.forward(hours=1))
    )
    with ledger._store.read() as db:
        assert db.execute("SELECT vm_name, name FROM checkpoints").fetchall() == [("web-new", "after")]


def test_thousands_are_seen_at_once(ledger: Ledger, clock: StoppedClock) -> None:
    many = [vm(f"vm{n}", *(checkpoint(f"cp-{n}-{i}", f"vm{n}") for i in range(4))) for n in range(1000)]
    ledger.checkpoints.seen(inventory(*many, at=START))
    ledger.checkpoints.seen(inventory(*many[1:], at=clock.forward(hours=1)))
    assert sum(at is not None for at in gone(ledger).values()) == 4
    assert len(gone(ledger)) == 4000


@pytest.mark.parametrize("part", [Part.VMS, Part.CHECKPOINTS])
def test_what_part_of_a_host_could_not_be_read_is_not_gone(ledger: Ledger, clock: StoppedClock, part: Part) -> None:
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1")), at=clock.forward(hours=1)))

    less = replace(inventory(vm("web01"), at=clock.forward(hours=1)), unreadable=(Unseen(part, "denied"),))
    ledger.checkpoints.seen(less)

    with ledger._store.read() as db:
        assert db.execute("SELECT gone_at FROM checkpoints").fetchall() == [(None,)]
