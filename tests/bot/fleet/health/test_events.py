"""Which events of a host's logs are kept: those on which a verdict may rest, and no others."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.base import FolderFile, HostEvent, HostEvents, VMInventory
from bot.fleet.health.events import that_count
from bot.fleet.health.verdict import judge
from tests.bot.fleet.health.cases import (
    LEAF,
    NOW,
    VMMS,
    WEB01,
    WEB02,
    WORKER,
    ago,
    event,
    flat,
    layered,
    lonely_layer,
    orphan,
    replace,
    signs,
)
from tests.bot.fleet.health.test_verdict import CASES

STARTED, DONE, INTERRUPTED, FAILED, MOVED, UNKNOWN = 19070, 19080, 19090, 19100, 20415, 1111


def kept(*told: HostEvent) -> list[HostEvent]:
    return list(that_count(HostEvents("hv01", tuple(sorted(told, key=lambda one: one.at)))).events)


def test_of_a_week_of_nights_in_which_checkpoints_are_deleted_one_merge_of_each_vm_is_kept() -> None:
    merges = [
        event(VMMS, id, ago(days=night, minutes=id - STARTED), vm=vm)
        for night in range(7)
        for vm in (WEB01, WEB02)
        for id in (STARTED, DONE)
    ]

    assert {(one.id, one.guids, one.at) for one in kept(*merges)} == {
        (STARTED, frozenset({vm}), ago(days=0)) for vm in (WEB01, WEB02)
    }


def test_a_merge_that_went_through_soon_after_one_that_did_not_is_kept() -> None:
    failed, recovered = event(VMMS, FAILED, ago(days=2)), event(VMMS, DONE, ago(days=2) + timedelta(minutes=29))
    long_after, last = event(VMMS, DONE, ago(days=1)), event(VMMS, DONE, ago(hours=1))

    assert kept(failed, recovered, long_after, last) == [failed, recovered, last]


def test_what_says_nothing_is_not_kept_and_what_names_no_guid_is() -> None:
    nothing, by_name = event(VMMS, UNKNOWN, ago(hours=3)), HostEvent(VMMS, DONE, ago(hours=2), ("web01",))

    assert kept(nothing, by_name, replace(by_name, at=ago(hours=1))) == [by_name, replace(by_name, at=ago(hours=1))]


def test_of_moves_the_last_is_kept() -> None:
    moves = [event(VMMS, MOVED, ago(hours=hours)) for hours in range(9)]
    assert kept(*moves) == moves[:1]


EVENTS = st.builds(
    lambda id, minutes, vm, log, values: event(log, id, NOW - timedelta(minutes=minutes), *values, vm=vm),
    st.sampled_from((*[STARTED, DONE, INTERRUPTED, FAILED] * 3, MOVED, UNKNOWN, 3216, 18012, 18014)),
    st.one_of(st.integers(0, 90), st.integers(0, 60 * 24 * 9)),
    st.sampled_from((WEB01, WEB02)),
    st.sampled_from((VMMS, VMMS, VMMS, WORKER)),
    st.sampled_from(((), (LEAF,), ("0x80070020",))),
)


@settings(max_examples=200)
@given(
    told=st.lists(EVENTS, max_size=12),
    seen=st.sampled_from((flat(), layered(), lonely_layer())),
    orphans=st.sampled_from(((), (orphan(),))),
)
def test_the_verdict_and_its_reasons_are_the_same_with_what_is_kept(
    told: list[HostEvent], seen: VMInventory, orphans: tuple[FolderFile, ...]
) -> None:
    numbered = [replace(one, number=number) for number, one in enumerate(sorted(told, key=lambda one: one.at))]

    assert judge(signs(seen, *kept(*numbered), orphans=orphans)) == judge(signs(seen, *numbered, orphans=orphans))


def test_so_it_is_in_every_case_of_the_table() -> None:
    for mine, _, _ in CASES.values():
        assert judge(replace(mine, events=tuple(kept(*mine.events)))) == judge(mine)
