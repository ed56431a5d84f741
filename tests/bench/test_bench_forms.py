"""How soon forms, searches and Home tabs are answered over 5,000 VMs while a host hangs, beside a bare Bolt app.

The bot, the app and the hosts are programs of their own. What people do goes to both in turn, so that they meet the
same weather.
"""

from __future__ import annotations

import itertools
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import pytest

from bot.sandbox import Channel, Sandbox, User, View, Workspace, demo_workspace
from tests.bench.bare_app import bare_app
from tests.bench.test_bench_process import cpu_seconds
from tests.support.program import BotProcess
from tests.support.waiting import DEADLINE, wait_until

pytestmark = pytest.mark.bench

TIMES = 100
HOSTS, VMS, CHECKPOINTS = 25, 200, 1
PEOPLE = 20
SOON_ENOUGH = 300.0
"""Milliseconds, of all but one in a hundred: Slack waits 3,000."""
TYPED = ("", "web", "b1", "hv017", "mail2 hv0", "ada", "nosuch")


@dataclass
class Both:
    """The bot's workspace and the bare app's."""

    ours: Sandbox
    bare: Sandbox
    people: Iterator[str] = field(
        default_factory=lambda: itertools.cycle([f"bench{number:02}" for number in range(PEOPLE)])
    )

    def compare(self, what: str, act: Callable[[Sandbox, str], object], times: int = TIMES) -> None:
        """Let people do this in both, and hold the bot's time against the other's."""
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(times):
            who = next(self.people)
            for sandbox, into in ((self.ours, ours), (self.bare, bare)):
                begun = time.perf_counter()
                act(sandbox, who)
                into.append((time.perf_counter() - begun) * 1000)
        ratio, of_p99 = median(ours) / median(bare), p99(ours) / p99(bare)
        print(f"\n{what}: {spread(ours)}; bare Bolt: {spread(bare)}; ratio of medians {ratio:.1f}, of p99 {of_p99:.1f}")
        assert p99(ours) < SOON_ENOUGH


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with (
        Sandbox(workspace=with_people(), ack_timeout=DEADLINE, timeout=DEADLINE) as sandbox,
        bare_app(with_people()) as bare,
        socket.create_server(("127.0.0.1", 0)) as hangs,
        subprocess.Popen(_hosts(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hosts,
    ):
        assert hosts.stdout is not None
        assert hosts.stdin is not None
        ports = [*json.loads(hosts.stdout.readline()), hangs.getsockname()[1]]
        secrets = {
            "SLACK__BOT_TOKEN": sandbox.bot_token,
            "SLACK__APP_TOKEN": sandbox.app_token,
            "HOST_DEFAULTS__PASSWORD": "s3cret",
        }
        with BotProcess(tmp_path_factory.mktemp("bench"), _settings(sandbox, ports), secrets) as bot:
            bot.wait_until_running()
            sandbox.wait_for_connections(2)
            form = opened(sandbox, "ada")
            wait_until(lambda: sandbox.suggest("ada", form, "bot.vm.0", f"hv{HOSTS:03}").ack["options"][99:])
            rest(bot)
            yield Both(sandbox, bare)
        hosts.stdin.close()


def test_a_search_is_answered_from_memory(both: Both) -> None:
    typed = itertools.cycle(TYPED)
    forms = {sandbox.url: opened(sandbox, "ada") for sandbox in (both.ours, both.bare)}
    both.compare("search", lambda sandbox, _: sandbox.suggest("ada", forms[sandbox.url], "bot.vm.0", next(typed)))


def test_a_form_opens_soon(both: Both) -> None:
    both.compare("form by a command", opened)


def test_a_shortcut_opens_a_form_soon(both: Both) -> None:
    both.compare("form by a shortcut", lambda sandbox, who: opened(sandbox, who, by_shortcut=True))


def test_a_form_that_is_wrong_is_answered_soon(both: Both) -> None:
    forms = {sandbox.url: opened(sandbox, "ada") for sandbox in (both.ours, both.bare)}
    first = both.ours.suggest("ada", forms[both.ours.url], "bot.vm.0").ack or {}
    filled = {
        both.ours.url: {
            "vm": {"bot.vm.0": first["options"][0]["value"]},
            "keep": {"bot.keep.0": "2001-01-01"},
        },
        both.bare.url: {"vm": {"bot.vm.0": "1"}},
    }

    def submit(sandbox: Sandbox, _who: str) -> None:
        assert sandbox.submit("ada", forms[sandbox.url], filled[sandbox.url]).errors

    both.compare("mistake", submit)


def test_home_is_shown_soon(both: Both) -> None:
    def look(sandbox: Sandbox, who: str) -> None:
        before = sandbox.home(who)
        sandbox.open_home(who)
        sandbox.wait_for(lambda: (now := sandbox.home(who)) and now is not before)

    both.compare("Home", look)


def rest(bot: BotProcess) -> None:
    """Wait until the first look at all disks and logs is over, which a start begins with."""
    spent = math.inf
    while spent > 0.3:
        before = cpu_seconds(bot.pid)
        time.sleep(2.0)
        spent = cpu_seconds(bot.pid) - before


def opened(sandbox: Sandbox, who: str, *, by_shortcut: bool = False) -> View:
    """A form that was opened anew."""
    before = {view.id for view in sandbox.views(who)}
    if by_shortcut:
        sandbox.shortcut(who, "take_checkpoint")
    else:
        sandbox.command(who, "ops", "/checkpoint")
    found = sandbox.wait_for(lambda: next((v for v in sandbox.views(who) if v.id not in before), None))
    assert found is not None
    return found


def with_people() -> Workspace:
    """The demo's, with many more in #ops."""
    workspace = demo_workspace()
    for number in range(PEOPLE):
        user = User(f"U0BENCH{number:02}", f"bench{number:02}", f"Bench {number}", workspace.team.id, "Looks a lot")
        workspace.users[user.id] = user
    for channel in (one for one in workspace.channels.values() if isinstance(one, Channel) and one.name == "ops"):
        channel.members += [f"U0BENCH{number:02}" for number in range(PEOPLE)]
    return workspace


def p99(figures: Sequence[float]) -> float:
    return quantiles(figures, n=100)[98]


def spread(figures: Sequence[float]) -> str:
    return f"median {median(figures):.1f} ms, p99 {p99(figures):.1f} ms"


def _hosts() -> list[str]:
    script = Path(__file__).with_name("winrm_hosts.py")
    return [sys.executable, str(script), str(HOSTS), str(VMS), str(CHECKPOINTS)]


def _settings(sandbox: Sandbox, ports: Sequence[int]) -> dict[str, object]:
    """The last of the hosts takes calls and answers none."""
    return {
        "slack": {"api_url": sandbox.api_url},
        "host_defaults": {"ssl": False, "username": "bot"},
        "hosts": [
            {"name": f"hv{number:03}", "address": "127.0.0.1", "port": port} for number, port in enumerate(ports, 1)
        ],
        "access": {"grants": [{"to": ["everyone"], "role": "owner", "vms": ["*"]}]},
    }
