"""Simulated hosts in a process of their own, so that the CPU time of a client is only the client's.

Run with the number of hosts, of VMs on each and of checkpoints of each VM; then, if at all, the seconds by which each
request is answered later, and a seed, by which the fleets of several processes are told apart. Prints the ports as
JSON; every line that comes in is answered with the number of requests so far; the end of input ends it.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack

from backends.simulator.fleets.seed import random_fleet
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.winrm import WinRMServer

USERS = {"bot": "s3cret"}


def main(hosts: int, vms: int, checkpoints: int, latency: float = 0.0, seed: int = 7) -> None:
    with ExitStack() as running:
        fleet = random_fleet(seed, hosts, vms, checkpoints)
        for host in fleet:
            for vm in host.vms.values():
                vm.name = f"{vm.name}-{host.name}-{seed}"  # no two of one name
        servers = [running.enter_context(WinRMServer(SimulatedPowerShell(host), users=USERS)) for host in fleet]
        for server in servers if latency else ():
            server.faults.arm(Fault(FaultKind.LATENCY, seconds=latency, times=None))
        print(json.dumps([server.port for server in servers]), flush=True)
        for _ in sys.stdin:
            print(json.dumps(sum(sum(server.requests.values()) for server in servers)), flush=True)


if __name__ == "__main__":
    counts, more = map(int, sys.argv[1:4]), sys.argv[4:]
    main(*counts, *map(float, more[:1]), *map(int, more[1:]))
