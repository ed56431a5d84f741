"""Fifty commands a second of many people while twenty slow changes are under way, beside a bare Bolt app.

Both are programs of their own, and every command goes to both at the same moment, so that they meet the same weather.
Half a minute by default; `BENCH_SECONDS=3600` makes it the hour after which memory is looked at in earnest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import pytest

from backends.simulator.fleets.seed import add_vm, new_host
from backends.simulator.model.host import Durations
from bot.sandbox import Channel, Sandbox, User, Workspace, demo_workspace
from bot.slack.listeners import BUSY, TOO_FAST
from tests.support.office import Office
from tests.support.program import BotProcess, secrets, settings

pytestmark = pytest.mark.bench

SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
A_SECOND, PEOPLE, CHANGES, HOSTS = 50, 25, 20, 5
EARLY = min(60.0, SECONDS / 3)
"""Seconds after which memory is looked at first."""
SLOW = Durations(scale=1.0, create=20.0)
TYPED = ("list vm01", "show vm02", "whoami", "hosts", "history vm01")
TURNED_AWAY = (BUSY[:40], TOO_FAST[:40], "is slow to answer", "Too many questions")

BARE = """
import sys, threading
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
app = App(client=WebClient(sys.argv[2], base_url=sys.argv[1]))
app.command("/checkpoint")(lambda ack: ack())
SocketModeHandler(app, sys.argv[3]).connect()
threading.Event().wait()
"""


def with_people(workspace: Workspace) -> Workspace:
    """The demo's, with many more in #ops."""
    for number in range(PEOPLE):
        user = User(f"U0BENCH{number:02}", f"bench{number:02}", f"Bench {number}", workspace.team.id, "Asks a lot")
        workspace.users[user.id] = user
    for channel in (one for one in workspace.channels.values() if isinstance(one, Channel) and one.name == "ops"):
        channel.members += [f"U0BENCH{number:02}" for number in range(PEOPLE)]
    return workspace


@contextmanager
def bare_bolt() -> Iterator[Sandbox]:
    """A workspace with an app that acknowledges and does nothing else."""
    with Sandbox(workspace=with_people(demo_workspace())) as sandbox:
        command = [sys.executable, "-c", BARE, sandbox.api_url, sandbox.bot_token, sandbox.app_token]
        with subprocess.Popen(command) as app:
            try:
                sandbox.wait_for_connections(1, 60)
                yield sandbox
            finally:
                app.kill()


@contextmanager
def started(folder: Path, office: Office, grants: object) -> Iterator[BotProcess]:
    """The bot as a program, for an office that is open."""
    with BotProcess(folder, settings(office, access={"grants": grants}), secrets(office)) as bot:
        yield bot


def test_many_commands_during_slow_changes_are_acknowledged_soon_and_none_is_turned_away(tmp_path: Path) -> None:
    hosts = [new_host(f"hv{number:02}", durations=SLOW) for number in range(1, HOSTS + 1)]
    for number in range(CHANGES):
        add_vm(hosts[number % HOSTS], f"vm{number:02}")
    office = Office(tmp_path / "unused", hosts=hosts, with_bot=False)
    with_people(office.sandbox.workspace)
    grants = [{"to": ["everyone"], "role": "owner", "vms": ["*"]}]
    with office, bare_bolt() as bare, started(tmp_path, office, grants) as bot:
        bot.wait_until_running()
        office.sandbox.wait_for_connections(2, 60)
        office.ask("ada", "/checkpoint hosts")
        stop = threading.Event()
        changing = threading.Thread(target=keep_changing, args=(office, stop))
        changing.start()
        ours, theirs, early = ask_away(office, bare, bot)
        stop.set()
        changing.join()
        late = resident(bot.pid)
        seen = [m.seen for n in range(PEOPLE) for m in office.sandbox.ephemeral(f"bench{n:02}")]

    turned_away = [text for text in seen if any(word in text for word in TURNED_AWAY)]
    ratio = percentile(ours, 99) / percentile(theirs, 99)
    print(f"\nack of {len(ours)} commands in {SECONDS:.0f} s with {CHANGES} slow changes: {spread(ours)}")
    print(f"bare Bolt: {spread(theirs)}; ratio of p99 {ratio:.2f}, of medians {median(ours) / median(theirs):.2f}")
    print(f"memory: {early / 2**20:.0f} MB after {EARLY:.0f} s, {late / 2**20:.0f} MB at the end: {late / early:.3f}")
    print(f"turned away: {len(turned_away)}, answered: {len(seen)}")
    assert not turned_away
    assert late <= 1.1 * early
    assert ratio <= 1.5


def keep_changing(office: Office, stop: threading.Event) -> None:
    """Twenty at once, and again when they are over."""
    round_ = 0
    while not stop.is_set():
        round_ += 1
        for number in range(CHANGES):
            office.sandbox.command("ada", "#ops", f"/checkpoint vm{number:02} bench{round_}")
        stop.wait(SLOW.create + 5)


def ask_away(office: Office, bare: Sandbox, bot: BotProcess) -> tuple[list[float], list[float], int]:
    """At fixed times, however long answers take: the milliseconds of both, and the bot's memory early on."""
    ours: list[float] = []
    theirs: list[float] = []
    early = 0
    begun = time.monotonic()

    def one(sandbox: Sandbox, number: int, into: list[float]) -> None:
        text = f"/checkpoint {TYPED[number % len(TYPED)]}"
        outcome = sandbox.command(f"bench{number % PEOPLE:02}", "#ops", text)
        assert outcome.ack_ms is not None, "not acknowledged in time"
        into.append(outcome.ack_ms)

    with ThreadPoolExecutor(64) as pool:
        jobs = []
        for number in range(int(SECONDS * A_SECOND)):
            time.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
            jobs += [pool.submit(one, office.sandbox, number, ours), pool.submit(one, bare, number, theirs)]
            if not early and time.monotonic() - begun >= EARLY:
                early = resident(bot.pid)
        for job in jobs:
            job.result()
    return ours, theirs, early or resident(bot.pid)


def resident(pid: int) -> int:
    """Bytes of memory, by Linux."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def percentile(figures: Sequence[float], percent: int) -> float:
    return quantiles(figures, n=100)[percent - 1]


def spread(figures: Sequence[float]) -> str:
    return f"p50 {median(figures):.1f} ms, p95 {percentile(figures, 95):.1f} ms, p99 {percentile(figures, 99):.1f} ms"
