"""What one owner has and has asked for, as the ledger and the hosts say it, and whether they may have more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.base import VMInventory
from backends.simulator.fleets.seed import DAY, Past
from bot.changes.quota import Holdings, Quota
from bot.ledger import ChangeRow, ChangeState
from commands.base import Claim, Create, Plan, Policy, unmarked
from tests.support.people import ADA, BOB, People
from tests.support.steps import PlainSteps
from tests.support.workbench import ORIGIN, Workbench


def names(bench: Workbench, owner: str) -> list[str]:
    return [one.checkpoint.name for one in Holdings(bench.inventory, bench.ledger).of(owner, disks=True).checkpoints]


def remember(bench: Workbench, *owners: str) -> None:
    """Each checkpoint of web01 is noted as taken by the next of them."""
    (seen,) = bench.inventory.seen()
    for one, owner in zip(seen.checkpoints, owners, strict=True):
        bench.ledger.checkpoints.remember(one, host="hv01", vm_name="web01", owner=owner)


def test_what_they_took_is_theirs_until_somebody_else_claims_it(bench: Workbench) -> None:
    vm = bench.add_vm("web01", *(Past(name, DAY) for name in "abc"))
    bench.inventory.refresh()
    remember(bench, ADA, ADA, BOB)
    assert (names(bench, ADA), names(bench, BOB)) == (["a", "b"], ["c"])

    target = bench.target(bench.look_again(vm), "a")
    bench.ledger.changes.request("claim", Plan(Claim(), (target,), "claim it"), People().person(BOB), ORIGIN)
    bench.ledger.checkpoints.claim(target, "claim")

    assert (names(bench, ADA), names(bench, BOB)) == (["b"], ["a", "c"])


def test_what_is_gone_from_its_host_counts_no_more(bench: Workbench) -> None:
    vm = bench.add_vm("web01", Past("a", DAY), Past("b", DAY))
    bench.inventory.refresh()
    remember(bench, ADA, ADA)
    first = bench.look_again(vm).checkpoints[0]
    bench.backends["hv01"].delete(first.id)

    assert names(bench, ADA) == ["b"]


def test_sizes_are_known_where_disks_are_asked_for(bench: Workbench) -> None:
    bench.add_vm("web01", Past("a", DAY))
    bench.inventory.refresh()
    remember(bench, ADA)
    holdings = Holdings(bench.inventory, bench.ledger)
    assert [one.size is not None for one in holdings.of(ADA, disks=True).checkpoints] == [True]


def asks(bench: Workbench, name: str, *vms: VMInventory) -> ChangeRow:
    targets = tuple(bench.target(vm) for vm in vms)
    bench.ledger.changes.request(name, Plan(Create(name), targets, f"take {name}"), People().person(ADA), ORIGIN)
    return bench.row(name)


def test_what_is_asked_for_counts_until_it_is_theirs_or_over(bench: Workbench) -> None:
    vm = bench.add_vm("web01", Past("a", DAY))
    bench.inventory.refresh()
    remember(bench, ADA)
    holdings = Holdings(bench.inventory, bench.ledger)
    for name in ("a", "b"):
        asks(bench, name, vm)
    assert holdings.of(ADA, disks=False).asked == 1
    assert holdings.of(BOB, disks=False).asked == 0
    bench.ledger.changes.move("b", ChangeState.DENIED, by="bot", why="for a test")
    assert holdings.of(ADA, disks=False).asked == 0


class TestRightBeforeItIsTaken:
    """Three are allowed, one is there, and four are asked for in two changes."""

    @pytest.fixture
    def quota(self, bench: Workbench) -> Quota:
        bench.add_vm("web01", Past("a", DAY))
        bench.inventory.refresh()
        remember(bench, ADA)
        return Quota(Policy(quota_checkpoints=3), Holdings(bench.inventory, bench.ledger))

    def test_who_asked_first_may_and_who_comes_after_what_is_allowed_is_told_what_to_delete(
        self, bench: Workbench, quota: Quota
    ) -> None:
        vms = [bench.add_vm(f"app0{n}") for n in (1, 2)]
        first, second = asks(bench, "first", *vms), asks(bench, "second", *vms)

        assert [quota.why_not(first, bench.target(vm)) for vm in vms] == ["", ""]
        for vm in vms:
            told = unmarked(quota.why_not(second, bench.target(vm)))
            assert told.startswith("ada has 1 checkpoint, ")
            assert told.endswith(
                "the settings allow an owner 3 checkpoints. /checkpoint list --mine shows what may be deleted first."
            )
        bench.ledger.changes.move("first", ChangeState.DENIED, by="bot", why="for a test")
        assert [quota.why_not(second, bench.target(vm)) for vm in vms] == ["", ""]

    def test_of_one_change_as_many_as_are_left(self, bench: Workbench, quota: Quota) -> None:
        vms = [bench.add_vm(f"app0{n}") for n in (1, 2, 3)]
        row = asks(bench, "group", *vms)
        assert [bool(quota.why_not(row, bench.target(vm))) for vm in vms] == [False, False, True]

    def test_a_change_by_the_clock_and_one_without_a_quota_go_on(self, bench: Workbench, quota: Quota) -> None:
        vms = [bench.add_vm(f"app0{n}") for n in (1, 2, 3)]
        row = asks(bench, "group", *vms)
        assert not Quota(Policy(), quota.holdings).why_not(row, bench.target(vms[2]))
        plan = Plan(Create("night"), tuple(map(bench.target, vms)), "take night", clock="schedule nightly")
        bench.ledger.changes.request("night", plan, People().person(ADA), ORIGIN)
        assert not quota.why_not(bench.row("night"), bench.target(vms[2]))


def test_what_an_owner_may_have_no_more_of_is_not_taken(bench: Workbench) -> None:
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("x"), bench.target(seen))
    full = replace(bench.performer, quota=lambda _change, _target: "ada has all that quota allows.")

    outcome = full.perform(PlainSteps(), bench.row(change_id), bench.target(seen))

    assert (outcome.state, outcome.sentence) == (ChangeState.DENIED, "ada has all that quota allows.")
    assert outcome.unchanged
    assert bench.checkpoints("web01") == []
