"""What a call to a host costs, beside pypsrp alone in the same run. Ratios hold on any machine; the rest is printed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event
from typing import TypeVar

import pytest
from pypsrp.client import Client
from pypsrp.powershell import PowerShell, RunspacePool

from backends.base import HostConnection, HostInventory
from backends.hyperv.connect import connect
from backends.hyperv.pipelines import Plain
from backends.hyperv.psrp.connection import transport
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet, Pipeline
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.powershell.shell import Sink, Statement
from backends.simulator.winrm import WinRMServer

pytestmark = pytest.mark.bench

USERS = {"bot": "s3cret"}
VMS, CHECKPOINTS = 50, 4
ASK = (Cmdlet("Get-Answer"),)
SCAN = (Plain().vms(), Plain().checkpoints())
LATENCY = 0.02
ROUNDS = 20

Given = TypeVar("Given")


class Answering:
    """A PowerShell that answers whatever it is asked, script text too."""

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str) -> None:
        sink.output("42")

    def has_configuration(self, name: str) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Hosts:
    """Simulated hosts in another process."""

    process: subprocess.Popen[str]
    connections: list[HostConnection]

    @property
    def settled_requests(self) -> int:
        """Requests so far, once no more come: pipelines are ended after their results are there."""
        count, now = -1, self._requests()
        while now != count:
            time.sleep(0.2)
            count, now = now, self._requests()
        return count

    def _requests(self) -> int:
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        return int(_line(self.process))


# ---------------------------------------------------------------- one pipeline


def test_ten_thousand_pipelines_go_through_one_host() -> None:
    with WinRMServer(Answering(), users=USERS) as server:
        session = PsrpSession(_to(server.port))
        began = time.perf_counter()
        for _ in range(10_000):
            assert session.invoke(ASK, deadline=30).output == ("42",)
        spent = time.perf_counter() - began
        print(f"\n10,000 pipelines: {10_000 / spent:.0f} a second, {server.requests['Create']} shells")
        assert server.requests["Create"] <= 2
        session.close()


def test_a_warm_pipeline_takes_three_requests_and_a_third_of_the_time_of_execute_ps() -> None:
    with WinRMServer(Answering(), users=USERS) as server:
        session = PsrpSession(_to(server.port))
        session.invoke(ASK, deadline=30)
        while server.open_commands:
            time.sleep(0.01)
        before = sum(server.requests.values())
        for _ in range(ROUNDS):
            session.invoke(ASK, deadline=30)
        while server.open_commands:
            time.sleep(0.01)
        assert sum(server.requests.values()) - before == 3 * ROUNDS

        server.faults.arm(Fault(FaultKind.LATENCY, seconds=LATENCY, times=None))
        warm = _median(lambda: session.invoke(ASK, deadline=30))
        kept = _client(server.port)
        kept.execute_ps("Get-Answer")
        again = _median(lambda: kept.execute_ps("Get-Answer"))
        once = _median(lambda: _execute_once(server.port))
        server.faults.disarm()
        kept.close()
        session.close()
    print(
        f"\nwarm {warm * 1000:.0f} ms, execute_ps {once * 1000:.0f} ms (ratio {once / warm:.1f}), "
        f"on a client that is kept {again * 1000:.0f} ms (ratio {again / warm:.1f})"
    )
    assert once / warm >= 3


# ---------------------------------------------------------------- scans


def test_a_scan_of_many_hosts_grows_linearly_and_costs_little_cpu() -> None:
    per_checkpoint = {count: _scan(count) for count in (10, 30, 100)}
    assert max(per_checkpoint.values()) <= 60
    assert per_checkpoint[100] <= 1.5 * per_checkpoint[10]


def _scan(count: int) -> float:
    """Microseconds of CPU for each checkpoint of a warm scan of so many hosts."""
    with _hosts(count) as hosts, ThreadPoolExecutor(4) as threads:
        backends = [connect(connection) for connection in hosts.connections]

        def scan() -> list[HostInventory]:
            return list(threads.map(lambda backend: backend.inventory(), backends))

        scan()
        before, began = hosts.settled_requests, time.perf_counter()
        cpu, inventories = _cpu(scan)
        wall = time.perf_counter() - began
        assert hosts.settled_requests - before == count * 3 * len(SCAN)
        for backend in backends:
            backend.close()
    checkpoints = sum(len(seen.checkpoints) for inventory in inventories for seen in inventory.vms)
    assert checkpoints == count * VMS * CHECKPOINTS
    each = cpu / checkpoints * 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{count} hosts: {wall:.2f} s, {each:.0f} µs of CPU a checkpoint, peak memory {memory:.0f} MB")
    return each


def test_a_scan_costs_little_more_than_bare_pypsrp_and_far_less_than_clixml() -> None:
    with _hosts(3) as hosts:
        connection = hosts.connections[0]
        backend = connect(connection)
        backend.inventory()
        with RunspacePool(transport(connection)) as pool:
            ours, bare, clixml = [], [], []
            for _ in range(ROUNDS):
                ours.append(_cpu(backend.inventory)[0])
                bare.append(_cpu(lambda: [json.loads(text) for p in SCAN for text in _bare(pool, p)])[0])
            for _ in range(3):
                clixml.append(_cpu(lambda: [_bare(pool, pipeline[:-1]) for pipeline in SCAN])[0])
        backend.close()
    mine, theirs, objects = median(ours), median(bare), median(clixml)
    print(
        f"\nscan {mine * 1000:.1f} ms of CPU, bare pypsrp {theirs * 1000:.1f} ms (ratio {mine / theirs:.2f}), "
        f"as CLIXML {objects * 1000:.1f} ms (ratio {mine / objects:.2f})"
    )
    assert mine <= 1.5 * theirs
    assert mine <= objects / 5


def test_the_requests_of_a_scan_do_not_depend_on_the_vms() -> None:
    counts = []
    for vms in (1, 200):
        with _hosts(1, vms) as hosts:
            backend = connect(hosts.connections[0])
            backend.inventory()
            before = hosts.settled_requests
            backend.inventory(disks=True)
            counts.append(hosts.settled_requests - before)
            backend.close()
    print(f"\nrequests of a scan with disks: {counts[0]} for 1 VM, {counts[1]} for 200")
    assert counts == [21, 21]


def _bare(pool: RunspacePool, pipeline: Pipeline) -> list[str]:
    shell = PowerShell(pool)
    for cmdlet in pipeline:
        shell.add_cmdlet(cmdlet.name)
        for name, value in cmdlet.parameters.items():
            shell.add_parameter(name, list(value) if isinstance(value, tuple) else value)
    output: list[str] = shell.invoke()
    shell.close()
    return output


def _execute_once(port: int) -> None:
    with _client(port) as client:
        client.execute_ps("Get-Answer")


def _client(port: int) -> Client:
    return Client("127.0.0.1", port=port, ssl=False, username="bot", password="s3cret", encryption="always")


def _median(call: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return median(spent)


def _cpu(call: Callable[[], Given]) -> tuple[float, Given]:
    began = time.process_time()
    given = call()
    return time.process_time() - began, given


@contextmanager
def _hosts(count: int, vms: int = VMS) -> Iterator[Hosts]:
    script = Path(__file__).with_name("winrm_hosts.py")
    command = [sys.executable, str(script), str(count), str(vms), str(CHECKPOINTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        ports = json.loads(_line(process))
        yield Hosts(process, [_to(port) for port in ports])
        assert process.stdin is not None
        process.stdin.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _to(port: int) -> HostConnection:
    return HostConnection("hv01", "127.0.0.1", port, ssl=False, username="bot", password="s3cret")
