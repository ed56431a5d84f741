"""The life of changes: every step is one event, in one transaction with the row that shows the present state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlite_utils import Database

from bot.ledger.chain import append
from bot.ledger.errors import IllegalMove, UnknownChange
from bot.ledger.records import TAKEN_OVER, Asked, Change, ChangeRow, VMRef
from bot.ledger.rows import CHANGE, change_of, events_of
from bot.ledger.states import DECISIONS, LEGAL, ChangeState
from bot.ledger.store import Part
from bot.ledger.writing import clean, detail_to_json, iso, storable
from bot.messages import MessageRef, Origin
from commands.base import Person, Plan

MOST_REFUSALS, REFUSALS_OVER = 60, timedelta(hours=1)
"""Of one person: whoever is refused over and over does not fill the ledger."""

BOT = Person("bot", "bot")

NO_MORE = "Further refusals of this person within the hour are not recorded."


class Changes(Part):
    """Requests, moves and notes, and what they come to."""

    def request(
        self, change_id: str, plan: Plan, person: Person, origin: Origin, *, expires_at: datetime | None = None
    ) -> bool:
        """Record that a person asks for a plan. False, and nothing written, when this id is known already."""
        with self._store.write() as db:
            return self._ask(db, Asked.of(change_id, plan, person, origin.channel, expires_at))

    def deny(
        self,
        change_id: str,
        *,
        person_id: str,
        person_name: str,
        origin: Origin,
        summary: str,
        why: str,
        verb: str = "",
        vms: Iterable[VMRef] = (),
    ) -> bool:
        """Record a refusal that came before there was a plan. False, and nothing written, when this id is known
        already (then `move` it), and when this person has had so many in the last hour that more tell nothing new."""
        asked = Asked(
            change_id=clean(change_id),
            verb=verb,
            person_id=clean(person_id),
            person_name=clean(person_name),
            channel=clean(origin.channel),
            summary=clean(summary),
            note="",
            vms=tuple(VMRef(vm.id, clean(vm.name), vm.host) for vm in vms),
        )
        with self._store.write() as db:
            before = self._refusals(db, asked.person_id)
            if before >= MOST_REFUSALS:
                return False
            why = f"{why} {NO_MORE}" if before == MOST_REFUSALS - 1 else why
            return self._ask(db, asked) and self._move(db, asked.change_id, ChangeState.DENIED, by="bot", why=why)

    def _refusals(self, db: Database, person_id: str) -> int:
        """How many a person has had lately that came before there was a plan."""
        since = iso(self._clock() - REFUSALS_OVER)
        (count,) = db.execute(
            "SELECT count(*) FROM changes WHERE person_id = ? AND created_at >= ? AND state = 'denied' "
            "AND plan IS NULL",
            [person_id, since],
        ).fetchone()
        return int(count)

    def record(self, change_id: str, *, verb: str, summary: str, result: str) -> None:
        """Record something that the bot did with itself, and with no VM: over when it is written down."""
        with self._store.write() as db:
            self.record_in(db, change_id, verb=verb, summary=summary, result=result)

    def record_in(
        self,
        db: Database,
        change_id: str,
        *,
        verb: str,
        summary: str,
        result: str,
        by: Person = BOT,
        channel: str = "",
        noted: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> bool:
        """The same within a transaction, also of what a person did, with an event that is no move where one is to be
        `noted`. False for an id that is known already."""
        asked = Asked(
            change_id=clean(change_id),
            verb=verb,
            person_id=by.id,
            person_name=clean(by.name),
            channel=clean(channel),
            summary=clean(summary),
            note="",
            vms=(),
        )
        if not self._ask(db, asked):
            return False
        for state in (ChangeState.QUEUED, ChangeState.RUNNING):
            self._move(db, asked.change_id, state, by=by.id, why=summary)
        if noted:
            at, state = iso(self._clock()), ChangeState.RUNNING
            append(db, asked.change_id, noted, at=at, state=state, done_by=by.id, detail=detail_to_json(detail))
        self._move(db, asked.change_id, ChangeState.SUCCEEDED, by=by.id, why=summary, result=result)
        return True

    def move(
        self,
        change_id: str,
        to: ChangeState,
        *,
        by: str,
        why: str = "",
        detail: Mapping[str, object] | None = None,
        result: str | None = None,
    ) -> bool:
        """Bring a change into its next state. True when this call did it, False, and nothing written, when it is in
        that state already: of two that try at once, one gets True.

        `by` is a user id, `bot` or `schedule`. Raises `IllegalMove` when its state has no way there, and
        `UnknownChange` for an id that was never asked for.
        """
        with self._store.write() as db:
            return self._move(db, change_id, to, by=by, why=why, result=result or "", detail=detail)

    def note(
        self, change_id: str, event: str, *, by: str, why: str = "", detail: Mapping[str, object] | None = None
    ) -> None:
        """Record something that happened to a change and left its state, whichever it is, as it was.

        Raises `UnknownChange`, and ValueError for an event that is called like a state.
        """
        if event in set(ChangeState):
            raise ValueError(f"{event!r} is a state: it is reached by a move")
        at = iso(self._clock())
        with self._store.write() as db:
            state = _state(db, change_id)
            db.execute("UPDATE changes SET updated_at = ? WHERE id = ?", [at, change_id])
            append(db, change_id, event, at=at, state=state, done_by=by, why=clean(why), detail=detail_to_json(detail))

    def take_over(
        self, change_id: str, person: Person, *, why: str, detail: Mapping[str, object] | None = None
    ) -> None:
        """Make a change that waits for an answer a colleague's. Who asked stays in the record.

        Raises `IllegalMove` when it waits no more, and `UnknownChange`.
        """
        at = iso(self._clock())
        with self._store.write() as db:
            state = _state(db, change_id)
            if state is not ChangeState.AWAITING:
                raise IllegalMove(change_id, state, ChangeState.AWAITING)
            named = clean(person.name)
            db.execute(
                "UPDATE changes SET taken_by = ?, taken_name = ?, updated_at = ? WHERE id = ?",
                [person.id, named, at, change_id],
            )
            told = detail_to_json({**(detail or {}), "person": named})
            append(db, change_id, TAKEN_OVER, at=at, state=state, done_by=person.id, why=clean(why), detail=told)

    def approve(self, change_id: str, event: str, *, by: str, why: str) -> int:
        """Record, once for each person, that they approve a change which waits for that: an event of this kind. How
        many different people have by now. Raises `IllegalMove` where it waits no more, and `UnknownChange`."""
        at = iso(self._clock())
        with self._store.write() as db:
            state = _state(db, change_id)
            if state is not ChangeState.AWAITING:
                raise IllegalMove(change_id, state, ChangeState.QUEUED)
            known = db.execute(
                "SELECT DISTINCT done_by FROM events WHERE change_id = ? AND event = ?", [storable(change_id), event]
            ).fetchall()
            if (by,) in known:
                return len(known)
            db.execute("UPDATE changes SET updated_at = ? WHERE id = ?", [at, change_id])
            append(db, change_id, event, at=at, state=state, done_by=by, why=clean(why))
            return len(known) + 1

    def set_message(self, change_id: str, ref: MessageRef) -> None:
        """Keep where the change's message stands. Raises `UnknownChange`."""
        with self._store.write() as db:
            _state(db, change_id)
            db.execute(
                "UPDATE changes SET message_channel = ?, message_ts = ? WHERE id = ?", [ref.channel, ref.ts, change_id]
            )

    def load(self, change_id: str, kinds: Collection[str] | None = None) -> Change:
        """A change whole, as it is at one moment: its row, its plan, and its events of these kinds, or all of them.

        Raises `UnknownChange`, and `Unreadable` for one that this version of the bot has no meaning for.
        """
        with self._store.read() as db:
            row = db.execute(f"{CHANGE} WHERE c.id = ?", [storable(change_id)]).fetchone()
            if row is None:
                raise UnknownChange(change_id)
            change = change_of(row)
            return Change(change, change.plan, tuple(events_of(db, storable(change_id), kinds)))

    def get(self, change_id: str) -> ChangeRow | None:
        """Its row alone. Raises `Unreadable` for a state that this version does not know."""
        with self._store.read() as db:
            row = db.execute(f"{CHANGE} WHERE c.id = ?", [storable(change_id)]).fetchone()
        return change_of(row) if row else None

    def unfinished(self) -> tuple[ChangeRow, ...]:
        """The changes that something is still to happen to, oldest first."""
        with self._store.read() as db:
            rows = db.execute(
                f"{CHANGE} WHERE c.state IN ('requested', 'awaiting', 'queued', 'running', 'unknown') ORDER BY c.number"
            ).fetchall()
        return tuple(map(change_of, rows))

    def _ask(self, db: Database, asked: Asked) -> bool:
        if db.execute("SELECT 1 FROM changes WHERE id = ?", [asked.change_id]).fetchone():
            return False
        at = iso(self._clock())
        number = db.execute(
            "INSERT INTO changes (id, verb, state, person_id, person_name, channel, summary, note, vm_names, "
            "created_at, updated_at, expires_at, plan) VALUES (?, ?, 'requested', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                asked.change_id,
                asked.verb,
                asked.person_id,
                asked.person_name,
                asked.channel,
                asked.summary,
                asked.note,
                asked.vm_names,
                at,
                at,
                asked.expires_at,
                asked.plan_json,
            ],
        ).lastrowid
        db.conn.executemany(
            "INSERT INTO change_vms VALUES (?, ?, ?, ?, ?)",
            [(number, position, vm.id, vm.name, vm.host) for position, vm in enumerate(asked.vms)],
        )
        state, why = ChangeState.REQUESTED, asked.note or asked.summary
        append(db, asked.change_id, state, at=at, state=state, done_by=asked.person_id, why=why, detail=asked.detail)
        return True

    def _move(
        self,
        db: Database,
        change_id: str,
        to: ChangeState,
        *,
        by: str,
        why: str,
        result: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> bool:
        state = _state(db, change_id)
        if state is to:
            return False
        if to not in LEGAL[state]:
            raise IllegalMove(change_id, state, to)
        at, why, result = iso(self._clock()), clean(why), clean(result)
        db.execute(
            "UPDATE changes SET state = ?, reason = ?, result = ?, decided_by = coalesce(?, decided_by), "
            "updated_at = ? WHERE id = ?",
            [to, why, result, by if to in DECISIONS else None, at, change_id],
        )
        append(db, change_id, to, at=at, state=to, done_by=by, why=why, result=result, detail=detail_to_json(detail))
        return True


def _state(db: Database, change_id: str) -> ChangeState:
    row = db.execute("SELECT state FROM changes WHERE id = ?", [storable(change_id)]).fetchone()
    if row is None:
        raise UnknownChange(change_id)
    return ChangeState(row[0])
