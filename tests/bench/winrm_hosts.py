"""Simulated hosts in a process of their own, so that the CPU time of a client is only the client's.

Run with the number of hosts, of VMs on each and of checkpoints of each VM; then, if at all, the seconds by which each
request is answered later, a seed, by which the fleets of several processes are told apart, and the word `remember` for
hosts that give again what they gave once. Prints the ports as JSON; every line that comes in is answered with the
number of requests so far; the end of input ends it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Event

from backends.simulator.fleets.seed import random_fleet
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.shell import Sink, Statement
from backends.simulator.winrm import WinRMServer

USERS = {"bot": "s3cret"}
REMEMBERED = 50
"""Answers of a host: what it is asked with a time in it is never asked again."""


class Output:
    """What a pipeline writes, to be written again."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.values: list[object] = []
        self.is_all = True
        """It wrote to no other stream."""

    def output(self, value: object) -> None:
        self.values.append(value)
        self._sink.output(value)

    def __getattr__(self, stream: str) -> object:
        self.is_all = False
        return getattr(self._sink, stream)


class Remembering(SimulatedPowerShell):
    """For looks alone: nothing that it is told to do is done twice."""

    def __init__(self, host: SimulatedHost) -> None:
        super().__init__(host)
        self._given: dict[str, list[object]] = {}

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str = PLAIN_NAME) -> None:
        asked = f"{configuration} {statements}"
        if asked in self._given:
            for value in self._given[asked]:
                sink.output(value)
            return
        output = Output(sink)
        super().run(statements, output, stop, configuration=configuration)
        if output.is_all and len(self._given) < REMEMBERED and not stop.is_set():
            self._given[asked] = output.values


def main(
    hosts: int, vms: int, checkpoints: int, latency: float = 0.0, seed: int = 7, *, remember: bool = False
) -> None:
    with ExitStack() as running:
        fleet = random_fleet(seed, hosts, vms, checkpoints)
        for host in fleet:
            for vm in host.vms.values():
                vm.name = f"{vm.name}-{host.name}-{seed}"  # no two of one name
        shell = Remembering if remember else SimulatedPowerShell
        servers = [running.enter_context(WinRMServer(shell(host), users=USERS)) for host in fleet]
        for server in servers if latency else ():
            server.faults.arm(Fault(FaultKind.LATENCY, seconds=latency, times=None))
        print(json.dumps([server.port for server in servers]), flush=True)
        for _ in sys.stdin:
            print(json.dumps(sum(sum(server.requests.values()) for server in servers)), flush=True)


if __name__ == "__main__":
    counts, more = map(int, sys.argv[1:4]), sys.argv[4:]
    main(*counts, *map(float, more[:1]), *map(int, more[1:2]), remember="remember" in more)
