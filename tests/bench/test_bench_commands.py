"""Fifty commands a second of many people while twenty slow changes are under way, beside a bare Bolt app.

Both are programs of their own, and every command goes to both at the same moment, so that they meet the same weather:
the hosts, the workspaces and all that the bot computes take their share of the machine from both. What the bot answers
is put into the other workspace too. The time of an acknowledgement is taken on its way, by a program that stands
between both and their workspaces (`relay.py`), and the hosts are a program of their own. Half a minute by default;
`BENCH_SECONDS=3600` makes it the hour after which memory is looked at in earnest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from urllib.request import Request, urlopen

import pytest

from bot.changes.card import SIGNS
from bot.dispatch.waiting import STILL_AT_IT
from bot.ledger import ChangeState
from bot.sandbox import Channel, Sandbox, User, Workspace, demo_workspace
from bot.slack.listeners import BUSY, TOO_FAST
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.program import BotProcess, children_of
from tests.support.settings import host_at

pytestmark = pytest.mark.bench

SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
A_SECOND, PEOPLE, CHANGES, HOSTS, TEAMS = 50, 25, 20, 5, 5
EARLY = min(60.0, SECONDS / 3)
"""Seconds after which memory is looked at first."""
LATE = 10.0
"""Seconds after its time at which a command is left out: the machine does not keep up with who types."""
CREATE = 20.0
"""Seconds that a checkpoint takes."""
TIDY = 10
"""Rounds of changes after which somebody deletes the checkpoints at the hosts: a VM may have fifty."""
TYPED = ("list vm01", "show vm02", "whoami", "hosts", "history vm01")
UNDER_WAY = SIGNS[ChangeState.RUNNING]
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
    """The demo's, with many more in #ops, and with channels in which Ada takes checkpoints: Slack takes a message a
    second in each."""
    for number in range(PEOPLE):
        user = User(f"U0BENCH{number:02}", f"bench{number:02}", f"Bench {number}", workspace.team.id, "Asks a lot")
        workspace.users[user.id] = user
    for channel in (one for one in workspace.channels.values() if isinstance(one, Channel) and one.name == "ops"):
        channel.members += [f"U0BENCH{number:02}" for number in range(PEOPLE)]
    ada, bot = workspace.user("ada").id, workspace.app.bot_user_id
    for number in range(TEAMS):
        workspace.channels[f"C0TEAM{number:03}"] = Channel(f"C0TEAM{number:03}", f"team{number}", [ada, bot])
    return workspace


class Timed:
    """What stands between the two workspaces and their programs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout
        self.links = [f"http://127.0.0.1:{port}" for port in json.loads(self._stdout.readline())]

    def stands_before(self, *workspaces: Sandbox) -> None:
        for one in workspaces:
            self._say(one.url.rstrip("/"))

    def took(self) -> Sequence[Sequence[float]]:
        """Milliseconds of each acknowledgement, by workspace."""
        self._say("")
        return [list(one.values()) for one in json.loads(self._stdout.readline())]

    def _say(self, line: str) -> None:
        self._stdin.write(f"{line}\n")
        self._stdin.flush()


