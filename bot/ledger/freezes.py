"""The freeze: since when nothing is changed, why, and who wants to lift it. Each step is also a change in the chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database

from bot.ledger.changes import BOT, Changes
from bot.ledger.rows import Row
from bot.ledger.states import ChangeState
from bot.ledger.store import Part, Store
from bot.ledger.writing import clean, iso, moment_of
from bot.messages import Origin
from commands.base import Person

Lifting = Literal["not frozen", "proposed", "own", "lifted"]
"""`own`: they have proposed it themselves already."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A freeze that holds."""

    id: str
    by: str
    by_name: str
    reason: str
    at: datetime
    proposed_by: str = ""
    """Who wants to lift it; empty where nobody does."""
    proposed_name: str = ""
    proposed_at: datetime | None = None
    proposal: str = ""
    """The change by which they said so."""


class Freezes(Part):
    """There is one at a time."""

    def __init__(self, store: Store, clock: Callable[[], datetime], changes: Changes) -> None:
        super().__init__(store, clock)
        self._changes = changes

    def current(self) -> Freeze | None:
        """The one that holds now."""
        with self._store.read() as db:
            return _current(db)

    def since_queued(self, change_id: str) -> Freeze | None:
        """The last one that began after the change was let go, lifted by now or not."""
        with self._store.read() as db:
            row = db.execute(_SINCE_QUEUED, [change_id, ChangeState.QUEUED]).fetchone()
        return _freeze(row) if row else None

    def begin(self, change_id: str, person: Person, origin: Origin, reason: str) -> Freeze | None:
        """Freeze, and record it. The freeze that holds already, where there is one: then nothing is written."""
        with self._store.write() as db:
            if found := _current(db):
                return found
            said = f"freeze everything: {reason}" if reason else "freeze everything"
            if self._record(db, change_id, person, origin, said):
                values = [change_id, person.id, clean(person.name), clean(reason), iso(self._clock())]
                db.execute("INSERT INTO freezes (id, by, by_name, reason, at) VALUES (?, ?, ?, ?, ?)", values)
            return None

    def lift(
        self, change_id: str, person: Person, origin: Origin, within: timedelta, *, doubted: str = ""
    ) -> tuple[Lifting, Freeze | None]:
        """One person's word to lift it: the first proposes it, and another one's lifts it within that long. What came
        of it, and the freeze that it is about. `doubted` is whose proposal counts no more."""
        now = self._clock()
        with self._store.write() as db:
            found = _current(db)
            if found is None:
                return "not frozen", None
            in_time = found.proposed_at is not None and abs(now - found.proposed_at) <= within
            stands = in_time and found.proposed_by != doubted
            if stands and found.proposed_by == person.id:
                return "own", found
            if stands:
                said = f"lift the freeze, as {found.proposed_name} proposed"
                if self._record(db, change_id, person, origin, said):
                    _lift(db, found, person, now)
                return "lifted", found
            if self._record(db, change_id, person, origin, "propose to lift the freeze"):
                values = [person.id, clean(person.name), iso(now), change_id, found.id]
                db.execute(
                    "UPDATE freezes SET proposed_by = ?, proposed_name = ?, proposed_at = ?, proposal = ? WHERE id = ?",
                    values,
                )
            return "proposed", found

    def lift_here(self, change_id: str, account: str) -> Freeze | None:
        """Lift it on the word of an account of the bot's machine alone. The freeze that it was; None where nothing is
        frozen."""
        who = Person(BOT.id, f"{account} on the bot's machine")
        with self._store.write() as db:
            found = _current(db)
            if found and self._record(db, change_id, who, Origin("", who.id), f"lift the freeze: {who.name}"):
                _lift(db, found, who, self._clock())
            return found

    def _record(self, db: Database, change_id: str, person: Person, origin: Origin, said: str) -> bool:
        """As a change that is over when it is written down. False for an id that is known already."""
        return self._changes.record_in(
            db, change_id, verb="freeze", summary=said, result=clean(said), by=person, channel=origin.channel
        )


_FREEZE = "SELECT id, by, by_name, reason, at, proposed_by, proposed_name, proposed_at, proposal FROM freezes"
_SINCE_QUEUED = f"""{_FREEZE} f WHERE (SELECT min(seq) FROM events WHERE change_id = f.id)
    > (SELECT max(seq) FROM events WHERE change_id = ? AND event = ?) ORDER BY at DESC LIMIT 1"""  # noqa: S608


def _lift(db: Database, freeze: Freeze, person: Person, at: datetime) -> None:
    values = [person.id, clean(person.name), iso(at), freeze.id]
    db.execute("UPDATE freezes SET lifted_by = ?, lifted_name = ?, lifted_at = ? WHERE id = ?", values)


def _current(db: Database) -> Freeze | None:
    row = db.execute(f"{_FREEZE} WHERE lifted_at IS NULL").fetchone()
    return _freeze(row) if row else None


def _freeze(row: Row) -> Freeze:
    id, by, by_name, reason, at, proposed_by, proposed_name, proposed_at, proposal = row
    proposed = moment_of(proposed_at) if proposed_at else None
    return Freeze(id, by, by_name, reason, moment_of(at), proposed_by, proposed_name, proposed, proposal)
