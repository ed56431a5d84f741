"""What the health of 100 hosts with 50 VMs each costs, beside the plain scan of the same hosts in the same run."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.base import EventLog
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import random_fleet
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.fleet.health.rounds import Health
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger

pytestmark = pytest.mark.bench

HOSTS, VMS, CHECKPOINTS, EVENTS = int(os.environ.get("HOSTS", "100")), 50, 3, 200


def test_a_round_of_looks_costs_less_than_a_scan_and_as_many_requests_however_many_vms(tmp_path: Path) -> None:
    clock = ManualClock()
    hosts = random_fleet(7, HOSTS, VMS, CHECKPOINTS, clock=clock, durations=Durations(scale=0))
    for host in hosts:
        vms = host.all()
        for number in range(EVENTS):
            host.tell(EventLog.VMMS, 19070 + 10 * (number % 2), vms[number % VMS], at=clock() - 86_400 + number)
    shells = {host.name: SimulatedPowerShell(host) for host in hosts}

    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    backends = {name: HyperVBackend(name, SimulatedSession(shell), now=now) for name, shell in shells.items()}
    inventory = Inventory(backends, now, fresh_for=timedelta(0), timeout=timedelta(minutes=10))
    with Ledger(tmp_path / "ledger.db", clock=now) as ledger:
        health = Health(inventory, backends, ledger, now)
        begun = time.process_time()
        inventory.refresh(disks=True, timeout=timedelta(minutes=10))
        scan = time.process_time() - begun
        before = {name: shell.log.pipelines for name, shell in shells.items()}
        begun = time.process_time()
        health.look_around()
        first = time.process_time() - begun
        asked = {shell.log.pipelines - before[name] for name, shell in shells.items()}
        clock.advance(900)
        begun = time.process_time()
        health.look_around()
        again = time.process_time() - begun
    inventory.close()
    a_vm = 1e6 / (HOSTS * VMS)
    print(
        f"\nscan {scan * a_vm:.0f} µs a VM, the first round {first * a_vm:.0f} µs, later ones {again * a_vm:.0f} µs "
        f"({again / scan:.2f} of the scan); requests a host {sorted(asked)}, simulated hosts included"
    )
    assert asked == {7}
    assert again < scan
