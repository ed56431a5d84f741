"""The events as a file: CSV for a spreadsheet, JSON Lines for another program."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TextIO

from sqlite_utils import Database

from bot.ledger.errors import LedgerError
from bot.ledger.rows import Row, readable
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

_FORMULA = re.compile(r"^(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?=[=+\-@＝＋－＠])")
"""Where a spreadsheet would take up a formula (OWASP, CSV Injection): also inside a cell, since one that parts columns
by semicolons, as in much of Europe, begins a new cell there."""


def export(db: Database, form: Format, out: TextIO, since: datetime | None) -> int:
    """Write the events as they are read, and return how many there were."""
    rows = _rows(db, since)
    return _csv(rows, out) if form == "csv" else _jsonl(rows, out)


def _rows(db: Database, since: datetime | None) -> Iterator[Row]:
    rows = readable(
        db,
        """SELECT e.seq, e.at, e.change_id, e.event, e.state, c.verb, c.summary, c.vm_names, c.person_id, c.person_name,
            e.done_by, e.why, e.result, c.channel, e.detail, e.previous_hash, e.hash
        FROM events e LEFT JOIN changes c ON c.id = e.change_id WHERE e.at >= ? ORDER BY e.seq""",
        [iso(since) if since else ""],
    )
    seq = 0
    for row in rows:
        if row is None or bytes in map(type, row):
            raise LedgerError(f"The event after {seq} cannot be exported: it was edited. {_VERIFY}")
        seq = row[0]
        yield row


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
        record["detail"] = _value(record["detail"], row[0])
        out.write(json.dumps(record, ensure_ascii=False) + "\n")
        count += 1
    return count


def _value(text: str, seq: int) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LedgerError(f"Event {seq} cannot be exported: its detail was edited. {_VERIFY}", str(error)) from error


def _harmless(cell: str | int | None) -> str | int | None:
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell


_VERIFY = "checkpointbot audit verify names the first row that is wrong."
