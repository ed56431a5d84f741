"""Schedules, their runs, and which changes belong to each: what decides which checkpoints are a schedule's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlite_utils import Database

from bot.ledger.changes import Changes
from bot.ledger.errors import Unreadable
from bot.ledger.records import Asked, VMRef
from bot.ledger.rows import Row
from bot.ledger.states import ChangeState
from bot.ledger.store import Part, Store
from bot.ledger.writing import clean, iso, moment_of, to_json
from bot.messages import MessageRef, Origin
from commands.base import Left, Person, Schedule, SchedulePlan

VERSION = 1
"""Of a definition as it is written."""


@dataclass(frozen=True, slots=True)
class RunNotes:
    """What is known of a run beside its changes."""

    name: str = ""
    """What its checkpoints are called."""
    planned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The ids of the VMs of each of its changes, by the change's id."""
    left: tuple[Left, ...] = ()
    stays: tuple[Left, ...] = ()
    unknown: tuple[str, ...] = ()
    """Hosts that had shown nothing, and did not answer."""
    only: tuple[str, ...] | None = None
    refused: str = ""
    """Why it did not run at all."""
    asked: bool = False
    """All of its changes were asked for."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a schedule."""

    occurrence: str
    schedule_id: str
    due_at: datetime
    claimed_at: datetime
    notes: RunNotes | None
    """None until it is decided what it does."""
    outcome: str
    """How it went, in a few words; empty while it is under way."""
    failed: tuple[str, ...]
    message: MessageRef | None


@dataclass(frozen=True, slots=True)
class Own:
    """A checkpoint that a schedule made, and what people have said of it since."""

    id: str
    taken_at: datetime
    kept: str = ""
    """Who keeps it, as a clause: `ada keeps it`; empty where nobody does."""
    claimed: str = ""
    """Whose it is by now, as a clause; empty where nobody took it over."""
    applied: str = ""
    """Who put the VM back to it, as a clause; empty where nobody did."""
    by_hand: bool = False
    """Of a run that somebody asked for."""


def is_by_hand(occurrence: str) -> bool:
    """Whether somebody asked for that run, rather than the clock."""
    return not occurrence.endswith("Z")


