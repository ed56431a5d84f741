"""What happened to changes, asked for by kind."""

from __future__ import annotations

from collections.abc import Collection

from bot.ledger.migrations import VM_ID
from bot.ledger.records import Event
from bot.ledger.rows import events_of
from bot.ledger.store import Part
from bot.ledger.writing import storable


class Events(Part):
    """Events are written by `Changes`, and only read here."""

    def of(self, change_id: str, kinds: Collection[str] | None = None, *, after: int = 0) -> tuple[Event, ...]:
        """What happened to a change after that event, in order: all of it, or only events of these kinds. Empty for an
        unknown id."""
        with self._store.read() as db:
            return tuple(events_of(db, storable(change_id), kinds, after=after))

    def has(self, change_id: str, kind: str, **detail: str) -> bool:
        """Whether an event of this kind, with these values in its detail, happened to a change:
        `has(id, "sent", vm_id=…, step="apply")`."""
        return self.count(change_id, kind, **detail) > 0

    def count(self, change_id: str, kind: str, **detail: str) -> int:
        """How many events of this kind, with these values in their detail, happened to a change. With a `vm_id` it is
        as quick for a change of 500 VMs as for one."""
        where, values = ["change_id = ?", "event = ?"], [storable(change_id), storable(kind)]
        for name, value in detail.items():
            where.append(f"{VM_ID} = ?" if name == "vm_id" else f"json_extract(detail, '$.{name}') = ?")
            values.append(value)
        with self._store.read() as db:
            (count,) = db.execute(f"SELECT count(*) FROM events WHERE {' AND '.join(where)}", values).fetchone()  # noqa: S608
        return int(count)