@contextmanager
def relay() -> Iterator[Timed]:
    command = [sys.executable, "-m", "tests.bench.relay", "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Timed(process)
        finally:
            process.kill()


@contextmanager
def bare_bolt(sandbox: Sandbox) -> Iterator[None]:
    """An app that acknowledges and does nothing else."""
    command = [sys.executable, "-c", BARE, sandbox.api_url, sandbox.bot_token, sandbox.app_token]
    with subprocess.Popen(command) as app:
        try:
            sandbox.wait_for_connections(1, 60)
            yield
        finally:
            app.kill()


@contextmanager
def slow_hosts() -> Iterator[tuple[Sequence[int], Callable[[], None]]]:
    """The ports of hosts with the VMs, and what deletes their checkpoints behind the bot's back."""
    command = [sys.executable, "-m", "tests.bench.slow_hosts", str(HOSTS), str(CHANGES), str(CREATE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hosts:
        assert hosts.stdin
        assert hosts.stdout
        stdin = hosts.stdin

        def tidy() -> None:
            stdin.write("tidy\n")
            stdin.flush()

        yield json.loads(hosts.stdout.readline()), tidy


def started(folder: Path, sandbox: Sandbox, ports: Sequence[int]) -> BotProcess:
    """The bot as a program."""
    hosts = [host_at(f"hv{number:02}", port) for number, port in enumerate(ports, 1)]
    settings: Mapping[str, object] = {
        "slack": {"api_url": sandbox.api_url},
        "host_defaults": {"ssl": False, "username": ACCOUNT},
        "hosts": [one.model_dump(mode="json", exclude_defaults=True) for one in hosts],
        "access": {"grants": [{"to": ["everyone"], "role": "owner", "vms": ["*"]}]},
    }
    secrets = {
        "SLACK__BOT_TOKEN": sandbox.bot_token,
        "SLACK__APP_TOKEN": sandbox.app_token,
        "HOST_DEFAULTS__PASSWORD": PASSWORD,
    }
    return BotProcess(folder, settings, secrets)


@contextmanager
def workspace(link: str) -> Iterator[Sandbox]:
    with Sandbox(workspace=with_people(demo_workspace()), ack_timeout=60, link=link) as sandbox:
        yield sandbox


def test_many_commands_during_slow_changes_are_acknowledged_soon_and_none_is_turned_away(tmp_path: Path) -> None:
    with (
        slow_hosts() as (ports, tidy),
        relay() as timed,
        workspace(timed.links[0]) as sandbox,
        workspace(timed.links[1]) as bare,
        ExitStack() as programs,
    ):
        timed.stands_before(sandbox, bare)
        programs.enter_context(bare_bolt(bare))
        bot = programs.enter_context(started(tmp_path, sandbox, ports))
        bot.wait_until_running()
        sandbox.wait_for_connections(2, 60)
        sandbox.command("ada", "#ops", "/checkpoint hosts")
        sandbox.wait_for(lambda: sandbox.log("response_url"), 60)
        answer = json.dumps(sandbox.log("response_url")[0]["content"]).encode()
        stop = threading.Event()
        read, elsewhere = Read(sandbox), Read(bare)
        others = [
            threading.Thread(target=keep_changing, args=(sandbox, stop, tidy)),
            threading.Thread(target=read.keep_reading, args=(stop,)),
            threading.Thread(target=elsewhere.keep_reading, args=(stop,)),
        ]
        for one in others:
            one.start()
        seen, seen_bare, early = ask_away(sandbox, bare, bot, answer)
        stop.set()
        for one in others:
            one.join()
        late = resident(bot.pid)
        sandbox.wait_for(lambda: read.read() >= len(seen), 180)
        ours, theirs = timed.took()

    ratio = percentile(ours, 99) / percentile(theirs, 99)
    print(f"\nack of {len(ours)} commands in {SECONDS:.0f} s with {CHANGES} slow changes: {spread(ours)}")
    print(f"bare Bolt: {spread(theirs)}; ratio of p99 {ratio:.2f}, of medians {median(ours) / median(theirs):.2f}")
    print(f"as the workspaces saw it, when they were through with what was posted: {spread(seen)}, {spread(seen_bare)}")
    print(f"memory: {early / 2**20:.0f} MB after {EARLY:.0f} s, {late / 2**20:.0f} MB at the end: {late / early:.3f}")
    left_out = int(SECONDS * A_SECOND) - len(ours)
    print(f"turned away: {len(read.turned_away)}, answered: {read.answered}, left out by the machine: {left_out}")
    assert not read.turned_away
    assert late <= 1.1 * early
    assert ratio <= 1.5


class Read:
    """What the people were told, counted and cleared away: an hour of it is more than a workspace in memory holds."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.answered = 0
        self.turned_away: list[str] = []

    def keep_reading(self, stop: threading.Event) -> None:
        while not stop.wait(5):
            self.read()

    def read(self) -> int:
        """How many they were told so far."""
        state = self._sandbox.state
        with state.changed:
            found = [(key, m) for key, m in state.messages.items() if str(m.ephemeral_to).startswith("U0BENCH")]
            for key, _ in found:
                del state.messages[key]
        self.answered += sum(STILL_AT_IT not in message.seen for _, message in found)
        self.turned_away += [m.seen for _, m in found if any(word in m.seen for word in TURNED_AWAY)]
        return self.answered


def keep_changing(sandbox: Sandbox, stop: threading.Event, tidy: Callable[[], None]) -> None:
    """Twenty at once, and again when they are over, however long the machine takes."""
    for round_ in count(1):
        for number in range(CHANGES):
            sandbox.command("ada", f"#team{number % TEAMS}", f"/checkpoint vm{number:02} bench{round_}")
        while over(sandbox, f"bench{round_}") < CHANGES:
            if stop.wait(1):
                return
        if round_ % TIDY == 0:
            tidy()


def over(sandbox: Sandbox, name: str) -> int:
    """How many of the changes of that name are not under way any more. Of those before it nothing is read: to see all
    messages of an hour, once a second, takes a program more than all that is measured here."""
    messages = [m for number in range(TEAMS) for m in sandbox.messages(f"#team{number}") if f" {name} of " in m.text]
    return sum(not m.seen.startswith(UNDER_WAY) for m in messages)


def ask_away(asked: Sandbox, bare: Sandbox, bot: BotProcess, answer: bytes) -> tuple[list[float], list[float], int]:
    """At fixed times, however long answers take: the milliseconds of both, and the bot's memory early on."""
    ours: list[float] = []
    theirs: list[float] = []
    early = 0
    begun = time.monotonic()

    def one(sandbox: Sandbox, number: int, into: list[float]) -> None:
        if time.monotonic() - begun > number / A_SECOND + LATE:
            return
        text = f"/checkpoint {TYPED[number % len(TYPED)]}"
        outcome = sandbox.command(f"bench{number % PEOPLE:02}", "#ops", text)
        assert outcome.ack_ms is not None, "not acknowledged in time"
        into.append(outcome.ack_ms)
        if sandbox is bare:
            request = Request(outcome.response_url, answer, {"Content-Type": "application/json"})
            with urlopen(request, timeout=60) as answered:
                assert answered.status == 200

    with ThreadPoolExecutor(64) as pool:
        jobs = []
        for number in range(int(SECONDS * A_SECOND)):
            time.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
            jobs += [pool.submit(one, asked, number, ours), pool.submit(one, bare, number, theirs)]
            if not early and time.monotonic() - begun >= EARLY:
                early = resident(bot.pid)
        for job in jobs:
            job.result()
    return ours, theirs, early or resident(bot.pid)


def resident(pid: int) -> int:
    """Bytes of memory of a program and of those that it has begun, by Linux; of what several share, the share."""
    return sum(_share_of(one) for one in (pid, *children_of(pid)))


def _share_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def percentile(figures: Sequence[float], percent: int) -> float:
    return quantiles(figures, n=100)[percent - 1]


def spread(figures: Sequence[float]) -> str:
    return f"p50 {median(figures):.1f} ms, p95 {percentile(figures, 95):.1f} ms, p99 {percentile(figures, 99):.1f} ms"
