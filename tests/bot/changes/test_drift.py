"""What moved between the picture that somebody confirmed and the host as it is now."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import VM, ReplicationMode, VMInventory, VMState
from bot.changes.drift import difference, moved
from commands.base import Picture, Target, unmarked

FIRST, SECOND = ("cp-1", None, "first"), ("cp-2", "cp-1", "second")
ASKED = Picture("hv01", VMState.RUNNING, (FIRST, SECOND), "cp-2")


def test_nothing_moved() -> None:
    assert difference(ASKED, ASKED) == ""


@pytest.mark.parametrize(
    ("now", "clause"),
    [
        (Picture("hv02", VMState.RUNNING, (FIRST, SECOND), "cp-2"), "it moved from hv01 to hv02"),
        (Picture("hv01", VMState.OFF, (FIRST, SECOND), "cp-2"), "it was running and is off now"),
        (Picture("hv01", VMState.RUNNING, (FIRST,), "cp-1"), "the checkpoint second has gone"),
        (
            Picture("hv01", VMState.RUNNING, (FIRST, ("cp-2", "cp-1", "renamed")), "cp-2"),
            "the checkpoint second is called renamed now",
        ),
        (
            Picture("hv01", VMState.RUNNING, (FIRST, ("cp-2", None, "second")), "cp-2"),
            "the checkpoint second hangs under another one now",
        ),
        (
            Picture("hv01", VMState.RUNNING, (FIRST, SECOND, ("cp-3", "cp-2", "third")), "cp-3"),
            "there is a new checkpoint third",
        ),
        (Picture("hv01", VMState.RUNNING, (FIRST, SECOND), "cp-1"), "it was put back to first"),
    ],
)
def test_each_kind_of_move_has_its_words(now: Picture, clause: str) -> None:
    assert unmarked(difference(ASKED, now)) == clause


def test_several_moves_are_all_named() -> None:
    now = Picture("hv02", VMState.OFF, (FIRST,), "cp-1")

    assert unmarked(difference(ASKED, now)) == (
        "it moved from hv01 to hv02; it was running and is off now; the checkpoint second has gone"
    )


ids = st.sampled_from(["a", "b", "c"])
pictures = st.builds(
    Picture,
    st.sampled_from(["hv01", "hv02"]),
    st.sampled_from([int(VMState.RUNNING), int(VMState.OFF)]),
    st.lists(st.tuples(ids, st.none() | ids, st.sampled_from(["x", "y"])), unique_by=lambda one: one[0]).map(
        lambda tree: tuple(sorted(tree, key=lambda one: one[0]))
    ),
    st.none() | ids,
)


@given(pictures, pictures)
def test_pictures_that_differ_are_never_called_the_same(asked: Picture, now: Picture) -> None:
    assert (difference(asked, now) == "") == (asked == now)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("mode", [ReplicationMode.REPLICA, ReplicationMode.EXTENDED_REPLICA])
def test_a_vm_whose_id_means_a_replica_by_now_is_another_one(exact: bool, mode: ReplicationMode) -> None:
    vm = VM("vm-1", "web01", "hv01", VMState.OFF, replication_mode=ReplicationMode.PRIMARY)
    copy = VMInventory(replace(vm, replication_mode=mode))

    asked, named = Target.of(VMInventory(vm)), Target.of(copy)

    assert "a replica of a VM elsewhere now" in moved(asked, copy, exact=exact)
    assert moved(named, copy, exact=exact) == ""
