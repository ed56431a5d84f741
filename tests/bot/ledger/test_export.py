from __future__ import annotations

import csv
import json
from datetime import timedelta
from hashlib import sha256
from io import StringIO

import pytest

from bot.ledger import Ledger, LedgerError
from bot.ledger.export import COLUMNS, Format
from tests.support.clock import START, StoppedClock
from tests.support.ledger import ADA, ORIGIN, carry, creation, tamper


def exported(ledger: Ledger, form: Format) -> str:
    out = StringIO(newline="")
    ledger.audit.export(form, out)
    return out.getvalue()


def test_csv_has_one_row_an_event_with_what_was_asked_for(ledger: Ledger) -> None:
    carry(ledger, "c1")
    rows = list(csv.DictReader(StringIO(exported(ledger, "csv"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["event"] for row in rows] == ["requested", "awaiting", "queued", "running", "sent", "succeeded"]
    assert {row["vm_names"] for row in rows} == {"web01"}
    assert (rows[2]["asked_by_name"], rows[2]["done_by"], rows[2]["why"]) == ("Ada", "U0BOB", "confirmed by Bob")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_of_a_csv_file_is_a_formula(ledger: Ledger, start: str) -> None:
    ledger.changes.request("c1", creation(f"{start}cmd|' /C calc'!A0", f"{start}1+1"), ADA, ORIGIN)
    ledger.changes.note("c1", f"{start}2", by=f"{start}3", why=f'{start}HYPERLINK("http://x")\n{start}4')
    for row in csv.reader(StringIO(exported(ledger, "csv"), newline="")):
        assert not [cell for cell in row if cell.startswith(start)]


def test_no_cell_becomes_a_formula_where_semicolons_part_the_columns(ledger: Ledger) -> None:
    ledger.changes.request("c1", creation("x;=cmd|' /C calc'!A0", "web01"), ADA, ORIGIN)
    ledger.changes.note("c1", "sent", by="bot", why="web01\n@SUM(1)")
    cells = [cell for line in exported(ledger, "csv").splitlines() for cell in line.split(";")]
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'ff' AS TEXT)"])
def test_an_event_that_the_bot_cannot_have_written_is_not_exported(ledger: Ledger, form: Format, value: str) -> None:
    carry(ledger, "c1")
    tamper(ledger._store.path, f"UPDATE events SET why = {value} WHERE seq = 3")
    with pytest.raises(LedgerError, match="The event after 2 cannot be exported: it was edited"):
        exported(ledger, form)


@pytest.mark.parametrize("text", ["", "{", "[1"])
def test_a_detail_that_is_no_json_is_not_exported_as_json(ledger: Ledger, text: str) -> None:
    carry(ledger, "c1")
    tamper(ledger._store.path, f"UPDATE events SET detail = '{text}' WHERE seq = 3")
    with pytest.raises(LedgerError, match="Event 3 cannot be exported: its detail was edited"):
        exported(ledger, "jsonl")


def test_json_lines_have_everything_as_it_is(ledger: Ledger) -> None:
    ledger.changes.request("c1", creation("=été\u2028\n本番", "web01"), ADA, ORIGIN)
    text = exported(ledger, "jsonl")
    assert text.count("\n") == 1
    record = json.loads(text)
    assert record["summary"] == "create =été\u2028\n本番 on web01"
    assert record["detail"]["vms"] == [["id-web01", "web01", "hv01"]]


def test_the_chain_can_be_checked_from_json_lines_alone(ledger: Ledger) -> None:
    carry(ledger, "c1", creation("avant-été", "web01"))
    previous = "0" * 64
    for line in exported(ledger, "jsonl").splitlines():
        e = json.loads(line)
        detail = json.dumps(e["detail"], separators=(",", ":"))
        names = ("seq", "change_id", "at", "event", "state", "done_by", "why", "result")
        array = json.dumps([previous, *(e[name] for name in names), detail], separators=(",", ":"))
        assert e["previous_hash"] == previous
        previous = sha256(array.encode()).hexdigest()
        assert e["hash"] == previous


def test_an_export_can_begin_at_a_moment(ledger: Ledger, clock: StoppedClock) -> None:
    carry(ledger, "c1")
    clock.forward(hours=1)
    carry(ledger, "c2")
    out = StringIO()
    assert ledger.audit.export("jsonl", out, since=START + timedelta(minutes=1)) == 6
    assert {json.loads(line)["change_id"] for line in out.getvalue().splitlines()} == {"c2"}


def test_an_empty_ledger_exports_its_headings(ledger: Ledger) -> None:
    assert exported(ledger, "csv") == ",".join(COLUMNS) + "\n"
    assert exported(ledger, "jsonl") == ""


def test_an_export_holds_no_response_url(ledger: Ledger) -> None:
    carry(ledger, "c1")
    assert "hooks.slack.com" not in exported(ledger, "csv") + exported(ledger, "jsonl")


def test_the_ledger_can_be_written_while_it_is_exported(ledger: Ledger) -> None:
    carry(ledger, "c1")

    class Writing(StringIO):
        def write(self, text: str) -> int:
            ledger.changes.note("c1", "sent", by="bot")
            return super().write(text)

    assert ledger.audit.export("jsonl", Writing()) == 6
    assert ledger.audit.head().seq == 12
