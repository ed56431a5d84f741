"""What it costs that hosts are at sites: until a change begins, at rest, and for a large fleet.

Bot, workers, database and hosts are programs of their own, as the product has them. `BENCH_SECONDS=3600` makes the
large fleet's minute the hour after which the database is looked at in earnest; `BENCH_HOSTS` is how many it has. One
figure a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import psycopg
import pytest

from backends.simulator.fleets.seed import DAY, Past, new_host
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller, Patience
from backends.sites.database import SCHEMA
from backends.sites.signing import Key
from bot.demo.postgres import Postgres
from bot.sandbox import Sandbox
from tests.bench.test_bench_process import MINUTE, SETTLING, cpu_seconds
from tests.support.hosts import ACCOUNT, AT_ONCE, PASSWORD
from tests.support.office import Office, free_port
from tests.support.postgres import database
from tests.support.program import BotProcess, secrets, settings
from tests.support.site_office import KEY, SITE
from tests.support.waiting import DEADLINE, wait_until

pytestmark = pytest.mark.bench

FAR, NEAR = "far01", "near01"
PRESSES = 10
MOST_MORE = 0.3
"""Seconds that a site may cost from the button to the first cmdlet."""
SITES, HOSTS, VMS, CHECKPOINTS = 10, int(os.environ.get("BENCH_HOSTS", "1000")), 20, 2
PROCESSES = 2
"""Of the hosts."""
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
"""For which the bot looks at the large fleet by itself."""
TOGETHER = 64
"""Hosts that are asked at once, for how many calls a second there can be."""
SLOWEST = 900.0
"""Seconds for a round of looks, on a machine that is busy with other things."""
HOUR = 3600.0


def tell(what: str, figure: str) -> None:
    print(f"{what}: {figure}", flush=True)


# ---------------------------------------------------------------- two hosts, one of them at a site


@dataclass(frozen=True, slots=True)
class Programs:
    """What runs."""

    office: Office
    bot: BotProcess
    worker: BotProcess
    server: Postgres
    url: str


@contextmanager
def programs(folder: Path, server: Postgres) -> Iterator[Programs]:
    """A bot with a host at a site and one that it reaches itself, by the same scheme."""
    url = database(server)
    with ExitStack() as running:
        hosts = [new_host(name, durations=AT_ONCE) for name in (FAR, NEAR)]
        office = running.enter_context(Office(folder / "unused", hosts=hosts, with_bot=False))
        for host in office.hosts:
            past = [Past(f"old{number:02}", (PRESSES + 1 - number) * DAY) for number in range(PRESSES)]
            office.put(f"vm-{host}", *past, host=host)
        at = {name: {"name": name, "address": "127.0.0.1", "port": one.port} for name, one in office.servers.items()}
        worker = running.enter_context(worker_of(folder / "worker", SITE, [at[FAR]], url, ACCOUNT, PASSWORD))
        wait_for_workers(url, [SITE])
        given = {**settings(office), "hosts": [{"name": FAR, "site": SITE}, at[NEAR]], "sites": {SITE: KEY}}
        (folder / "bot").mkdir()
        bot = running.enter_context(BotProcess(folder / "bot", given, {**secrets(office), "DATABASE_URL": url}))
        bot.wait_until_running()
        office.sandbox.wait_for_connections(2, DEADLINE)
        office.ask("ada", "/checkpoint hosts")
        yield Programs(office, bot, worker, server, url)


def test_a_site_costs_little_between_the_button_and_the_first_cmdlet(tmp_path: Path, postgres: Postgres) -> None:
    """In turns, in one run, so that what else the machine does meets both."""
    with programs(tmp_path, postgres) as running:
        took = [
            tuple(begun_after(running.office, host, f"old{number:02}") for host in (FAR, NEAR))
            for number in range(PRESSES)
        ]
    far, near = (median(some) for some in zip(*took, strict=True))

    print()
    for number, (at_a_site, without) in enumerate(took, 1):
        tell(f"press {number}", f"{1000 * at_a_site:.0f} ms at a site, {1000 * without:.0f} ms without")
    tell("button to first cmdlet at a site, median", f"{1000 * far:.0f} ms")
    tell("button to first cmdlet without a site, median", f"{1000 * near:.0f} ms")
    tell("what a site costs", f"{1000 * (far - near):.0f} ms (aim: {1000 * MOST_MORE:.0f})")
    assert far - near < MOST_MORE


def begun_after(office: Office, host: str, checkpoint: str) -> float:
    """Seconds from the button to the cmdlet on the host, as the host has noted it."""
    vm = f"vm-{host}"
    question = f"Delete {checkpoint} of {vm}?"
    office.type("ada", f"/checkpoint delete {vm} {checkpoint}")
    office.wait_for_text(question)
    before, begun = office.ran("Remove-VMSnapshot", host), time.time()
    office.press("ada", "Delete", about=question)
    wait_until(lambda: office.ran("Remove-VMSnapshot", host) > before)
    office.wait_for_text(f"Deleted {checkpoint} of {vm}")
    return office.commands(host).seen("Remove-VMSnapshot")[before].at - begun


def test_bot_worker_and_database_use_next_to_nothing_at_rest(tmp_path: Path, postgres: Postgres) -> None:
    with programs(tmp_path, postgres) as running:
        time.sleep(SETTLING)
        used, asked, before = cpu_of(running), transactions(running.url), looks(running.url)
        time.sleep(MINUTE)
        shares = {what: (seconds - used[what]) / MINUTE for what, seconds in cpu_of(running).items()}
        a_second = (transactions(running.url) - asked) / MINUTE
        rates = {table: (count - before.get(table, 0)) / MINUTE for table, count in looks(running.url).items()}

    print()
    for what, share in shares.items():
        tell(f"idle {what}", f"{100 * share:.2f} % of a core")
    tell("idle transactions of bot and worker together", f"{a_second:.2f} a second")
    for table, rate in sorted(rates.items(), key=lambda one: -one[1]):
        if rate > 0.05:
            tell(f"idle looks into {table}", f"{rate:.2f} a second")
    assert max(shares.values()) < 0.02
    assert max(rates.values()) < 1.5  # nobody looks more than once a second; at the queues two look


def cpu_of(running: Programs) -> Mapping[str, float]:
    """Seconds so far."""
    return {
        "bot": cpu_seconds(running.bot.pid),
        "worker": cpu_seconds(running.worker.pid),
        "database": cpu_of_database(running.server),
    }


def cpu_of_database(server: Postgres) -> float:
    """Of its processes that live now, and of those that it has waited for."""
    found = 0.0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (one / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            if str(server.pid) in (one.name, fields[1]):
                found += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return found


def transactions(url: str) -> int:
    """So far in that database, as far as those who made them have told: each does within a second."""
    asked = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(asked.encode()).fetchone() or (0,)
    return int(count)


def looks(url: str) -> Mapping[str, int]:
    """How often each table was looked into so far."""
    asked = (
        "SELECT schemaname || '.' || relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables"
    )
    with psycopg.connect(url) as connection:
        return {str(table): int(count) for table, count in connection.execute(asked.encode())}


# ---------------------------------------------------------------- a thousand hosts


@dataclass(frozen=True, slots=True)
class Fleet:
    """A port for each host, by its site and its name, and the workers that reach them."""

    url: str
    ports: Mapping[str, Mapping[str, int]]
    workers: Sequence[BotProcess]

    def cpu(self) -> list[float]:
        """Seconds of each worker so far."""
        return [cpu_seconds(one.pid) for one in self.workers]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Fleet]:
    url, folder = database(postgres), tmp_path_factory.mktemp("sites")
    with ExitStack() as running:
        shares = [HOSTS // PROCESSES + (number < HOSTS % PROCESSES) for number in range(PROCESSES)]
        each = [port for seed, share in enumerate(shares) for port in running.enter_context(hosts_of(share, seed))]
        ports = {
            f"site{number}": {f"hv{host:04}": port for host, port in enumerate(each) if host % SITES == number}
            for number in range(SITES)
        }
        workers = []
        for site, some in ports.items():
            hosts = [{"name": name, "address": "127.0.0.1", "port": port} for name, port in some.items()]
            workers.append(running.enter_context(worker_of(folder / site, site, hosts, url, "bot", "s3cret")))
            wait_for_workers(url, [site])  # one after the other: each reads the whole program first
        yield Fleet(url, ports, workers)


def test_a_call_to_each_of_a_thousand_hosts(fleet: Fleet, postgres: Postgres) -> None:
    """For all that it has, as many at once as a worker takes."""
    caller = Caller(fleet.url, keys(fleet.ports), patience=Patience(to_begin=DEADLINE))
    backends = [SiteBackend(host, site, caller) for site, some in fleet.ports.items() for host in some]
    try:
        first = looked_at(backends)
        before, theirs, here = cpu_of_database(postgres), sum(fleet.cpu()), time.process_time()
        took = looked_at(backends)
        here, theirs = time.process_time() - here, sum(fleet.cpu()) - theirs
        used = cpu_of_database(postgres) - before
    finally:
        caller.close()

    print()
    tell("hosts", f"{len(backends)} at {SITES} sites, {VMS} VMs each")
    tell("every host asked for all, with new sessions", f"{first:.1f} s")
    tell("every host asked for all, warm", f"{took:.1f} s")
    tell("calls a second", f"{len(backends) / took:.0f}")
    for who, seconds in {"caller": here, "workers": theirs, "database": used}.items():
        tell(f"CPU a call, {who}", f"{1000 * seconds / len(backends):.1f} ms")
    assert took < SLOWEST


def looked_at(backends: Sequence[SiteBackend]) -> float:
    """Seconds that it takes."""
    begun = time.monotonic()
    with ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(lambda one: one.inventory(disks=True), backends))
    assert all(len(one.vms) == VMS for one in found)
    return time.monotonic() - begun


def test_a_bot_looks_at_a_thousand_hosts_at_ten_sites(fleet: Fleet, tmp_path: Path, postgres: Postgres) -> None:
    """As the program does by itself, from its start on."""
    port = free_port()
    with Sandbox(ack_timeout=DEADLINE, timeout=DEADLINE) as sandbox:
        before, theirs, used = stored(fleet.url), fleet.cpu(), cpu_of_database(postgres)
        with bot_of(tmp_path, fleet, sandbox, port) as bot:
            bot.wait_until_running()
            begun = time.monotonic()
            scanned = first_seen_after(port, begun)
            started = cpu_seconds(bot.pid)
            time.sleep(max(0.0, SECONDS - (time.monotonic() - begun)))
            lasted = time.monotonic() - begun
            own, up = cpu_seconds(bot.pid), hosts_up(port)
        after = stored(fleet.url)
        workers = [now - then for now, then in zip(fleet.cpu(), theirs, strict=True)]
        used = cpu_of_database(postgres) - used
    calls = after.calls - before.calls

    print()
    tell("hosts", f"{HOSTS} at {SITES} sites, {VMS} VMs each")
    tell("first scan, from the start", f"{scanned:.1f} s")
    tell("looked at for", f"{lasted:.0f} s")
    tell("hosts that answered last", f"{up}")
    tell("CPU of the bot until the first scan was over", f"{started:.1f} s")
    tell("CPU of the bot", in_an_hour(own, lasted))
    tell("CPU of all workers", in_an_hour(sum(workers), lasted))
    tell("CPU of the busiest worker", in_an_hour(max(workers), lasted))
    tell("CPU of the database", in_an_hour(used, lasted))
    tell("calls", f"{calls} ({calls / lasted:.1f} a second)")
    tell("rows in the database", f"{after.rows - before.rows} more ({(after.rows - before.rows) / calls:.1f} a call)")
    tell("rows in the database now", f"{after.rows}")
    more = after.size - before.size
    tell("bytes in the database", f"{more / 2**20:.1f} MiB more ({more / calls / 1024:.1f} KiB a call)")
    tell("bytes in the database now", f"{after.size / 2**20:.1f} MiB")
    tell("bytes that a day of this leaves there", f"{more / lasted * 24 * HOUR / 2**30:.2f} GiB")
    assert up == HOSTS
    assert scanned < SLOWEST


def in_an_hour(seconds: float, lasted: float) -> str:
    return f"{seconds:.1f} s ({100 * seconds / lasted:.1f} % of a core)"


def bot_of(folder: Path, fleet: Fleet, sandbox: Sandbox, port: int) -> BotProcess:
    given: Mapping[str, object] = {
        "slack": {"api_url": sandbox.api_url},
        "hosts": [{"name": host, "site": site} for site, some in fleet.ports.items() for host in some],
        "sites": dict.fromkeys(fleet.ports, KEY),
        "access": {"grants": [{"to": ["everyone"], "role": "owner", "vms": ["*"]}]},
        "metrics": {"listen": f"127.0.0.1:{port}"},
    }
    tokens = {"SLACK__BOT_TOKEN": sandbox.bot_token, "SLACK__APP_TOKEN": sandbox.app_token}
    return BotProcess(folder, given, {**tokens, "DATABASE_URL": fleet.url})


def first_seen_after(port: int, begun: float) -> float:
    """Seconds until every host has answered."""
    while hosts_up(port) < HOSTS:
        assert time.monotonic() - begun < SLOWEST, f"{hosts_up(port)} hosts answer"
        time.sleep(1.0)
    return time.monotonic() - begun


def hosts_up(port: int) -> int:
    """As the bot's metrics have it."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        lines = page.read().decode().splitlines()
    return sum(line.startswith("checkpointbot_host_up{") and line.endswith(" 1.0") for line in lines)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds."""

    calls: int
    rows: int
    """Of every table, those of the bot's own jobs too."""
    size: int


