"""Schedules on a clock that a test turns, with hosts without a wire."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path

from backends.simulator.fleets.seed import Past
from backends.simulator.model.machines import SimulatedVM
from bot.changes.permission import Permission
from bot.schedules.housekeeping import Housekeeping
from bot.schedules.picking import Picker
from bot.schedules.recurring import Recurring
from bot.settings import DigestSettings, Settings
from bot.settings.kinds import ZoneInfo
from commands.base import Schedule
from tests.support.headquarters import settings
from tests.support.moved_clock import MovedWorld
from tests.support.people import ADA, CHANNEL

DAY = 86400.0


class Scheduled(MovedWorld):
    """`hv01` and `hv02` with no VMs yet, and the schedules that a test puts there."""

    def __init__(self, folder: Path, start: datetime, zone: str = "UTC", given: Settings | None = None) -> None:
        given = given or settings(folder)
        super().__init__(folder, start, given.model_copy(update={"digest": DigestSettings(timezone=ZoneInfo(zone))}))
        self.housekeeping = Housekeeping(
            self.settings.housekeeping,
            self.settings.digest.timezone,
            self.ledger,
            self.inventory,
            self.changes,
            self.durable,
            self.clock,
        )
        self.housekeeping.declare()
        self.changes.listen(self.housekeeping)
        self.picker = Picker(
            self.settings, Permission(self.settings, self.gate), self.inventory, self.ledger, self.clock
        )
        self.recurring = self.another_bot("first")
        self.changes.listen(self.recurring)
        self.housekeeping.register(self.recurring)

    def another_bot(self, called: str) -> Recurring:
        """One that looks at the same ledger."""
        numbers = itertools.count()
        made = Recurring(
            self.settings,
            self.picker,
            self.inventory,
            self.ledger,
            self.changes,
            self.housekeeping,
            self.board,
            self.durable,
            self.clock,
            new_token=lambda: f"{called}-{next(numbers)}",
        )
        made.declare()
        return made

    def put_schedule(self, schedule: Schedule) -> Schedule:
        self.ledger.schedules.put(schedule)
        self.recurring.look()
        return schedule

    def start_again(self) -> None:
        """After the bot was down."""
        self.durable.down = False
        self.housekeeping.start()
        self.recurring.look()

    def add(self, name: str, *past: Past, host: str = "hv01") -> SimulatedVM:
        return self.add_vm(name, *past, host=host, write_rate=1000.0)


def nightly(*vms: str, name: str = "nightly", owner: str = ADA, **more: object) -> Schedule:
    """At half past two."""
    given: dict[str, object] = {"at": datetime(2026, 1, 1, 2, 30).time(), "from_settings": True, **more}  # noqa: DTZ001
    return Schedule(f"id-{name}", name, vms or ("web*",), owner, "ada", CHANNEL, **given)  # type: ignore[arg-type]
