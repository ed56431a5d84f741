"""The digest of 100 hosts with 50 VMs of 4 checkpoints each, three hosts down: within all limits, and how quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from backends.base import VM, Checkpoint, Disk, HostInventory, VMInventory, VMState, Volume
from bot.fleet.digest import Digest, compose
from bot.fleet.message import as_reply, thread
from bot.slack.render.blocks import render
from bot.slack.render.limits import refused_content
from commands.base import CheckpointNote, HostStatus, Policy
from commands.base.health import Reason, Verdict, VMHealth

NOW, GB = datetime(2026, 11, 22, 9, 0, tzinfo=UTC), 1024**3
HOSTS, VMS, CHECKPOINTS, DOWN = 100, 50, 4, 3

pytestmark = pytest.mark.bench


def vm(host: int, n: int) -> VMInventory:
    id = f"vm-{host}-{n}"
    taken = [
        Checkpoint(f"{id}-{k}", f"before-patches-{k}", id, NOW - timedelta(days=9 + k * 7 + n % 5))
        for k in range(CHECKPOINTS)
    ]
    frozen = [Disk(f"{one.id}.vhdx", GB, GB, checkpoint_ids=(one.id,)) for one in taken]
    grown = [Disk(f"{one.id}.avhdx", (host + n + k) * GB // 9, GB, f"{one.id}.vhdx") for k, one in enumerate(taken)]
    return VMInventory(VM(id, f"app{host:02}-{n:02}", f"hv{host:03}", VMState.RUNNING), tuple(taken), (*frozen, *grown))


def verdict(n: int, one: VM) -> VMHealth:
    """Of 5,000 VMs some twelve on Hold and some hundred to be looked at."""
    is_one = Verdict.HOLD if n % 400 == 1 else Verdict.LOOK if n % 50 == 2 else Verdict.FINE
    return VMHealth(one.id, one.name, one.host, is_one, (Reason("x", is_one, "Its disks fork."),), NOW, NOW)


def fleet() -> Digest:
    volumes = (Volume("D:\\", 4000 * GB, 900 * GB),)
    seen = [HostInventory(f"hv{h:03}", NOW, tuple(vm(h, n) for n in range(VMS)), volumes) for h in range(HOSTS)]
    hosts = [HostStatus(one.host, h >= DOWN, NOW, "" if h >= DOWN else "It is away.") for h, one in enumerate(seen)]
    ids = (c.id for one in seen for v in one.vms for c in v.checkpoints)
    notes = {id: CheckpointNote(f"U0{n % 7}", owner_name=f"person {n % 7}") for n, id in enumerate(ids) if n % 3}
    verdicts = {one.vm.id: verdict(n, one.vm) for n, one in enumerate(v for i in seen for v in i.vms) if n % 50}
    return compose(seen, notes, hosts, policy=Policy(), now=NOW, verdicts=verdicts)


def test_the_digest_of_a_large_fleet() -> None:
    numbers = count()
    made = fleet()
    composing = seconds(fleet)

    def draw() -> None:
        for page in (as_reply(made, with_thread=True), *thread(made)):
            shown = render(page, lambda: f"b{next(numbers)}")
            assert refused_content(shown.text, shown.blocks, None) is None

    drawing, bare = seconds(draw), seconds(lambda: sorted(made.stale, key=lambda one: (one.grown, one.checkpoint.name)))
    print(
        f"\n{len(made.stale):,} stale: composed with the fleet {composing:.2f} s, drawn {drawing:.2f} s, "
        f"{drawing / bare:.0f} times a sort of them"
    )
    assert len(made.stale) == HOSTS * VMS * CHECKPOINTS


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
