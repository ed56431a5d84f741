"""What `checkpointbot run` costs as a process of its own: at rest, and for each VM of a group."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.simulator.fleets.seed import add_vm
from backends.simulator.model.storage import GB
from bot.changes.card import SIGNS
from bot.ledger import ChangeState
from bot.sandbox import Message
from tests.support.hosts import small_fleet
from tests.support.office import Office
from tests.support.program import BotProcess, children_of, secrets, settings

pytestmark = pytest.mark.bench

MINUTE = 60.0
SETTLING = 10.0
"""Seconds after its last work in which a process comes to rest."""
FEW, MANY = 50, 500
SCHEDULED = int(os.environ.get("BENCH_VMS", "500"))
"""VMs of a schedule, and of the group that it is compared with."""
SLOWEST = 900.0
"""Seconds for the largest group, on a machine that is busy with other things."""


@contextmanager
def office_and_program(folder: Path, office: Office) -> Iterator[BotProcess]:
    """Hosts and workspace in this process, the bot in another, so that its CPU time is only its own."""
    with office, BotProcess(folder, settings(office), secrets(office)) as process:
        process.wait_until_running()
        office.ask("ada", "/checkpoint hosts")
        office.sandbox.wait_for_connections(2, 30)
        yield process


def test_an_idle_bot_uses_next_to_nothing(tmp_path: Path) -> None:
    """With a warm session to two hosts and both connections to Slack."""
    with office_and_program(tmp_path, Office(tmp_path / "unused", with_bot=False)) as process:
        time.sleep(SETTLING)
        before = cpu_seconds(process.pid)
        time.sleep(MINUTE)
        share = (cpu_seconds(process.pid) - before) / MINUTE

    print(f"\nidle: {100 * share:.2f} % of a core")
    assert share < 0.01


def test_a_vm_of_a_large_group_costs_no_more_than_one_of_a_small_group(tmp_path: Path) -> None:
    hosts = small_fleet()
    for name in (*(f"many{number:03}" for number in range(MANY)), *(f"few{number:02}" for number in range(FEW))):
        add_vm(hosts[len(hosts[0].vms) > len(hosts[1].vms)], name, disks=(GB,), memory=0)
    office = Office(tmp_path / "unused", hosts=hosts, with_bot=False)
    with office_and_program(tmp_path, office) as process:
        few, many = (cpu_of_group(office, process, *group) for group in (("few*", FEW), ("many*", MANY)))

    print(
        f"\nCPU a VM: {1000 * few:.1f} ms in a group of {FEW}, {1000 * many:.1f} ms of {MANY}: {many / few:.2f} times"
    )
    assert many <= 1.3 * few


def test_a_vm_of_a_schedule_costs_little_more_than_one_of_a_group(tmp_path: Path) -> None:
    """The run also looks at what it keeps no longer, on each VM."""
    hosts = small_fleet()
    for name in (f"{kind}{number:03}" for kind in ("many", "daily") for number in range(SCHEDULED)):
        add_vm(hosts[len(hosts[0].vms) > len(hosts[1].vms)], name, disks=(GB,), memory=0)
    office = Office(tmp_path / "unused", hosts=hosts, with_bot=False)
    with office_and_program(tmp_path, office) as process:
        group = cpu_of_group(office, process, "many*", SCHEDULED)
        run = cpu_of_run(office, process, "daily*", SCHEDULED)

    each = f"{1000 * run:.1f} ms by schedule, {1000 * group:.1f} ms in a group"
    print(f"\nCPU a VM of {SCHEDULED}: {each}: {run / group:.2f} times")
    assert run <= 1.5 * group


def cpu_of_run(office: Office, process: BotProcess, pattern: str, count: int) -> float:
    """CPU seconds that the bot needs for each VM of a schedule, from the wish to run it to its one message."""
    far = datetime.now(UTC) + timedelta(hours=12)
    office.type("ada", f"/checkpoint schedule add {pattern} --at {far:%H:%M} --keep-last 3 --name nightly")
    office.wait_for_text("added the schedule")
    before = cpu_seconds(process.pid)
    office.type("ada", "/checkpoint schedule run nightly")
    end = office.sandbox.wait_for(lambda: said_of_the_run(office), SLOWEST)
    assert f"of {count} VMs" in end
    return (cpu_seconds(process.pid) - before) / count


def said_of_the_run(office: Office) -> str:
    """Its message, once it is there."""
    return next((m.seen for m in office.seen_by("ada") if "nightly: " in m.seen), "")


def cpu_of_group(office: Office, process: BotProcess, pattern: str, count: int) -> float:
    """CPU seconds that the bot needs for each VM, from the question to the last result."""
    before = cpu_seconds(process.pid)
    office.type("ada", f"/checkpoint create {pattern} fresh")
    question = f"and {count - 3} more?"
    card = office.wait_for_text(question)
    office.press("ada", "Create", about=question)
    end = office.sandbox.wait_for(lambda: is_over(next(m for m in office.seen_by("ada") if m.ts == card.ts)), SLOWEST)
    assert end == SIGNS[ChangeState.SUCCEEDED]
    return (cpu_seconds(process.pid) - before) / count


def is_over(message: Message) -> str:
    """The sign of how it ended."""
    return next((SIGNS[state] for state in ChangeState if state.final and message.seen.startswith(SIGNS[state])), "")


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a program and of those that it has begun, by Linux."""
    return sum(_cpu_of(one) for one in (pid, *children_of(pid)))


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
