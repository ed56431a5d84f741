"""Figures over the whole ledger, for whoever watches the bot."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ledger.records import ChangeRow
from bot.ledger.states import ChangeState
from bot.ledger.store import Part
from bot.ledger.writing import iso, moment_of

_FINAL = tuple(state for state in ChangeState if state.final)
_ENDED = f"""
SELECT c.verb, e.at, (SELECT max(q.at) FROM events q WHERE q.change_id = e.change_id AND q.event = 'queued'), e.seq
FROM events e JOIN changes c ON c.id = e.change_id
WHERE e.seq > ? AND e.event IN ({", ".join("?" * len(_FINAL))}) ORDER BY e.seq"""  # noqa: S608 - only marks

LONG_AGO = timedelta(days=7)
"""Longer than anything waits for its answer."""
LAST = 1 << 62
_CHANGED = """
WITH asked AS (
    SELECT c.number, c.created_at, EXISTS (
        SELECT 1 FROM events e WHERE e.change_id = c.id AND e.event = 'queued' AND e.at >= :since
    ) AS let_go
    FROM changes c WHERE c.created_at >= :floor AND coalesce(c.taken_by, c.person_id) = :person AND c.id <> :id
        AND c.verb IN (SELECT value FROM json_each(:verbs))
        AND c.state NOT IN ('denied', 'refused', 'cancelled', 'expired', 'void')
        AND coalesce(json_extract(c.plan, '$.clock'), '') = ''
)
SELECT count(*) FROM asked JOIN change_vms v ON v.change = asked.number WHERE {marks}"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A change that was let go, and is over."""

    verb: str
    seconds: float
    """From when it was let go to its end."""


class Figures(Part):
    """Sums, each from an index."""

    def changes(self) -> Mapping[tuple[str, str], int]:
        """How many there have been by verb and state, with those that are in archives alone by now. A refusal that came
        before there was a plan may have no verb."""
        with self._store.read() as db:
            rows = db.execute("SELECT verb, state, count(*) FROM changes GROUP BY state, verb").fetchall()
            rows += db.execute("SELECT verb, state, count FROM archived_changes").fetchall()
        counts: Counter[tuple[str, str]] = Counter()
        for verb, state, count in rows:
            counts[verb, state] += count
        return counts

    def ended_since(self, seq: int) -> tuple[list[Ended], int]:
        """The changes that came to their end after that event, and the number of the last event."""
        with self._store.read() as db:
            rows = db.execute(_ENDED, [seq, *_FINAL]).fetchall()
            (last,) = db.execute("SELECT seq FROM chain_head").fetchone()
        ended = [
            Ended(verb, max(0.0, (moment_of(at) - moment_of(queued)).total_seconds()))
            for verb, at, queued, _ in rows
            if queued
        ]
        return ended, int(last)

    def vms_changed(
        self,
        person_id: str,
        verbs: Collection[str],
        since: datetime,
        *,
        change: ChangeRow | None = None,
        begun: bool = False,
    ) -> int:
        """How many VMs somebody has changed since then by these verbs, or asked for before `change`; a group counts its
        VMs. With `begun` only what was let go, whenever it was asked for. What the clock did for them and what came to
        nothing does not count."""
        marks = "let_go" if begun else "(number < :number AND (created_at >= :since OR let_go))"
        asked = {
            "person": person_id,
            "verbs": json.dumps(sorted(verbs)),
            "since": iso(since),
            "floor": iso(since - LONG_AGO),
            "id": change.id if change else "",
            "number": change.number if change else LAST,
        }
        with self._store.read() as db:
            (count,) = db.execute(_CHANGED.format(marks=marks), asked).fetchone()
        return int(count)

    def keep_until(self, after: datetime) -> Mapping[str, datetime]:
        """Until when the checkpoint of each VM is kept that may go first; those that may go already are left out, and
        those that are kept forever."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT vm_id, min(keep_until) FROM checkpoints "
                "WHERE gone_at IS NULL AND NOT pinned AND keep_until > ? GROUP BY vm_id",
                [iso(after)],
            ).fetchall()
        return {vm_id: moment_of(until) for vm_id, until in rows}

    def kept(self, at: datetime) -> frozenset[str]:
        """The ids of the checkpoints that are kept then: until later, or forever."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT id FROM checkpoints WHERE gone_at IS NULL AND (pinned OR keep_until > ?)", [iso(at)]
            ).fetchall()
        return frozenset(id for (id,) in rows)

    def verdicts(self) -> Mapping[str, str]:
        """The verdict on each VM that was judged."""
        with self._store.read() as db:
            return dict(db.execute("SELECT vm_id, verdict FROM verdicts").fetchall())
