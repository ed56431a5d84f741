"""What a schedule deletes of its own: whatever the names and the order of runs, never what is not its own, never the
newest whole one, never what somebody keeps or claimed, never what another's checkpoint hangs under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import VM, Checkpoint, SnapshotType, VMInventory, VMState
from bot.ledger import Own
from bot.schedules.retention import Retention, Taking, decide
from commands.base import Schedule

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = 86400.0
NIGHTLY = Schedule("id", "nightly", ("*",), "U0ADA", "ada", "C0OPS", keep=7 * DAY)


def line(*ids: str, current: str | None = None, missing: tuple[str, ...] = ()) -> VMInventory:
    """A VM whose checkpoints hang one under the other, a day apart, the last of today."""
    age = [timedelta(days=len(ids) - number) for number in range(len(ids))]
    checkpoints = tuple(
        Checkpoint(
            id,
            f"name of {id}",
            "vm",
            NOW - age[number],
            ids[number - 1] if number else None,
            SnapshotType.MISSING if id in missing else SnapshotType.STANDARD,
        )
        for number, id in enumerate(ids)
    )
    return VMInventory(VM("vm", "web01", "hv01", VMState.RUNNING, current_id=current or ids[-1]), checkpoints)


def own(seen: VMInventory, *ids: str) -> dict[str, Own]:
    return {c.id: Own(c.id, c.created) for c in seen.checkpoints if c.id in ids}


def going(found: Retention) -> list[str]:
    return [one.id for one, _ in found.going]


def test_what_is_older_than_it_keeps_goes_oldest_first() -> None:
    seen = line(*"abcdefghij")

    found = decide(seen, own(seen, *"abcdefghij").values(), NIGHTLY, NOW)

    assert going(found) == ["a", "b", "c", "d"]
    assert found.going[0][1].why == "older than 7 days"


def test_what_is_beyond_as_many_as_it_keeps_goes() -> None:
    seen = line(*"abcde")

    found = decide(seen, own(seen, *"abcde").values(), replace(NIGHTLY, keep=None, keep_last=2), NOW)

    assert going(found) == ["a", "b", "c"]
    assert found.going[0][1].why == "beyond the last 2"


def test_a_week_of_failures_leaves_the_last() -> None:
    seen = line(*"abc")

    assert going(decide(seen, own(seen, *"ab").values(), NIGHTLY, NOW + timedelta(days=90))) == []
    alone = line("a")
    assert going(decide(alone, own(alone, "a").values(), NIGHTLY, NOW + timedelta(days=90))) == []


def test_a_broken_one_is_not_the_newest_whole_one() -> None:
    seen = line(*"abc", missing=("c",), current="b")

    found = decide(seen, own(seen, *"abc").values(), NIGHTLY, NOW + timedelta(days=90))

    assert going(found) == ["a"]
    assert [(one.checkpoint_id, one.key) for one in found.stays] == [("c", "broken")]


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        ({"kept": "bob keeps it"}, "kept", "bob keeps it"),
        ({"claimed": "bob claimed it"}, "claimed", "bob claimed it"),
    ],
)
def test_what_somebody_wants_stays_and_it_is_said(change: dict[str, str], key: str, why: str) -> None:
    seen = line(*"abcdefghij")
    known = own(seen, *"abcdefghij")
    known["a"] = replace(known["a"], **change)

    found = decide(seen, known.values(), NIGHTLY, NOW)

    assert "a" not in going(found)
    assert [(one.key, one.why) for one in found.stays if one.checkpoint_id == "a"] == [(key, why)]


def test_what_goes_after_one_more_is_told_before_it_is_taken() -> None:
    seen = line(*"abc")
    schedule = replace(NIGHTLY, keep=None, keep_last=1)

    assert going(decide(seen, own(seen, *"abc").values(), schedule, NOW)) == ["a", "b"]
    assert going(decide(seen, own(seen, *"abc").values(), schedule, NOW, taking="by the clock")) == ["a", "b", "c"]


def test_what_was_taken_by_hand_pushes_nothing_out_and_is_pushed_out_itself() -> None:
    seen = line(*"abcde")
    known = own(seen, *"abcde")
    schedule = replace(NIGHTLY, keep=None, keep_last=2)
    for id in "cde":
        known[id] = replace(known[id], by_hand=True)

    assert going(decide(seen, known.values(), schedule, NOW)) == []
    assert going(decide(seen, known.values(), schedule, NOW, taking="by hand")) == []
    assert going(decide(seen, known.values(), schedule, NOW, taking="by the clock")) == ["a"]
    known["e"] = replace(known["e"], by_hand=False)
    assert going(decide(seen, known.values(), schedule, NOW, taking="by the clock")) == ["a", "b", "c", "d"]


def test_what_was_applied_stays_also_when_more_was_taken_since() -> None:
    seen = line(*"abcdefghij")
    known = own(seen, *"abcdefghij")
    known["b"] = replace(known["b"], applied="ada applied it")

    found = decide(seen, known.values(), NIGHTLY, NOW)

    assert going(found) == ["a", "c", "d"]
    assert [(one.checkpoint_id, one.why) for one in found.stays] == [("b", "ada applied it")]


@pytest.mark.parametrize("taking", ["", "by the clock", "by hand"])
def test_where_the_tree_forks_the_vm_was_put_back_by_whatever_means_and_it_stays(taking: Taking) -> None:
    seen = line(*"abcdefghij", current="c")
    if not taking:
        new = Checkpoint("k", "k", "vm", NOW, "c")
        seen = replace(seen, vm=replace(seen.vm, current_id="k"), checkpoints=(*seen.checkpoints, new))

    found = decide(seen, own(seen, *"abcdefghijk").values(), NIGHTLY, NOW, taking=taking)

    assert going(found) == ["a", "b", "d"]
    assert [(one.checkpoint_id, one.why) for one in found.stays] == [("c", "web01 was put back to it")]


def test_what_was_applied_or_is_asked_about_stays() -> None:
    seen = line(*"abcdefghij", current="b")

    found = decide(seen, own(seen, *"abcdefghij").values(), NIGHTLY, NOW, {"c"})

    assert going(found) == ["a", "d"]
    assert [(one.checkpoint_id, one.key) for one in found.stays] == [("b", "current"), ("c", "asked about")]


def test_what_anothers_checkpoint_hangs_under_stays() -> None:
    seen = line(*"abcdefghij")

    found = decide(seen, own(seen, *"abdefghij").values(), NIGHTLY, NOW)

    assert going(found) == ["d"]
    assert [(one.checkpoint_id, one.why) for one in found.stays] == [
        ("a", "1 checkpoint of others hangs under it"),
        ("b", "1 checkpoint of others hangs under it"),
    ]


# ---------------------------------------------------------------- whatever there is


@st.composite
def any_vm(draw: st.DrawFn) -> tuple[VMInventory, tuple[Own, ...], Schedule, frozenset[str]]:
    """A tree of checkpoints of any names, some of them the schedule's own, some of those kept or claimed."""
    ids = [f"cp{number}" for number in range(draw(st.integers(0, 12)))]
    ages = draw(st.permutations(range(len(ids))))
    checkpoints = tuple(
        Checkpoint(
            id,
            draw(st.sampled_from(["nightly 2026-11-19 02.00", "daily", "before-upgrade", "*", ""])),
            "vm",
            NOW - timedelta(days=2 * ages[number]),
            draw(st.sampled_from([None, *ids[:number]])) if number else None,
            draw(st.sampled_from([SnapshotType.STANDARD] * 4 + [SnapshotType.MISSING, SnapshotType.RECOVERY])),
        )
        for number, id in enumerate(ids)
    )
    mine = [one for one in checkpoints if draw(st.booleans())]
    known = tuple(
        Own(
            one.id,
            one.created,
            draw(st.sampled_from(["", "", "bob keeps it"])),
            draw(st.sampled_from(["", "", "bob claimed it"])),
            draw(st.sampled_from(["", "", "bob applied it"])),
            draw(st.booleans()),
        )
        for one in mine
    )
    schedule = replace(
        NIGHTLY,
        keep=draw(st.sampled_from([None, DAY, 7 * DAY])),
        keep_last=draw(st.sampled_from([None, 1, 3])),
    )
    current = draw(st.sampled_from([None, *ids]))
    vm = VM("vm", "web01", "hv01", VMState.RUNNING, current_id=current)
    gone = (Own("gone", NOW - timedelta(days=99)),) if draw(st.booleans()) else ()
    asked = frozenset(one for one in ids if draw(st.integers(0, 9)) == 0)
    return VMInventory(vm, checkpoints), (*draw(st.permutations(known)), *gone), schedule, asked


