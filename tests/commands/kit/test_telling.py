"""How checkpoints are told."""

from datetime import UTC, datetime, timedelta

from backends.base import VM, Checkpoint, SnapshotType, VMState
from commands.base import CheckpointNote, Person, Policy, unmarked
from commands.kit.telling import age, each, few, is_owned_by, is_stale, is_unclaimed, lines, owner, present

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def checkpoint(**more):
    return Checkpoint("id", "before", "vm", more.pop("created", NOW), **more)


def test_a_host_whose_clock_runs_ahead_makes_no_negative_age_and_nothing_stale():
    ahead = checkpoint(created=NOW + timedelta(hours=2))
    assert age(ahead, NOW) == "0 seconds"
    assert not is_stale(ahead, CheckpointNote(), Policy(), NOW)


def test_a_checkpoint_is_stale_when_its_time_is_over_and_not_before():
    week = Policy(stale_after=timedelta(days=7))
    assert not is_stale(checkpoint(created=NOW - timedelta(days=7)), CheckpointNote(), week, NOW)
    assert is_stale(checkpoint(created=NOW - timedelta(days=7, seconds=1)), CheckpointNote(), week, NOW)


def test_a_checkpoint_without_an_owner_is_nobody_elses():
    ada = Person("U1", "ada")
    assert is_owned_by(ada, CheckpointNote())
    assert is_owned_by(ada, CheckpointNote(owner="U1"))
    assert not is_owned_by(ada, CheckpointNote(owner="U2"))


def test_who_has_left_is_named_and_owns_nothing_any_more():
    assert owner(CheckpointNote(owner="U2", owner_name="bob", left=True)) == "unclaimed: bob has left"
    assert is_unclaimed(checkpoint(), CheckpointNote(owner="U2", left=True))
    assert not is_unclaimed(checkpoint(), CheckpointNote(owner="U2"))


def test_what_a_schedule_or_hyper_v_drops_is_not_waiting_for_an_owner():
    assert is_unclaimed(checkpoint(), CheckpointNote())
    assert not is_unclaimed(checkpoint(), CheckpointNote(schedule="nightly"))
    assert not is_unclaimed(checkpoint(automatic=True), CheckpointNote())
    assert not is_unclaimed(checkpoint(snapshot_type=SnapshotType.RECOVERY), CheckpointNote())


def test_one_vm_gets_a_sentence_and_several_get_a_line_each():
    vms = [VM(name, name, host, VMState.RUNNING) for name, host in (("a", "hv02"), ("b", "hv01"), ("c", "hv02"))]
    assert (present(vms), lines(vms[:1])) == ((), ())
    assert tuple(map(unmarked, present(vms[:1]))) == ("a is on hv02, running.",)
    assert tuple(map(unmarked, lines(vms))) == (
        "a is on hv02, running",
        "b is on hv01, running",
        "c is on hv02, running",
    )
    assert tuple(map(unmarked, lines(vms[:2], ["x", "y"]))) == ("a is on hv02, running: x", "b is on hv01, running: y")
    assert (unmarked(each(["a"])), unmarked(each(["a", "b"]))) == ("a", "Each of a and b")


def test_a_heading_names_a_few_and_counts_the_rest():
    vms = [VM(f"id-{n}", f"web{n:03}", "hv01", VMState.RUNNING) for n in range(200)]
    assert unmarked(few(vms)) == "web000, web001, web002 and 197 more"
    assert unmarked(few(vms[:2])) == "web000 and web001"


def test_one_that_was_to_be_kept_for_a_day_is_stale_after_that_day():
    an_hour_old = checkpoint(created=NOW - timedelta(hours=1))
    assert not is_stale(an_hour_old, CheckpointNote(keep_until=NOW + timedelta(minutes=1)), Policy(), NOW)
    assert is_stale(an_hour_old, CheckpointNote(keep_until=NOW - timedelta(minutes=1)), Policy(), NOW)
