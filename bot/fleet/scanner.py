"""Looks at the fleet regularly, so that names are found at once and growth is known."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from bot.fleet.inventory import Inventory
from bot.ledger import Ledger, LedgerError

log = logging.getLogger(__name__)

DISKS_EVERY = 30
"""Rounds: opening each disk file costs a host more than everything else."""


@dataclass(slots=True)
class Scanner:
    """A thread of its own between `start` and `stop`."""

    inventory: Inventory
    ledger: Ledger
    after: Callable[[], None] = lambda: None
    """Called after each look."""
    every: timedelta = timedelta(minutes=2)
    _stopping: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._watch, name="scanner", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()

    def _watch(self) -> None:
        rounds = 0
        while not self._stopping.is_set():
            try:
                self.look(disks=rounds % DISKS_EVERY == 0)
            except Exception:  # the last frame on this thread: a defect in one round must not end the others
                log.exception("the fleet could not be looked at")
            rounds += 1
            self._stopping.wait(self.every.total_seconds())

    def look(self, *, disks: bool) -> None:
        """One round: ask every host, and let the ledger know what was seen."""
        self.inventory.renew(disks=disks)
        try:
            for seen in self.inventory.inventories(disks=disks):
                self.ledger.checkpoints.seen(seen)
                self.ledger.samples.add(seen)
            self.after()
        except LedgerError as error:
            if not self._stopping.is_set():  # the ledger is closed by then
                log.error("what was seen of the fleet could not be recorded: %s", error.cause)
