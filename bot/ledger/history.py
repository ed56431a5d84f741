"""Finding changes: by VM, person, time and text, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from bot.ledger.rows import VMS, Row, vms_of
from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of
from commands.base import HistoryEntry

MAX_WORDS = 16
"""Of a search; the rest is left out."""

_FEW = 20_000
"""Up to here it is quicker to take the changes of the VMs and sort them; above, to walk back from the newest."""


class History(Part):
    """The ledger's answer to `/checkpoint history`."""

    def find(
        self,
        *,
        vms: Sequence[str] | None = None,
        person: str | None = None,
        person_name: str | None = None,
        since: datetime | None = None,
        text: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> tuple[HistoryEntry, ...]:
        """Changes of all states, the last asked for first. `vms` are GUIDs, and a change is found by any of its VMs;
        `text` finds changes that have a word with each of these beginnings in their summary, note, VM names, person's
        name, or in how they ended; `person_name` looks so in the person's name alone."""
        words = _query(text, person_name)
        values: dict[str, object] = {"limit": max(limit, 0), "offset": max(offset, 0)}
        where = ["true"]
        if words:
            where.append("changes_fts MATCH :words")
            values["words"] = words
        if person is not None:
            where.append("c.person_id = :person")
            values["person"] = person
        if since is not None:
            where.append("c.created_at >= :since")
            where.append("c.number >= (SELECT min(+number) FROM changes WHERE created_at >= :since)")
            values["since"] = iso(since)
        with self._store.read() as db:
            if vms is not None:
                values["vms"] = json.dumps(list(vms))
                where.append(_of_vms(db, values))
            # The search index comes first when there is a search: it gives what it finds newest first by itself.
            source = "changes_fts CROSS JOIN changes c ON c.number = changes_fts.rowid" if words else "changes c"
            order = "changes_fts.rowid" if words else "c.number"
            rows = db.execute(
                f"SELECT c.id, c.created_at, c.person_id, c.person_name, c.summary, c.state, c.result, c.reason, {VMS} "  # noqa: S608
                f"FROM {source} WHERE {' AND '.join(where)} ORDER BY {order} DESC LIMIT :limit OFFSET :offset",
                values,
            ).fetchall()
        return tuple(map(_entry, rows))


def _query(text: str | None, person_name: str | None) -> str:
    named = _beginnings(person_name)
    return " AND ".join(filter(None, (named and f"person_name : ({named})", _beginnings(text))))


def _beginnings(text: str | None) -> str:
    """Each word in quotes, where FTS5 knows no operators, and as a beginning."""
    plain = (clean(word).replace("\0", "").replace('"', '""') for word in (text or "").split()[:MAX_WORDS])
    return " AND ".join(f'"{word}"*' for word in plain)


def _of_vms(db: Database, values: dict[str, object]) -> str:
    wanted = "(SELECT value FROM json_each(:vms))"
    some = f"SELECT 1 FROM change_vms WHERE vm_id IN {wanted} LIMIT {_FEW}"  # noqa: S608
    (count,) = db.execute(f"SELECT count(*) FROM ({some})", values).fetchone()  # noqa: S608
    if count < _FEW:
        return f"c.number IN (SELECT change FROM change_vms WHERE vm_id IN {wanted})"  # noqa: S608
    return f"EXISTS (SELECT 1 FROM change_vms WHERE change = c.number AND +vm_id IN {wanted})"  # noqa: S608


def _entry(row: Row) -> HistoryEntry:
    id, created, person, person_name, summary, state, result, reason, vms = row
    return HistoryEntry(
        change_id=id,
        at=moment_of(created),
        person=person,
        summary=summary,
        state=state,
        result=result or reason,
        vms=tuple(vm.id for vm in vms_of(vms)),
        person_name=person_name,
    )
