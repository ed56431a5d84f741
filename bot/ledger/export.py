"""The events as a file: CSV for a spreadsheet, JSON Lines for another program."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TextIO

from sqlite_utils import Database

from bot.ledger.rows import Row
from bot.ledger.store import Part
from bot.ledger.writing import iso

Format = Literal["csv", "jsonl"]

COLUMNS = (
    "seq",
    "at",
    "change_id",
    "event",
    "state",
    "verb",
    "summary",
    "vm_names",
    "asked_by",
    "asked_by_name",
    "done_by",
    "why",
    "result",
    "channel",
    "detail",
    "previous_hash",
    "hash",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection)."""


class Export(Part):
    """The ledger to take away."""

    def export(self, form: Format, out: TextIO, *, since: datetime | None = None) -> int:
        """Write all events, or those since a moment, to a text file, and return how many there were.

        They are written as they are read, whatever their number. In CSV a cell that a spreadsheet would run as a
        formula gets a `'` in front; JSON Lines has everything as it is, hashes included, so the chain can be checked
        from it. Open the file with `newline=""`.
        """
        with self._store.read() as db:
            rows = _rows(db, since)
            return _csv(rows, out) if form == "csv" else _jsonl(rows, out)


def _rows(db: Database, since: datetime | None) -> Iterator[Row]:
    return db.execute(
        """SELECT e.seq, e.at, e.change_id, e.event, e.state, c.verb, c.summary, c.vm_names, c.person_id, c.person_name,
            e.done_by, e.why, e.result, c.channel, e.detail, e.previous_hash, e.hash
        FROM events e LEFT JOIN changes c ON c.id = e.change_id WHERE e.at >= ? ORDER BY e.seq""",
        [iso(since) if since else ""],
    )


def _csv(rows: Iterator[Row], out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
        count += 1
    return count


def _jsonl(rows: Iterator[Row], out: TextIO) -> int:
    count = 0
    for row in rows:
        record = dict(zip(COLUMNS, row, strict=True))
        record["detail"] = json.loads(record["detail"])
        out.write(json.dumps(record, ensure_ascii=False) + "\n")
        count += 1
    return count


def _harmless(cell: str | int | None) -> str | int | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
