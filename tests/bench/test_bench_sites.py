"""What it costs that hosts are at sites: until a change begins, at rest, and for a large fleet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median

import psycopg
import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller, Patience
from backends.sites.database import SCHEMA
from backends.sites.signing import Key
from bot.demo.postgres import Postgres
from tests.bench.test_bench_process import MINUTE, SETTLING, cpu_seconds
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.office import Office
from tests.support.postgres import database
from tests.support.program import BotProcess, secrets, settings
from tests.support.site_office import KEY, SITE, SiteOffice
from tests.support.waiting import DEADLINE, wait_until

pytestmark = pytest.mark.bench

PRESSES = 10
MOST_MORE = 0.3
"""Seconds that a site may cost from the button to the first cmdlet."""
SITES, HOSTS, VMS = 10, int(os.environ.get("BENCH_HOSTS", "1000")), 20
AT_ONCE = 64
"""Hosts that are asked at once."""
SLOWEST = 900.0
"""Seconds for a round of looks, on a machine that is busy with other things."""


def test_a_site_costs_little_between_the_button_and_the_first_cmdlet(tmp_path: Path, postgres: Postgres) -> None:
    """In turns, in one run, so that what else the machine does meets both."""
    past = [Past(f"old{number}", (PRESSES + 1 - number) * DAY) for number in range(PRESSES)]
    with SiteOffice(tmp_path, database(postgres)) as office:
        office.put("far", *past, host="hv01")
        office.put("near", *past, host="hv02")
        office.clock.forward(seconds=10)
        took = [
            (begun_after(office, "far", one.name, "hv01"), begun_after(office, "near", one.name, "hv02"))
            for one in reversed(past)
        ]
    far, near = (median(some) for some in zip(*took, strict=True))

    print(f"\nbutton to first cmdlet: {1000 * far:.0f} ms at a site, {1000 * near:.0f} ms without")
    assert far - near < MOST_MORE


def begun_after(office: Office, vm: str, checkpoint: str, host: str) -> float:
    """Seconds from the button to the cmdlet on the host."""
    office.type("ada", f"/checkpoint delete {vm} {checkpoint}")
    office.wait_for_text(f"Delete {checkpoint} of {vm}?")
    before, begun = office.ran("Remove-VMSnapshot", host), time.monotonic()
    office.press("ada", "Delete", about=f"Delete {checkpoint} of {vm}?")
    wait_until(lambda: office.ran("Remove-VMSnapshot", host) > before)
    took = time.monotonic() - begun
    office.wait_for_text(f"Deleted {checkpoint} of {vm}")
    return took


def test_bot_worker_and_database_use_next_to_nothing_at_rest(tmp_path: Path, postgres: Postgres) -> None:
    url = database(postgres)
    with ExitStack() as running:
        office = running.enter_context(Office(tmp_path / "unused", with_bot=False))
        host = {"name": "hv01", "address": "127.0.0.1", "port": office.servers["hv01"].port, "ssl": False}
        worker = running.enter_context(worker_of(tmp_path / "worker", SITE, [host], url, ACCOUNT, PASSWORD))
        given = {**settings(office), "hosts": [{"name": "hv01", "site": SITE}], "sites": {SITE: KEY}}
        bot_folder = tmp_path / "bot"
        bot_folder.mkdir()
        bot = running.enter_context(BotProcess(bot_folder, given, {**secrets(office), "DATABASE_URL": url}))
        bot.wait_until_running()
        office.ask("ada", "/checkpoint hosts")
        time.sleep(SETTLING)
        before = bot_worker_database(bot, worker, postgres)
        time.sleep(MINUTE)
        after = bot_worker_database(bot, worker, postgres)
    shares = {what: (after[what] - before[what]) / MINUTE for what in before}

    print("\nidle: " + ", ".join(f"{what} {100 * share:.2f} %" for what, share in shares.items()) + " of a core")
    assert max(shares.values()) < 0.02


def worker_of(
    folder: Path, site: str, hosts: Sequence[Mapping[str, object]], url: str, account: str, password: str
) -> BotProcess:
    folder.mkdir()
    given = {"DATABASE_URL": url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": password}
    known = {"host_defaults": {"username": account}, "hosts": list(hosts)}
    return BotProcess(folder, known, given, words=("worker", "--site", site))


def bot_worker_database(bot: BotProcess, worker: BotProcess, server: Postgres) -> dict[str, float]:
    """CPU seconds so far."""
    return {"bot": cpu_seconds(bot.pid), "worker": cpu_seconds(worker.pid), "database": cpu_of_database(server)}


def cpu_of_database(server: Postgres) -> float:
    """Of its processes that live now, and of those that it has waited for."""
    found = 0.0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (one / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            if str(server.pid) in (one.name, fields[1]):
                found += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


def test_a_fleet_of_a_thousand_hosts_at_ten_sites_is_looked_at(tmp_path: Path, postgres: Postgres) -> None:
    """Every host is asked for all it has, as a round of looks does, and again for what that leaves in the database."""
    url, sites = database(postgres), [f"site{number}" for number in range(SITES)]
    with ExitStack() as running:
        ports = {site: running.enter_context(hosts_of(number)) for number, site in enumerate(sites)}
        workers = [
            running.enter_context(
                worker_of(
                    tmp_path / site,
                    site,
                    [{"name": f"{site}-{port}", "address": "127.0.0.1", "port": port, "ssl": False} for port in some],
                    url,
                    *("bot", "s3cret"),
                )
            )
            for site, some in ports.items()
        ]
        caller = Caller(url, {site: Key(site, KEY) for site in sites}, patience=Patience(to_begin=DEADLINE))
        running.callback(caller.close)
        for site in sites:
            wait_until(lambda site=site: caller.present(site))  # type: ignore[misc]
        backends = [SiteBackend(f"{site}-{port}", site, caller) for site, some in ports.items() for port in some]
        first, *_ = looked_at(backends, workers)
        took, bot, theirs = looked_at(backends, workers)
        with psycopg.connect(url) as asked:
            (rows, size) = asked.execute(SIZE.encode()).fetchone() or (0, 0)

    calls = 2 * len(backends)
    print(
        f"\n{len(backends)} hosts at {SITES} sites: first look {first:.1f} s, then {took:.1f} s "
        f"({len(backends) / took:.0f} calls a second); CPU of the bot {bot:.1f} s, of all workers {theirs:.1f} s; "
        f"{rows / calls:.1f} rows and {size / calls / 1024:.1f} KiB a call in the database"
    )
    assert took < SLOWEST


SIZE = f"SELECT (SELECT count(*) FROM {SCHEMA}.workflow_status), pg_database_size(current_database())"


def looked_at(backends: Sequence[SiteBackend], workers: Sequence[BotProcess]) -> tuple[float, float, float]:
    """Seconds that it takes, of CPU here, and of CPU in all workers."""
    begun, here, there = time.monotonic(), time.process_time(), sum(cpu_seconds(one.pid) for one in workers)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: one.inventory(disks=True), backends))
    assert all(len(one.vms) == VMS for one in found)
    now = sum(cpu_seconds(one.pid) for one in workers)
    return time.monotonic() - begun, time.process_time() - here, now - there


@contextmanager
def hosts_of(seed: int) -> Iterator[list[int]]:
    """The hosts of a site in a process of their own: their ports."""
    script = Path(__file__).with_name("winrm_hosts.py")
    words = [sys.executable, str(script), str(HOSTS // SITES), str(VMS), "2", "0", str(seed)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
