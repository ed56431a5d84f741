"""Refusals for the record: each is in the ledger, until one person is refused so often that they are counted."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from cachetools import LRUCache

from bot.ledger import Ledger, LedgerError, VMRef
from bot.messages import Origin

log = logging.getLogger(__name__)

EACH = 20
"""Refusals of one person that are recorded one by one, in each `WITHIN`."""

WITHIN = timedelta(hours=1)

RECORDED_WITHIN = 1.0
"""Seconds that a refusal waits to be recorded, where another program holds the ledger locked."""


@dataclass(slots=True)
class _Tally:
    since: datetime
    recorded: int = 0
    counted: int = 0


@dataclass(slots=True)
class Refusals:
    """Safe to use from many threads."""

    ledger: Ledger
    clock: Callable[[], datetime]
    name_of: Callable[[str], str]
    _tallies: LRUCache[str, _Tally] = field(default_factory=lambda: LRUCache(10_000))
    _lock: Lock = field(default_factory=Lock)

    def record(self, origin: Origin, summary: str, why: str, vms: Sequence[VMRef] = ()) -> None:
        """Record that a person was refused. Where the ledger cannot be written it is in the log."""
        more = self._more(origin.person_id)
        if more is None:
            log.info("%s was refused: %s (%s)", origin.person_id, summary, why)
            return
        try:
            with self.ledger.within(RECORDED_WITHIN):
                self.ledger.changes.deny(
                    str(uuid.uuid4()),
                    person_id=origin.person_id,
                    person_name=self.name_of(origin.person_id),
                    origin=origin,
                    summary=summary,
                    why=f"{why} (and {more} more refusals before, which were only counted)" if more else why,
                    vms=vms,
                )
        except LedgerError as error:
            log.error("%s was refused, which is not recorded: %s (%s): %s", origin.person_id, summary, why, error.cause)

    def are_many(self, person_id: str) -> bool:
        """Whether the person's further refusals are only counted for now."""
        with self._lock:
            tally = self._tallies.get(person_id)
            return tally is not None and tally.recorded >= EACH and abs(self.clock() - tally.since) < WITHIN

    def count(self, person_id: str) -> None:
        """One more, which is recorded elsewhere or not at all."""
        self._more(person_id)

    def _more(self, person_id: str) -> int | None:
        """How many were counted before this one, which is to be recorded; None when it is only counted."""
        now = self.clock()
        with self._lock:
            tally = self._tallies.get(person_id)
            counted = 0
            if tally is None or abs(now - tally.since) >= WITHIN:
                counted = tally.counted if tally else 0
                tally = self._tallies[person_id] = _Tally(now)
            if tally.recorded >= EACH:
                tally.counted += 1
                return None
            tally.recorded += 1
            return counted
