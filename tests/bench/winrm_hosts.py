"""Simulated hosts in a process of their own, so that the CPU time of a client is only the client's.

Run with the number of hosts, of VMs on each and of checkpoints of each VM. Prints the ports as JSON; every line that
comes in is answered with the number of requests so far; the end of input ends it.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack

from backends.simulator.fleets.seed import random_fleet
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.winrm import WinRMServer

USERS = {"bot": "s3cret"}


def main(hosts: int, vms: int, checkpoints: int) -> None:
    with ExitStack() as running:
        fleet = random_fleet(7, hosts, vms, checkpoints)
        servers = [running.enter_context(WinRMServer(SimulatedPowerShell(host), users=USERS)) for host in fleet]
        print(json.dumps([server.port for server in servers]), flush=True)
        for _ in sys.stdin:
            print(json.dumps(sum(sum(server.requests.values()) for server in servers)), flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
