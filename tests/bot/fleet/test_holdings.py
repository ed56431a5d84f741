"""What one owner has and has asked for, as the ledger and the hosts say it."""

from __future__ import annotations

from backends.simulator.fleets.seed import DAY, Past
from bot.fleet.holdings import Holdings
from commands.base import Claim, Create, Plan
from tests.support.people import ADA, BOB, People
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


def test_what_is_asked_for_counts_until_it_is_there_or_over(bench: Workbench) -> None:
    vm = bench.add_vm("web01", Past("a", DAY))
    holdings = Holdings(bench.inventory, bench.ledger)
    for name in ("a", "b"):
        plan = Plan(Create(name), (bench.target(vm),), f"take {name}")
        bench.ledger.changes.request(name, plan, People().person(ADA), ORIGIN)
    assert holdings.of(ADA, disks=False).asked == 1
    assert holdings.of(BOB, disks=False).asked == 0