class Schedules(Part):
    """What is due, what ran, what is told."""

    def __init__(self, store: Store, clock: Callable[[], datetime], changes: Changes) -> None:
        super().__init__(store, clock)
        self._changes = changes

    # ------------------------------------------------------------ definitions

    def all(self) -> tuple[Schedule, ...]:
        """Those that there are, by name. One that this version cannot read is left out."""
        with self._store.read() as db:
            rows = db.execute(f"{_SCHEDULE} WHERE removed_at IS NULL ORDER BY name COLLATE NOCASE").fetchall()
        return tuple(one for row in rows if (one := _schedule(row)))

    def get(self, schedule_id: str) -> Schedule | None:
        """Also one that was removed while it ran; None where this version cannot read it."""
        with self._store.read() as db:
            row = db.execute(f"{_SCHEDULE} WHERE id = ?", [schedule_id]).fetchone()
        return _schedule(row) if row else None

    def is_there(self, schedule_id: str) -> bool:
        with self._store.read() as db:
            return bool(
                db.execute("SELECT 1 FROM schedules WHERE id = ? AND removed_at IS NULL", [schedule_id]).fetchone()
            )

    def last_due(self, schedule_id: str) -> datetime:
        """Up to when it was looked at what was due. Raises LookupError."""
        with self._store.read() as db:
            row = db.execute("SELECT last_due FROM schedules WHERE id = ?", [schedule_id]).fetchone()
        if row is None:
            raise LookupError(schedule_id)
        return moment_of(row[0])

    def put(self, *schedules: Schedule) -> None:
        """Let the settings' schedules be these: new ones count from now, and those that are not among them go."""
        at = iso(self._clock())
        with self._store.write() as db:
            for one in schedules:
                _define(db, one, at)
            db.execute(
                "UPDATE schedules SET removed_at = ? WHERE from_settings AND removed_at IS NULL "
                "AND id NOT IN (SELECT value FROM json_each(?))",
                [at, json.dumps([one.id for one in schedules])],
            )

    def pause(self, schedule_id: str, by: str, why: str) -> bool:
        """By the bot itself. False where it was paused already."""
        with self._store.write() as db:
            return _pause(db, schedule_id, by, why)

    def carry_out(
        self, change_id: str, plan: SchedulePlan, person: Person, origin: Origin, vms: Iterable[VMRef]
    ) -> bool:
        """Do what a person wants of a schedule, and record it as a change that is over. False, and nothing done, for an
        id that is known already."""
        asked, schedule = _asked(change_id, plan, person, origin, vms), plan.schedule
        at = iso(self._clock())
        with self._store.write() as db:
            if not self._changes._ask(db, asked):
                return False
            match plan.what:
                case "add":
                    _define(db, schedule, at)
                case "pause":
                    _pause(db, schedule.id, person.name, f"{person.name} paused it")
                case "resume":
                    db.execute(
                        "UPDATE schedules SET paused_by = '', paused_why = '', last_due = ? WHERE id = ?",
                        [at, schedule.id],
                    )
                case "run":
                    db.execute(
                        _ASK_FOR_RUN,
                        [self.occurrence(schedule.id, asked.change_id), schedule.id, at, "", at, json.dumps(plan.only)],
                    )
                case "remove":
                    db.execute("UPDATE schedules SET removed_at = ? WHERE id = ?", [at, schedule.id])
            for state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.SUCCEEDED):
                self._changes._move(db, asked.change_id, state, by="bot", why="needs no confirmation")
            return True

    def refuse(
        self, change_id: str, plan: SchedulePlan, person: Person, origin: Origin, vms: Iterable[VMRef], *, why: str
    ) -> None:
        """Record that somebody was refused what they wanted of a schedule."""
        asked = _asked(change_id, plan, person, origin, vms)
        with self._store.write() as db:
            if self._changes._ask(db, asked):
                self._changes._move(db, asked.change_id, ChangeState.DENIED, by="bot", why=why)

    # ------------------------------------------------------------ runs

    @staticmethod
    def occurrence(schedule_id: str, asked: str | datetime) -> str:
        """What a run is known by: the time at which it was due, or the change by which somebody asked for it."""
        return f"{schedule_id} {asked:%Y-%m-%dT%H:%MZ}" if isinstance(asked, datetime) else f"{schedule_id} {asked}"

    def asked_for(self) -> tuple[RunRow, ...]:
        """The runs that people asked for, and that nobody has claimed."""
        with self._store.read() as db:
            rows = db.execute(f"{_RUN} WHERE claimed_by = '' ORDER BY claimed_at").fetchall()
        return tuple(map(_run, rows))

    def claim(
        self, occurrence: str, schedule_id: str, due_at: datetime, token: str, only: tuple[str, ...] | None = None
    ) -> bool:
        """Take a run on, for who holds that token. False where another one has it."""
        with self._store.write() as db:
            due, now = iso(due_at), iso(self._clock())
            if db.execute(_ASK_FOR_RUN, [occurrence, schedule_id, due, token, now, json.dumps(only)]).rowcount:
                db.execute(  # what is still to come was noted by a clock that was ahead
                    "UPDATE schedules SET last_due = max(min(last_due, ?), ?) WHERE id = ?", [now, due, schedule_id]
                )
                return True
            db.execute(
                "UPDATE schedule_runs SET claimed_by = ? WHERE occurrence = ? AND claimed_by = ''", [token, occurrence]
            )
            (holder,) = db.execute("SELECT claimed_by FROM schedule_runs WHERE occurrence = ?", [occurrence]).fetchone()
            return bool(holder == token)

    def only(self, occurrence: str) -> tuple[str, ...] | None:
        """The ids of the VMs that a run is about; None for all."""
        with self._store.read() as db:
            (text,) = db.execute("SELECT only FROM schedule_runs WHERE occurrence = ?", [occurrence]).fetchone()
        only = json.loads(text)
        return None if only is None else tuple(only)

    def run(self, occurrence: str) -> RunRow:
        """Raises LookupError for one that was never claimed."""
        with self._store.read() as db:
            row = db.execute(f"{_RUN} WHERE occurrence = ?", [occurrence]).fetchone()
        if row is None:
            raise LookupError(occurrence)
        return _run(row)

    def last_run(self, schedule_id: str) -> RunRow | None:
        """By the order of claiming: a clock may have been ahead once."""
        with self._store.read() as db:
            row = db.execute(f"{_RUN} WHERE schedule_id = ? ORDER BY rowid DESC LIMIT 1", [schedule_id]).fetchone()
        return _run(row) if row else None

    def note(self, occurrence: str, notes: RunNotes) -> None:
        """Keep what a run does, with the changes that belong to it."""
        with self._store.write() as db:
            (schedule_id,) = db.execute(
                "SELECT schedule_id FROM schedule_runs WHERE occurrence = ?", [occurrence]
            ).fetchone()
            for change_id in notes.planned:
                db.execute(
                    "INSERT OR IGNORE INTO schedule_changes VALUES (?, ?, ?)", [change_id, schedule_id, occurrence]
                )
            db.execute("UPDATE schedule_runs SET notes = ? WHERE occurrence = ?", [to_json(asdict(notes)), occurrence])

    def stays(self, occurrence: str, stays: Iterable[Left]) -> None:
        """Add checkpoints that a run left where it would have deleted them."""
        with self._store.write() as db:
            (text,) = db.execute("SELECT notes FROM schedule_runs WHERE occurrence = ?", [occurrence]).fetchone()
            notes = _NOTES(json.loads(text))
            known = {(one.checkpoint_id, one.key) for one in notes.stays}
            new = tuple(one for one in stays if (one.checkpoint_id, one.key) not in known)
            notes = replace(notes, stays=(*notes.stays, *new))
            db.execute("UPDATE schedule_runs SET notes = ? WHERE occurrence = ?", [to_json(asdict(notes)), occurrence])

    def told(self, occurrence: str, ref: MessageRef | None, outcome: str, failed: Iterable[str]) -> None:
        """Keep how a run went, and where that is told."""
        with self._store.write() as db:
            channel, ts = (ref.channel, ref.ts) if ref else (None, None)
            db.execute(
                "UPDATE schedule_runs SET outcome = ?, failed = ?, message_channel = coalesce(?, message_channel), "
                "message_ts = coalesce(?, message_ts) WHERE occurrence = ?",
                [clean(outcome), json.dumps(sorted(failed)), channel, ts, occurrence],
            )

    def run_of(self, change_id: str) -> str | None:
        """The run that a change belongs to; None for one that is no schedule's."""
        with self._store.read() as db:
            row = db.execute("SELECT occurrence FROM schedule_changes WHERE change_id = ?", [change_id]).fetchone()
        return row[0] if row else None

    # ------------------------------------------------------------ what it made, and what is told of it once

    def made_by(self, schedule_id: str, vm_id: str) -> tuple[Own, ...]:
        """The checkpoints of a VM that this schedule took: by its changes, and by nothing else."""
        now = iso(self._clock())
        with self._store.read() as db:
            rows = db.execute(
                """SELECT p.id, p.first_seen,
                    CASE WHEN p.pinned OR p.keep_until > ? THEN coalesce(
                        (SELECT k.person_name FROM changes k WHERE k.person_id = p.kept_by
                            ORDER BY k.number DESC LIMIT 1), p.kept_by, 'somebody') ELSE '' END,
                    coalesce((SELECT k.person_name FROM changes k WHERE k.id = p.claim_id), ''), s.occurrence
                FROM schedule_changes s JOIN checkpoints p ON p.change_id = s.change_id
                WHERE s.schedule_id = ? AND p.vm_id = ? AND p.gone_at IS NULL""",
                [now, schedule_id, vm_id],
            ).fetchall()
            applied = {id: clause for id, clause, _ in db.execute(_APPLIED, [vm_id])}
        return tuple(
            Own(
                id,
                moment_of(at),
                f"{kept} keeps it" if kept else "",
                f"{claimed} claimed it" if claimed else "",
                applied.get(id, ""),
                is_by_hand(occurrence),
            )
            for id, at, kept, claimed, occurrence in rows
        )

    def last_taken(self, schedule_id: str, vm_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """The id of the last checkpoint that this schedule took of each VM, and the VM's state before it."""
        with self._store.read() as db:
            rows = db.execute(
                """SELECT p.vm_id, p.id, coalesce(p.state_before, ''), max(p.first_seen)
                FROM schedule_changes s JOIN checkpoints p ON p.change_id = s.change_id
                WHERE s.schedule_id = ? AND p.vm_id IN (SELECT value FROM json_each(?)) GROUP BY p.vm_id""",
                [schedule_id, json.dumps(list(vm_ids))],
            ).fetchall()
        return {vm_id: (id, state) for vm_id, id, state, _ in rows}

    def tell_once(self, schedule_id: str, left: Iterable[Left], occurrence: str) -> tuple[Left, ...]:
        """Those whose reason was not told yet, or was told by this very run. A reason that comes back after another one
        is told again."""
        new = []
        with self._store.write() as db:
            for one in left:
                subject = one.checkpoint_id or one.vm_id
                row = db.execute(
                    "SELECT key, occurrence FROM schedule_told WHERE schedule_id = ? AND subject = ?",
                    [schedule_id, subject],
                ).fetchone()
                if row is None or row[0] != one.key or row[1] == occurrence:
                    new.append(one)
                    db.execute(
                        "INSERT OR REPLACE INTO schedule_told VALUES (?, ?, ?, ?)",
                        [schedule_id, subject, one.key, occurrence],
                    )
        return tuple(new)

    def went_well(self, schedule_id: str, vm_ids: Iterable[str]) -> None:
        """What was told of these VMs is told anew when it comes back."""
        with self._store.write() as db:
            db.execute(
                "DELETE FROM schedule_told WHERE schedule_id = ? AND subject IN (SELECT value FROM json_each(?))",
                [schedule_id, json.dumps(list(vm_ids))],
            )


_APPLIED = """SELECT json_extract(t.value, '$.checkpoint_id'),
    c.person_name || CASE c.state WHEN 'succeeded' THEN ' applied it' ELSE ' wanted to apply it' END, max(c.number)
    FROM change_vms v JOIN changes c ON c.number = v.change, json_each(c.plan, '$.targets') t
    WHERE v.vm_id = ? AND c.verb = 'apply' AND c.state IN ('running', 'succeeded', 'failed', 'unknown') GROUP BY 1"""
"""What people applied, and who last. Of a change that failed, part may have been done."""

_DEFINITION = TypeAdapter(Schedule)
_NOTES = TypeAdapter(RunNotes).validate_python
_SCHEDULE = "SELECT id, definition, paused_by, paused_why, made_at FROM schedules"
_ASK_FOR_RUN = """INSERT OR IGNORE INTO schedule_runs (occurrence, schedule_id, due_at, claimed_by, claimed_at, only)
    VALUES (?, ?, ?, ?, ?, ?)"""
_RUN = """SELECT occurrence, schedule_id, due_at, claimed_at, notes, outcome, failed, message_channel, message_ts
    FROM schedule_runs"""


def _define(db: Database, one: Schedule, at: str) -> None:
    """A schedule that is known keeps its pauses, and when it was due last."""
    plain = _DEFINITION.dump_python(replace(one, paused_by="", paused_why="", made_at=None), mode="json")
    db.execute(
        """INSERT INTO schedules (id, name, owner, owner_name, channel, from_settings, definition, made_at, last_due)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, owner = excluded.owner,
            owner_name = excluded.owner_name, channel = excluded.channel, definition = excluded.definition,
            last_due = iif(removed_at IS NULL, last_due, excluded.last_due), removed_at = NULL""",
        [
            one.id,
            clean(one.name),
            one.owner,
            clean(one.owner_name),
            one.channel,
            one.from_settings,
            to_json({"version": VERSION, **plain}),
            at,
            at,
        ],
    )


def _pause(db: Database, schedule_id: str, by: str, why: str) -> bool:
    paused = db.execute(
        "UPDATE schedules SET paused_by = ?, paused_why = ? WHERE id = ? AND paused_by = ''",
        [clean(by), clean(why), schedule_id],
    )
    return bool(paused.rowcount)


def _asked(change_id: str, plan: SchedulePlan, person: Person, origin: Origin, vms: Iterable[VMRef]) -> Asked:
    now = " now" if plan.what == "run" else ""
    summary = f"{plan.what} the schedule {plan.schedule.name}{now}"
    return Asked(
        change_id=clean(change_id),
        verb="schedule",
        person_id=person.id,
        person_name=clean(person.name),
        channel=clean(origin.channel),
        summary=clean(summary),
        note="",
        vms=tuple(VMRef(vm.id, clean(vm.name), vm.host) for vm in vms),
    )


def _schedule(row: Row) -> Schedule | None:
    id, text, paused_by, paused_why, made_at = row
    try:
        written = json.loads(text)
        if written.pop("version") != VERSION:
            raise Unreadable("This schedule was made by another version of the bot.", id)
        found = _DEFINITION.validate_python(written)
    except (ValueError, LookupError, Unreadable):
        return None
    return replace(found, paused_by=paused_by, paused_why=paused_why, made_at=moment_of(made_at))


def _run(row: Row) -> RunRow:
    occurrence, schedule_id, due_at, claimed_at, notes, outcome, failed, channel, ts = row
    return RunRow(
        occurrence,
        schedule_id,
        moment_of(due_at),
        moment_of(claimed_at),
        _NOTES(json.loads(notes)) if notes else None,
        outcome,
        tuple(json.loads(failed)),
        MessageRef(channel, ts) if ts else None,
    )
