"""Finding changes: by VM, person, time and text, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlite_utils import Database

from bot.ledger.rows import VMS, Row, vms_of
from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of
from commands.base import HistoryEntry, VMEntry

MAX_WORDS = 16
"""Of a search; the rest is left out."""

_TRIGRAM = 3
_SEARCHED = ("summary", "note", "outcome", "vm_names", "person_name")

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
        `text` finds changes that have each of these words in their summary, note, VM names, person's name, or in how
        they ended: as the beginning of a word, whatever its accents, or anywhere, as scripts without spaces need it.
        `person_name` looks so in the person's name alone."""
        values: dict[str, object] = {"most": max(limit, 0) + max(offset, 0)}
        where = ["true"]
        if person is not None:
            where.append("c.person_id = :person")
            values["person"] = person
        if since is not None:
            where.append("c.created_at >= :since")
            where.append("c.number >= (SELECT min(+number) FROM changes WHERE created_at >= :since)")
            values["since"] = iso(since)
        found: dict[int, HistoryEntry] = {}
        with self._store.read() as db:
            if vms is not None:
                values["vms"] = json.dumps(list(vms))
                where.append(_of_vms(db, values))
            for search in _searches(_words(text), _words(person_name)):
                rows = db.execute(
                    f"SELECT c.number, c.id, c.created_at, c.person_id, c.person_name, c.summary, c.state, c.result, "  # noqa: S608
                    f"c.reason, {VMS} FROM {search.source} WHERE {' AND '.join([*where, *search.where])} "
                    f"ORDER BY {search.order} DESC LIMIT :most",
                    {**values, **search.values},
                ).fetchall()
                found |= {number: _entry(row) for number, *row in rows}
        newest = [found[number] for number in sorted(found, reverse=True)]
        return tuple(newest[max(offset, 0) :][: max(limit, 0)])

    def each(self, change: str) -> tuple[VMEntry, ...]:
        """What became of the newest change whose id begins so on each of its VMs, in their order; empty for none."""
        begins = clean(change).casefold()
        with self._store.read() as db:
            row = db.execute(
                "SELECT number, id FROM changes WHERE substr(id, 1, ?) = ? ORDER BY number DESC LIMIT 1",
                [len(begins), begins],
            ).fetchone()
            if row is None or not begins:
                return ()
            number, change_id = row
            vms = db.execute(
                "SELECT vm_id, vm_name, host FROM change_vms WHERE change = ? ORDER BY position", [number]
            ).fetchall()
            ends = db.execute(
                "SELECT json_extract(detail, '$.vm_id'), json_extract(detail, '$.state'), why FROM events "
                "WHERE change_id = ? AND event = 'outcome' ORDER BY seq",
                [change_id],
            ).fetchall()
        ended = {vm_id: (str(state), why) for vm_id, state, why in ends}
        return tuple(VMEntry(str(id), str(name), str(host), *ended.get(id, ("", ""))) for id, name, host in vms)


@dataclass(frozen=True, slots=True)
class _Search:
    """One way to look for words."""

    source: str = "changes c"
    order: str = "c.number"
    where: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)


def _searches(words: Sequence[str], named: Sequence[str]) -> tuple[_Search, ...]:
    if not words and not named:
        return (_Search(),)
    return _beginnings(words, named), _anywhere(words, named)


def _beginnings(words: Sequence[str], named: Sequence[str]) -> _Search:
    """Each word in quotes, where FTS5 knows no operators, and as a beginning."""
    return _matching("changes_fts", [f"{_quoted(w)}*" for w in words], [f"{_quoted(w)}*" for w in named])


def _anywhere(words: Sequence[str], named: Sequence[str]) -> _Search:
    """The index of three letters in a row finds words of three or more; shorter ones are looked for row by row."""
    long = [_quoted(word) for word in words if len(word) >= _TRIGRAM]
    long_names = [_quoted(word) for word in named if len(word) >= _TRIGRAM]
    search = _matching("changes_trigrams", long, long_names) if long or long_names else _Search()
    short = {f"short{n}": word for n, word in enumerate(w for w in words if len(w) < _TRIGRAM)}
    names = {f"name{n}": word for n, word in enumerate(w for w in named if len(w) < _TRIGRAM)}
    where = (
        *(f"({' OR '.join(_has(column, one) for column in _SEARCHED)})" for one in short),
        *(_has("person_name", one) for one in names),
    )
    return replace(search, where=(*search.where, *where), values={**search.values, **short, **names})


def _matching(index: str, words: Sequence[str], named: Sequence[str]) -> _Search:
    """The search index comes first: it gives what it finds newest first by itself."""
    asked = " AND ".join((*([f"person_name : ({' AND '.join(named)})"] if named else []), *words))
    source = f"{index} CROSS JOIN changes c ON c.number = {index}.rowid"
    return _Search(source, f"{index}.rowid", (f"{index} MATCH :words",), {"words": asked})


def _has(column: str, value: str) -> str:
    return f"instr(lower(c.{column}), lower(:{value})) > 0"


def _words(text: str | None) -> list[str]:
    plain = (clean(word).replace("\0", "") for word in (text or "").split()[:MAX_WORDS])
    return [word for word in plain if word]


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


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