def stored(url: str) -> Stored:
    with psycopg.connect(url, autocommit=True) as connection:

        def ask(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query.encode()).fetchall()

        tables = ask("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('dbos', 'checkpointbot_sites')")
        rows = sum(int(str(ask(f'SELECT count(*) FROM "{schema}"."{table}"')[0][0])) for schema, table in tables)
        ((calls, size),) = ask(f"SELECT count(*), pg_database_size(current_database()) FROM {SCHEMA}.workflow_status")
    return Stored(int(str(calls)), rows, int(str(size)))


# ---------------------------------------------------------------- programs


def worker_of(
    folder: Path, site: str, hosts: Sequence[Mapping[str, object]], url: str, account: str, password: str
) -> BotProcess:
    folder.mkdir()
    given = {"DATABASE_URL": url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": password}
    known = {"host_defaults": {"username": account, "ssl": False}, "hosts": list(hosts)}
    return BotProcess(folder, known, given, words=("worker", "--site", site))


def wait_for_workers(url: str, sites: Sequence[str]) -> None:
    caller = Caller(url, keys(sites))
    try:
        for site in sites:
            wait_until(partial(caller.present, site))
    finally:
        caller.close()


def keys(sites: Iterable[str]) -> dict[str, Key]:
    return {site: Key(site, KEY) for site in sites}


@contextmanager
def hosts_of(count: int, seed: int) -> Iterator[list[int]]:
    """Hosts in a process of their own: their ports. What a look gave once they give again at once, so that their share
    of the machine is small: what is measured is at this end of the wire."""
    script = Path(__file__).with_name("winrm_hosts.py")
    words = [sys.executable, str(script), *map(str, (count, VMS, CHECKPOINTS, 0, seed)), "remember"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
