"""What the bot knows of checkpoints and the host does not: owner, reason, kind, and when each may go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from backends.base import Checkpoint, HostInventory, Part, VMState
from bot.ledger import store
from bot.ledger.rows import Row
from bot.ledger.writing import clean, iso, moment_of
from commands.base import CheckpointNote, Target

Kind = Literal["production", "standard", "unknown"]


@dataclass(frozen=True, slots=True)
class Expiring:
    """A checkpoint that the bot took, and whose time is over or nearly so."""

    id: str
    name: str
    host: str
    vm_id: str
    vm_name: str
    channel: str
    """Where it was taken."""
    taken_at: datetime
    kept_at: datetime | None
    """When somebody said last how long it is kept; None where an older version noted that."""
    note: CheckpointNote


class Checkpoints(store.Part):
    """Notes on checkpoints, and when they were seen."""

    def remember(
        self,
        checkpoint: Checkpoint,
        *,
        host: str,
        vm_name: str,
        owner: str,
        reason: str = "",
        kind: Kind = "unknown",
        state_before: VMState | None = None,
        keep_until: datetime | None = None,
        pinned: bool = False,
        safety: bool = False,
        change_id: str | None = None,
    ) -> None:
        """Note a checkpoint that the bot took. To call it again changes nothing but what is said anew; when it may go
        stays as a person has said since."""
        at = iso(self._clock())
        values = [
            checkpoint.id,
            host,
            checkpoint.vm_id,
            clean(vm_name),
            clean(checkpoint.name),
            owner,
            clean(reason),
            kind,
            state_before.label if state_before is not None else None,
            safety,
            iso(keep_until) if keep_until else None,
            pinned,
            owner if keep_until or pinned else None,
            at,
            change_id,
            at,
            at,
        ]
        with self._store.write() as db:
            db.execute(
                """INSERT INTO checkpoints (id, host, vm_id, vm_name, name, owner, reason, kind, state_before, safety,
                    keep_until, pinned, kept_by, kept_at, change_id, first_seen, last_seen)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, kind = excluded.kind,
                    state_before = excluded.state_before, safety = excluded.safety, change_id = excluded.change_id,
                    keep_until = coalesce(keep_until, excluded.keep_until),
                    pinned = CASE WHEN kept_by IS NULL THEN excluded.pinned ELSE pinned END,
                    kept_by = coalesce(kept_by, excluded.kept_by),
                    kept_at = coalesce(kept_at, excluded.kept_at)""",
                values,
            )

    def keep(self, target: Target, until: datetime | None, *, by: str) -> None:
        """Say when a checkpoint may go, whoever took it; None keeps it forever. `by` is the user id of who says so.

        Raises ValueError for a target that names no checkpoint.
        """
        said = {"keep_until": iso(until) if until else None, "pinned": until is None, "kept_by": by}
        said["kept_at"] = iso(self._clock())
        self._say(target, said, "there is no checkpoint to keep")

    def claim(self, target: Target, change_id: str) -> None:
        """It belongs to who asked for that change, whoever took it.

        Raises ValueError for a target that names no checkpoint.
        """
        self._say(target, {"claim_id": change_id}, "there is no checkpoint to claim")

    def _say(self, target: Target, said: Mapping[str, object], wrong: str) -> None:
        """Note these columns of a checkpoint, whether it was seen before or not."""
        if target.checkpoint_id is None:
            raise ValueError(wrong)
        at = iso(self._clock())
        row = {
            "id": target.checkpoint_id,
            "host": target.host,
            "vm_id": target.vm_id,
            "vm_name": clean(target.vm_name),
            "name": clean(target.checkpoint_name or ""),
            "first_seen": at,
            "last_seen": at,
            **said,
        }
        with self._store.write() as db:
            db.execute(
                f"INSERT INTO checkpoints ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "  # noqa: S608
                f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{key} = excluded.{key}' for key in said)}",
                [*row.values()],
            )

    def seen(self, inventory: HostInventory) -> None:
        """Note which checkpoints a host has; those it had and has no longer are marked as gone, unless part of its VMs
        or checkpoints could not be read. An inventory older
        than what is known is of no weight, so a VM that moves between hosts is never lost."""
        at = iso(inventory.taken_at)
        rows = [
            (c.id, inventory.host, one.vm.id, clean(one.vm.name), clean(c.name), at, at)
            for one in inventory.vms
            for c in one.checkpoints
        ]
        with self._store.write() as db:
            db.conn.executemany(
                """INSERT INTO checkpoints (id, host, vm_id, vm_name, name, first_seen, last_seen)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET host = excluded.host, vm_id = excluded.vm_id, name = excluded.name,
                    vm_name = excluded.vm_name, last_seen = excluded.last_seen, gone_at = NULL
                WHERE last_seen <= excluded.last_seen""",
                rows,
            )
            if not _partly_read(inventory):
                db.execute(
                    "UPDATE checkpoints SET gone_at = ? WHERE host = ? AND gone_at IS NULL AND last_seen < ?",
                    [at, inventory.host, at],
                )

    def notes(self, checkpoint_ids: Iterable[str], *, owner: str | None = None) -> Mapping[str, CheckpointNote]:
        """What is known of each, or of each that belongs to `owner`; those of which nothing is known but that they are
        there are left out. Of a large fleet that may be most."""
        with self._store.read() as db:
            wanted = list(checkpoint_ids if owner is None else _of_owner(db, owner).intersection(checkpoint_ids))
            if not wanted:
                return {}
            rows = db.execute(
                f"SELECT p.id, {_NOTE} WHERE p.id IN (SELECT value FROM json_each(?)) AND {_KNOWN}",  # noqa: S608
                [json.dumps(wanted)],
            ).fetchall()
        return {id: _note(note) for id, *note in rows}

    def owners(self, checkpoint_ids: Iterable[str] | None = None) -> Mapping[str, str]:
        """By checkpoint, the name of whose it is, or their user id: of those of these that are somebody's, or of all
        that are there."""
        chosen = "p.gone_at IS NULL" if checkpoint_ids is None else "p.id IN (SELECT value FROM json_each(?))"
        with self._store.read() as db:
            rows = db.execute(
                f"""SELECT p.id, coalesce(k.person_name, c.person_name, k.person_id, p.owner)
                FROM checkpoints p LEFT JOIN changes c ON c.id = p.change_id AND c.person_id = p.owner
                LEFT JOIN changes k ON k.id = p.claim_id
                WHERE {chosen} AND coalesce(k.person_id, p.owner) IS NOT NULL""",  # noqa: S608
                [] if checkpoint_ids is None else [json.dumps(list(checkpoint_ids))],
            ).fetchall()
        return dict(rows)

    def expiring(self, at: datetime) -> tuple[Expiring, ...]:
        """Those that the bot took, that are still there, and whose time is over at this moment; the first to go
        first."""
        with self._store.read() as db:
            rows = db.execute(
                f"SELECT p.id, p.name, p.host, p.vm_id, p.vm_name, coalesce(c.channel, ''), p.first_seen, p.kept_at, "
                f"{_NOTE} WHERE p.gone_at IS NULL AND NOT p.pinned AND p.keep_until <= ? AND p.owner IS NOT NULL "
                "AND p.change_id IS NOT NULL ORDER BY p.keep_until, p.id",
                [iso(at)],
            ).fetchall()
        return tuple(map(_expiring, rows))


def _partly_read(inventory: HostInventory) -> bool:
    """There may be checkpoints on the host that it did not show."""
    parts = {one.part for one in (*inventory.unreadable, *inventory.cannot_show)}
    return not parts.isdisjoint((Part.VMS, Part.CHECKPOINTS)) or not all(one.checkpoints_known for one in inventory.vms)


def _of_owner(db: Database, owner: str) -> set[str]:
    """What they took or claimed, and nobody else has claimed, there or gone."""
    rows = db.execute(
        """SELECT p.id FROM checkpoints p LEFT JOIN changes k ON k.id = p.claim_id
        WHERE p.owner = ?1 AND coalesce(k.person_id, ?1) = ?1
        UNION ALL SELECT p.id FROM checkpoints p JOIN changes k ON k.id = p.claim_id
        WHERE p.claim_id IS NOT NULL AND k.person_id = ?1""",
        [owner],
    ).fetchall()
    return {id for (id,) in rows}


_KNOWN = """(p.owner IS NOT NULL OR p.claim_id IS NOT NULL OR p.change_id IS NOT NULL OR p.keep_until IS NOT NULL
    OR p.kept_by IS NOT NULL OR p.pinned OR p.safety OR p.reason <> '' OR p.kind <> 'unknown')"""

_NOTE = """coalesce(k.person_id, p.owner), p.reason, p.kind, p.keep_until, p.pinned, p.safety,
    coalesce(k.person_name, c.person_name, ''), p.owner, p.kept_by,
    coalesce((SELECT s.person_name FROM changes s WHERE s.person_id = p.kept_by ORDER BY s.number DESC LIMIT 1), ''),
    coalesce((SELECT s.name FROM schedule_changes m JOIN schedules s ON s.id = m.schedule_id
        WHERE m.change_id = p.change_id), '')
    FROM checkpoints p LEFT JOIN changes c ON c.id = p.change_id AND c.person_id = p.owner
    LEFT JOIN changes k ON k.id = p.claim_id"""


def _expiring(row: Row) -> Expiring:
    id, name, host, vm_id, vm_name, channel, taken_at, kept_at, *note = row
    since = moment_of(kept_at) if kept_at else None
    return Expiring(id, name, host, vm_id, vm_name, channel, moment_of(taken_at), since, _note(note))


def _note(row: Row) -> CheckpointNote:
    owner, reason, kind, keep_until, pinned, safety, owner_name, taken_by, kept_by, keeper_name, schedule = row
    return CheckpointNote(
        owner=owner,
        reason=reason,
        kind=kind,
        keep_until=moment_of(keep_until) if keep_until else None,
        pinned=bool(pinned),
        safety=bool(safety),
        owner_name=owner_name,
        keeper=kept_by,
        keeper_name=keeper_name,
        schedule=schedule,
        taken_by=taken_by,
    )
