"""What the ledger has of the days before a scenario begins, told to its own parts on a moved clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backends.base import CheckpointType, VMInventory
from backends.hyperv.backend import HyperVBackend
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.ledger import ChangeState, Ledger, RunNotes
from bot.messages import Origin
from commands.base import Create, Person, Plan, Schedule, SchedulePlan, Target

Past = Callable[[Path, SimulatedHost], None]

ADA, OPS = Person("U0ADA0001", "ada"), Origin("C0OPS0001", "U0ADA0001")
WEEK = timedelta(days=7).total_seconds()
NIGHTLY, SCHEDULE_ID = "nightly", "U0ADA0001-nightly"


def a_schedule(path: Path, host: SimulatedHost) -> None:
    """`nightly` of `web01` and `web02`, which keeps a week, has taken both that are there, and is not due."""
    _a_schedule(path, host, missed=False)


def a_missed_run(path: Path, host: SimulatedHost) -> None:
    """The same, and it was due while the bot was down."""
    _a_schedule(path, host, missed=True)


def a_time_that_is_over(path: Path, host: SimulatedHost) -> None:
    """`later` of `web01` was taken by ada for a day, two days ago."""
    seen, now = _seen(host, "web01")[0], datetime.now(UTC)
    with Ledger(path, clock=lambda: now - timedelta(days=2)) as ledger:
        _take(ledger, [seen], "later", keep_until=now - timedelta(days=1))


def _a_schedule(path: Path, host: SimulatedHost, *, missed: bool) -> None:
    now, vms = datetime.now(UTC), _seen(host, "web01", "web02")
    at = now - timedelta(days=10)
    far = (now + timedelta(hours=12)).time().replace(second=0, microsecond=0)
    schedule = Schedule(SCHEDULE_ID, NIGHTLY, ("web01", "web02"), ADA.id, ADA.name, OPS.channel, at=far, keep=WEEK)
    with Ledger(path, clock=lambda: at) as ledger:
        ledger.schedules.carry_out(str(uuid.uuid4()), SchedulePlan("add", schedule), ADA, OPS, ())
        for called, days in (("good", 9), ("later", 2)):
            at = now - timedelta(days=days)
            occurrence = f"{SCHEDULE_ID} {at:%Y-%m-%dT%H:%MZ}"
            due = now if called == "later" and not missed else at
            ledger.schedules.claim(occurrence, SCHEDULE_ID, due, "the bot of those days")
            _take(ledger, vms, called, occurrence=occurrence)
            ledger.schedules.told(occurrence, None, "2 taken", ())


def _seen(host: SimulatedHost, *names: str) -> list[VMInventory]:
    inventory = HyperVBackend(host.name, SimulatedSession(SimulatedPowerShell(host))).inventory(disks=True)
    return [one for one in inventory.vms if one.vm.name in names]


def _take(
    ledger: Ledger,
    vms: Sequence[VMInventory],
    called: str,
    *,
    occurrence: str = "",
    keep_until: datetime | None = None,
) -> None:
    """A change that took these, with what is noted of each."""
    change_id = str(uuid.uuid4())
    clock = f"schedule {NIGHTLY}" if occurrence else ""
    plan = Plan(Create(called, CheckpointType.PRODUCTION), tuple(map(Target.of, vms)), f"take {called}", clock=clock)
    if occurrence:
        planned = {change_id: tuple(seen.vm.id for seen in vms)}
        ledger.schedules.note(occurrence, RunNotes(called, planned, asked=True))
    ledger.changes.request(change_id, plan, ADA, OPS)
    for state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.SUCCEEDED):
        ledger.changes.move(change_id, state, by="bot", result="taken")
    for seen in vms:
        (one,) = (one for one in seen.checkpoints if one.name == called)
        ledger.checkpoints.remember(
            one,
            host=seen.vm.host,
            vm_name=seen.vm.name,
            owner=ADA.id,
            kind="production",
            state_before=seen.vm.state,
            keep_until=keep_until,
            change_id=change_id,
        )
