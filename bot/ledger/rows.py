"""The rows of changes and events, read back as records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlite_utils import Database

from bot.ledger.errors import Unreadable
from bot.ledger.records import ChangeRow, Event, VMRef
from bot.ledger.states import ChangeState
from bot.ledger.writing import moment_of
from bot.messages import MessageRef, Origin

VMS = """(SELECT json_group_array(json_array(CAST(vm_id AS TEXT), CAST(vm_name AS TEXT), CAST(host AS TEXT))) FROM
    (SELECT vm_id, vm_name, host FROM change_vms WHERE change = c.number ORDER BY position))"""
"""The VMs of the change `c`, in their order, as JSON. A BLOB in it would fail the query at the row before it."""

CHANGE = f"""SELECT c.number, c.id, c.verb, c.state, coalesce(c.taken_by, c.person_id),
    coalesce(c.taken_name, c.person_name), c.channel, c.summary, c.note, {VMS}, c.reason, c.result, c.decided_by,
    c.created_at, c.updated_at, c.expires_at, c.message_channel, c.message_ts, c.plan, c.person_id, c.person_name
    FROM changes c"""  # noqa: S608
EVENT = """SELECT seq, change_id, at, event, state, done_by, why, result, detail, previous_hash, hash FROM events"""

Row = Sequence[Any]
"""As SQLite gives it: str, int or None by column."""


def change_of(row: Row) -> ChangeRow:
    """A row of `CHANGE`."""
    (number, id, verb, state, person_id, person_name, channel, summary, note, vms) = row[:10]
    (reason, result, decided_by, created, updated, expires, message_channel, message_ts, plan) = row[10:19]
    asked_by, asked_name = row[19:]
    return ChangeRow(
        number=number,
        id=id,
        verb=verb,
        state=state_of(state),
        person_id=person_id,
        person_name=person_name,
        origin=Origin(channel, person_id),
        summary=summary,
        note=note,
        vms=vms_of(vms),
        reason=reason,
        result=result,
        decided_by=decided_by,
        created_at=moment_of(created),
        updated_at=moment_of(updated),
        expires_at=moment_of(expires) if expires else None,
        message=MessageRef(message_channel, message_ts) if message_ts else None,
        plan_json=plan,
        asked_by=asked_by,
        asked_name=asked_name,
    )


def events_of(db: Database, change_id: str, kinds: Collection[str] | None, *, after: int = 0) -> Iterator[Event]:
    """The events of a change in their order, of these kinds or of all, that came after the one of that number."""
    chosen = "" if kinds is None else " AND event IN (SELECT value FROM json_each(:kinds))"
    # By number where some are known: what came since is little, and what happened to a large group is much.
    change = "+change_id" if after else "change_id"
    values = {"id": change_id, "kinds": json.dumps(list(kinds or ())), "after": after}
    rows = db.execute(f"{EVENT} WHERE {change} = :id AND seq > :after{chosen} ORDER BY seq", values).fetchall()
    return map(event_of, rows)


def event_of(row: Row) -> Event:
    """A row of `EVENT`."""
    seq, change_id, at, event, state, done_by, why, result, detail, previous_hash, digest = row
    return Event(
        seq,
        change_id,
        moment_of(at),
        event,
        state_of(state),
        done_by,
        why,
        result,
        json.loads(detail),
        previous_hash,
        digest,
    )


def state_of(text: str) -> ChangeState:
    """Raises `Unreadable`."""
    try:
        return ChangeState(text)
    except ValueError as error:
        raise Unreadable("The state of this change is one that this version of the bot does not know.", text) from error


@lru_cache(maxsize=32)  # each VM of a change reads its row, and a large group's are many
def vms_of(text: str) -> tuple[VMRef, ...]:
    """What `VMS` gives."""
    return tuple(VMRef(*vm) for vm in json.loads(text))


def readable(db: Database, sql: str, values: Sequence[object] = ()) -> Iterator[Row | None]:
    """The rows of a query; None, and no more, for one whose text is no longer text."""
    try:
        for row in db.execute(sql, values):  # noqa: UP028 - `yield from` would close the cursor, perhaps after its database
            yield row
    except sqlite3.OperationalError as error:
        if hasattr(error, "sqlite_errorcode"):  # from SQLite, and not from the driver, which decodes the text
            raise
        yield None