@given(any_vm())
def test_retention_takes_only_what_is_its_own_and_nobody_elses_business(
    drawn: tuple[VMInventory, tuple[Own, ...], Schedule, frozenset[str]],
) -> None:
    seen, known, schedule, asked = drawn
    by_id = {one.id: one for one in known}
    whole = [one for one in known if not one.claimed and (c := seen.checkpoint(one.id)) and not c.missing]

    found = decide(seen, known, schedule, NOW, asked)
    gone = set(going(found))

    assert gone <= by_id.keys()
    assert not [id for id in gone if by_id[id].kept or by_id[id].claimed or by_id[id].applied]
    assert not [id for id in gone if id in asked or id == seen.vm.current_id]
    if whole:
        newest = max(one.taken_at for one in whole)
        assert any(one.taken_at == newest and one.id not in gone for one in whole)
    mine = {one.id for one in known if not one.claimed}
    for id in gone:
        assert {one.id for one in seen.subtree(id)} <= mine
    ages = [by_id[one.id].taken_at for one, _ in found.going]
    assert ages == sorted(ages)
    assert not gone & {one.checkpoint_id for one in found.stays}


@given(any_vm())
def test_names_and_the_order_in_which_things_are_listed_decide_nothing(
    drawn: tuple[VMInventory, tuple[Own, ...], Schedule, frozenset[str]],
) -> None:
    seen, known, schedule, asked = drawn
    renamed = replace(seen, checkpoints=tuple(replace(one, name="x") for one in seen.checkpoints))

    one = decide(seen, known, schedule, NOW, asked)
    other = decide(renamed, tuple(reversed(known)), schedule, NOW, asked)

    assert going(one) == going(other)
