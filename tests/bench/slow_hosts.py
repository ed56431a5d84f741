"""Hosts that take their time over a checkpoint, in a process of their own: what they compute holds up no other.

Run with the number of hosts, of VMs over all of them, and the seconds that a checkpoint takes. Prints the ports as
JSON. At every line that comes in somebody at the hosts deletes what checkpoints there are; the end of input ends it.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, suppress

from backends.simulator.fleets.seed import add_vm, new_host
from backends.simulator.model import checkpoints
from backends.simulator.model.errors import HostError
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from tests.support.hosts import serve


def main(hosts: int, vms: int, create: float) -> None:
    fleet = [new_host(f"hv{number:02}", durations=Durations(create=create)) for number in range(1, hosts + 1)]
    for number in range(vms):
        add_vm(fleet[number % hosts], f"vm{number:02}")
    with ExitStack() as running:
        servers = [running.enter_context(serve(SimulatedPowerShell(host))) for host in fleet]
        print(json.dumps([server.port for server in servers]), flush=True)
        for _ in sys.stdin:
            for host in fleet:
                tidy(host)


def tidy(host: SimulatedHost) -> None:
    for vm in host.all():
        with suppress(HostError), host.moment():  # one that is at work keeps its own until the next time
            for one in [one for one in vm.ordered() if one.parent_id is None]:
                checkpoints.remove(host, one.id, subtree=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
