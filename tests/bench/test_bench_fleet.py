"""5,000 VMs: 100 hosts of 50 VMs with 4 checkpoints each, three of them down, 20 ms a request.

Hosts and workspace are in other processes than what is measured, so that CPU time and memory are the bot's own. Two of
the hosts that are down refuse connections, one takes them and never answers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import pytest
from pypsrp.powershell import RunspacePool

from backends.base import HostConnection
from backends.hyperv.connect import connect
from backends.hyperv.pipelines import Plain
from backends.hyperv.psrp.connection import transport
from bot.fleet.inventory import Inventory
from bot.fleet.message import as_reply, thread
from bot.fleet.scanner import AT_ONCE, Scanner
from bot.fleet.view import FleetView
from bot.ledger import Ledger
from bot.sandbox import Sandbox, View
from bot.schedules.digest import Digests
from bot.settings import Settings
from bot.settings.model import AccessSettings, DigestSettings
from bot.slack.render.blocks import render
from tests.bench.test_bench_commands import resident
from tests.bench.test_bench_hyperv import CHECKPOINTS, LATENCY, USERS, VMS, _bare
from tests.bench.test_bench_process import cpu_seconds
from tests.support.program import BotProcess
from tests.support.settings import NO_SLACK

pytestmark = pytest.mark.bench

HOSTS, DOWN, PROCESSES = int(os.environ.get("HOSTS", "100")), 3, 2
IDLE = float(os.environ.get("BENCH_IDLE", "600"))
"""Seconds over which the CPU time of the bot at rest is counted."""
SETTLING = float(os.environ.get("BENCH_SETTLING", "1200"))
"""Seconds after which no host is asked any more often than it changes."""
ROUNDS = 3
SCAN = (Plain().vms(), Plain().checkpoints())


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts, those that are down at the end."""

    connections: list[HostConnection]

    @property
    def up(self) -> list[HostConnection]:
        return self.connections[:-DOWN]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with ExitStack() as open_ones:
        count = HOSTS - DOWN
        shares = [count // PROCESSES + (n < count % PROCESSES) for n in range(PROCESSES)]
        ports = [port for n, share in enumerate(shares) for port in open_ones.enter_context(hosts(share, n))]
        hangs = open_ones.enter_context(socket.create_server(("127.0.0.1", 0)))
        refuses = []
        for _ in range(DOWN - 1):
            with socket.create_server(("127.0.0.1", 0)) as closed:
                refuses.append(closed.getsockname()[1])
        every = [*ports, hangs.getsockname()[1], *refuses]
        yield Fleet([to(f"host{number:03}", port) for number, port in enumerate(every, 1)])


@contextmanager
def hosts(count: int, seed: int) -> Iterator[list[int]]:
    script = Path(__file__).with_name("winrm_hosts.py")
    command = [sys.executable, str(script), *map(str, (count, VMS, CHECKPOINTS, LATENCY, seed))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def to(name: str, port: int) -> HostConnection:
    (user, password), *_ = USERS.items()
    return HostConnection(name, "127.0.0.1", port, ssl=False, username=user, password=password)


def now() -> datetime:
    return datetime.now(UTC)


# ---------------------------------------------------------------- the rooms, beside bare pypsrp


def test_a_scan_and_what_is_answered_from_memory(fleet: Fleet, tmp_path: Path) -> None:
    backends = {one.name: connect(one) for one in fleet.connections}
    inventory = Inventory(backends, now)
    settings = Settings(slack=NO_SLACK, data_dir=tmp_path, access=AccessSettings(), digest=DigestSettings())
    with Ledger(tmp_path / "ledger.db", clock=now) as ledger:
        scanner = Scanner(inventory, ledger)
        first = told("first scan, with new sessions", lambda: look(scanner, inventory))
        time.sleep(20)  # what was asked just now is not asked again, and one host hangs
        warm = told("warm scan", lambda: look(scanner, inventory))
        with bare_pools(fleet) as pools:
            bare = told("bare pypsrp, warm, as many at once", lambda: scan_bare(pools))
        print(f"ratio {warm / bare:.2f}")
        told("scan with disks, which is spread over minutes", lambda: scanner.look(disks=True))
        seen = inventory.seen()
        assert len(seen) == (HOSTS - DOWN) * VMS
        assert sum(len(one.checkpoints) for one in seen) == len(seen) * CHECKPOINTS

        view = FleetView(inventory, lambda _vm: True)
        found = told("a name is found", lambda: view.find(seen[len(seen) // 2].vm.name), times=20)
        several = told("a pattern", lambda: view.find("web*"), times=3)
        everything = told("all of it", view.all, times=3)
        digests = Digests(settings, inventory, ledger, now)

        def draw() -> None:
            made = digests.from_memory(("*",))
            for page in (as_reply(made, with_thread=True), *thread(made)):
                render(page, lambda: "b")

        drawn = told("a digest is made and drawn", draw, times=3)
    inventory.close()
    for backend in backends.values():
        backend.close()
    assert max(first, warm) <= 10
    assert found <= 0.005
    assert max(several, everything, drawn) <= 1


def look(scanner: Scanner, inventory: Inventory) -> None:
    """A round, until every host that answers has been seen: the scanner waits for one that hangs, and nobody else."""
    before = {one.name: one.seen_at for one in inventory.hosts()}
    Thread(target=scanner.look, kwargs={"disks": False}, daemon=True).start()
    while sum(one.seen_at != before[one.name] for one in inventory.hosts()) < HOSTS - DOWN:
        time.sleep(0.02)


@contextmanager
def bare_pools(fleet: Fleet) -> Iterator[list[RunspacePool]]:
    with ExitStack() as open_ones, ThreadPoolExecutor(AT_ONCE) as threads:
        pools = [open_ones.enter_context(closing(RunspacePool(transport(one)))) for one in fleet.up]
        list(threads.map(RunspacePool.open, pools))
        yield pools


def scan_bare(pools: list[RunspacePool]) -> None:
    def ask(pool: RunspacePool) -> int:
        return sum(len(json.loads(text)) for pipeline in SCAN for text in _bare(pool, pipeline))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert all(threads.map(ask, pools))


def told(what: str, act: Callable[[], object], *, times: int = 1) -> float:
    """The seconds that it takes, the longest of so many."""
    longest, cpu = 0.0, time.process_time()
    for _ in range(times):
        began = time.perf_counter()
        act()
        longest = max(longest, time.perf_counter() - began)
    print(f"\n{what}: {1000 * longest:.1f} ms, CPU {1000 * (time.process_time() - cpu) / times:.1f} ms", flush=True)
    return longest


# ---------------------------------------------------------------- the program


def test_the_program_answers_within_a_second_and_is_small_and_idle(fleet: Fleet, tmp_path: Path) -> None:
    with Sandbox(ack_timeout=30, timeout=120) as sandbox, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        (_, password), *_ = USERS.items()
        secrets = {
            "SLACK__BOT_TOKEN": sandbox.bot_token,
            "SLACK__APP_TOKEN": sandbox.app_token,
            "HOST_DEFAULTS__PASSWORD": password,
        }
        with BotProcess(tmp_path, settings(sandbox, fleet, port), secrets) as bot:
            bot.wait_until_running()
            begun = time.monotonic()
            sandbox.wait_for_connections(2, 60)
            seen = sandbox.wait_for(lambda: all_seen(port), 120)
            print(f"\n{seen} VMs are known {time.monotonic() - begun:.1f} s after the start")
            slowest = max(ask_everything(sandbox) for _ in range(ROUNDS))
            page = told("scrape", lambda: scrape(port), times=3)
            after = resident(bot.pid)
            time.sleep(SETTLING)
            before = cpu_seconds(bot.pid)
            time.sleep(IDLE)
            share = (cpu_seconds(bot.pid) - before) / IDLE
            memory, peak = resident(bot.pid), peak_of(bot.pid)
    print(f"idle: {100 * share:.2f} % of a core over {IDLE:.0f} s")
    answers, rest, most = (f"{size / 2**20:.0f} MB" for size in (after, memory, peak))
    print(f"memory: {answers} after the answers, {rest} at rest, {most} at most")
    assert slowest <= 1
    assert page <= 1
    assert max(after, memory) < 300e6
    assert share < 0.01


def settings(sandbox: Sandbox, fleet: Fleet, port: int) -> dict[str, object]:
    (user, _), *_ = USERS.items()
    return {
        "slack": {"api_url": sandbox.api_url},
        "host_defaults": {"ssl": False, "username": user},
        "hosts": [{"name": one.name, "address": one.address, "port": one.port} for one in fleet.connections],
        "access": {"grants": [{"to": ["everyone"], "role": "owner", "vms": ["*"]}]},
        "metrics": {"listen": f"127.0.0.1:{port}"},
    }


def scrape(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        return str(page.read().decode())


def all_seen(port: int) -> int:
    """The number of VMs, once all hosts that answer were seen."""
    time.sleep(0.5)
    lines = scrape(port).splitlines()
    up = sum(line.startswith("checkpointbot_host_up{") and line.endswith(" 1.0") for line in lines)
    return sum(line.startswith("checkpointbot_vm_checkpoints{") for line in lines) if up == HOSTS - DOWN else 0


def ask_everything(sandbox: Sandbox) -> float:
    """Seconds of the slowest answer, from the moment it was typed to when it can be read."""
    asked = ("list", "list web*", "list --stale", "hosts", "whoami")
    longest = [answered(sandbox, f"/checkpoint {one}") for one in asked]
    return max(*longest, searched(sandbox), home(sandbox))


def answered(sandbox: Sandbox, text: str) -> float:
    began = time.monotonic()
    url = sandbox.command("ada", "#ops", text).response_url
    sandbox.wait_for(lambda: any(m.answers == url and "Still" not in m.seen for m in sandbox.ephemeral("ada")))
    return say(text, began)


def searched(sandbox: Sandbox) -> float:
    """One letter after the other into the menu of a form."""
    sandbox.command("ada", "#ops", "/checkpoint")
    view: View = sandbox.wait_for(lambda: next(iter(sandbox.views("ada")), None))
    (action_id,) = [
        block["element"]["action_id"]
        for block in view.body["blocks"]
        if block.get("element", {}).get("type") == "external_select"
    ][:1]
    slowest = 0.0
    for typed in ("", "w", "we", "web", "web0"):
        began = time.monotonic()
        sandbox.suggest("ada", view, action_id, typed)
        slowest = max(slowest, say(f"search {typed!r}", began))
    sandbox.close("ada", view)
    return slowest


def home(sandbox: Sandbox) -> float:
    before = sandbox.home("ada")
    began = time.monotonic()
    sandbox.open_home("ada")
    sandbox.wait_for(lambda: sandbox.home("ada") is not before)
    return say("Home", began)


def say(what: str, began: float) -> float:
    spent = time.monotonic() - began
    print(f"{what}: {1000 * spent:.0f} ms", flush=True)
    return spent


def peak_of(pid: int) -> int:
    """Bytes of memory of the bot itself at the most, by Linux, with what it shares with others."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024
