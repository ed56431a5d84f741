from __future__ import annotations

import sqlite3
from hashlib import sha256
from json import dumps
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.ledger import ChangeState, Head, Ledger
from bot.ledger.chain import GENESIS, hash_of
from bot.ledger.verify import Breakage, Verdict
from tests.support.clock import StoppedClock
from tests.support.ledger import ADA, ORIGIN, carry, creation, plan, tamper

COLUMNS = ("seq", "change_id", "at", "event", "state", "done_by", "why", "result", "detail", "previous_hash", "hash")


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Twelve events of two finished changes, one of a waiting one, two of a refusal."""
    carry(ledger, "c1")
    carry(ledger, "c2", creation("before-upgrade", "web01", "db01"))
    ledger.changes.request("c3", plan(), ADA, ORIGIN)
    ledger.changes.deny(
        "c4", person_id="U0EVE", person_name="Eve", origin=ORIGIN, summary="delete dc01", why="No grant."
    )
    return ledger


def broken(ledger: Ledger, *statements: str) -> Breakage:
    tamper(ledger._store.path, *statements)
    verdict = ledger.audit.verify()
    assert verdict.broken is not None
    return verdict.broken


def test_what_the_bot_wrote_is_whole(filled: Ledger) -> None:
    verdict = filled.audit.verify()
    assert verdict == Verdict(filled.audit.head())
    assert (verdict.whole, verdict.head.seq) == (True, 15)


def test_an_empty_ledger_is_whole(ledger: Ledger) -> None:
    assert ledger.audit.verify() == Verdict(Head(0, GENESIS))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 5, 13, 15])
def test_an_edited_event_is_named(filled: Ledger, column: str, seq: int) -> None:
    if column == "seq":
        found = broken(filled, f"UPDATE events SET seq = 99 WHERE seq = {seq}")
        assert (found.seq, found.what[:14]) == (seq, "It is missing.")
        return
    found = broken(filled, f"UPDATE events SET {column} = {column} || 'x' WHERE seq = {seq}")
    assert found.seq == seq
    assert found.what.startswith("It was edited")


@pytest.mark.parametrize("value", ["x'00ff'", "cast(x'ff' AS TEXT)", "7", "''"])
def test_an_event_that_holds_something_else_than_text_is_named(filled: Ledger, value: str) -> None:
    assert broken(filled, f"UPDATE events SET why = {value} WHERE seq = 2").seq == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(seq=st.integers(1, 15), column=st.sampled_from(COLUMNS[1:]), text=st.text(st.characters(codec="utf-8")))
def test_whatever_is_written_over_an_event_is_found(filled: Ledger, seq: int, column: str, text: str) -> None:
    where = f"WHERE seq = {seq}"
    with sqlite3.connect(filled._store.path) as db:
        db.execute("DROP TRIGGER IF EXISTS events_are_never_changed")
        (before,) = db.execute(f"SELECT {column} FROM events {where}").fetchone()
        db.execute(f"UPDATE events SET {column} = ? {where}", [text])
    assert filled.audit.verify().whole is (before == text)
    with sqlite3.connect(filled._store.path) as db:
        db.execute(f"UPDATE events SET {column} = ? {where}", [before])
    assert filled.audit.verify().whole


@pytest.mark.parametrize("seq", [1, 7, 14])
def test_a_deleted_event_is_named(filled: Ledger, seq: int) -> None:
    found = broken(filled, f"DELETE FROM events WHERE seq = {seq}")
    assert found == Breakage("It is missing.", seq)


def test_deleted_and_closed_up_is_named(filled: Ledger) -> None:
    found = broken(filled, "DELETE FROM events WHERE seq = 7", "UPDATE events SET seq = seq - 1 WHERE seq > 7")
    assert found.seq == 7


def test_two_events_that_changed_places_are_named(filled: Ledger) -> None:
    swap = ("SET seq = -1 WHERE seq = 4", "SET seq = 4 WHERE seq = 5", "SET seq = 5 WHERE seq = -1")
    assert broken(filled, *(f"UPDATE events {one}" for one in swap)).seq == 4


def test_an_event_before_the_first_is_named(filled: Ledger) -> None:
    copy = "INSERT INTO events SELECT 0, change_id, at, event, state, done_by, why, result, detail, previous_hash, hash"
    found = broken(filled, f"{copy} FROM events WHERE seq = 1")
    assert (found.seq, found.what) == (0, "It was inserted before the first event.")


def forged(ledger: Ledger, seq: int, change_id: str, state: str) -> tuple[object, ...]:
    """An event that fits the one before it, as whoever knows how the chain is made could write it."""
    with sqlite3.connect(ledger._store.path) as db:
        (previous,) = db.execute("SELECT hash FROM events WHERE seq = ?", [seq - 1]).fetchone()
    fields = (seq, change_id, "2026-11-20T09:00:00.000000Z", state, state, "U0EVE", "", "", "{}")
    return *fields, previous, hash_of(previous, *fields)


def test_an_event_added_after_the_end_is_named(filled: Ledger) -> None:
    found = broken(filled, f"INSERT INTO events VALUES {forged(filled, 16, 'c3', 'queued')}")
    assert (found.seq, found.what) == (16, "It was added after the end of the chain.")


def test_an_event_rewritten_with_its_hash_breaks_the_next(filled: Ledger) -> None:
    queued = forged(filled, 3, "c1", "queued")
    found = broken(filled, "DELETE FROM events WHERE seq = 3", f"INSERT INTO events VALUES {queued}")
    assert found.seq == 4
    assert found.what.startswith("It does not follow")


def test_an_event_with_its_own_beginning_does_not_follow(filled: Ledger) -> None:
    fields = (13, "c3", "2026-11-20T09:00:00.000000Z", "requested", "requested", "U0EVE", "", "", "{}")
    values = (*fields, GENESIS, hash_of(GENESIS, *fields))
    found = broken(filled, "DELETE FROM events WHERE seq = 13", f"INSERT INTO events VALUES {values}")
    assert found.seq == 13
    assert found.what.startswith("It does not follow")


def test_a_cut_off_end_is_named(filled: Ledger) -> None:
    found = broken(filled, "DELETE FROM events WHERE seq > 10")
    assert (found.seq, found.what) == (11, "It is missing, and so is all up to event 15.")


def test_a_cut_off_end_with_the_head_set_back_shows_in_the_changes(filled: Ledger) -> None:
    cut = "UPDATE chain_head SET seq = 11, hash = (SELECT hash FROM events WHERE seq = 11)"
    found = broken(filled, "DELETE FROM events WHERE seq > 11", cut)
    assert (found.change_id, found.what[:21]) == ("c2", "Its change was edited")


def test_all_events_deleted_shows_in_the_changes(filled: Ledger) -> None:
    found = broken(filled, "DELETE FROM events", f"UPDATE chain_head SET seq = 0, hash = '{GENESIS}'")
    assert found == Breakage("The change stands in the ledger without an event.", change_id="c1")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM chain_head", "was deleted"),
        ("UPDATE chain_head SET seq = 'many'", "is not what the bot writes"),
        ("UPDATE chain_head SET seq = x'00'", "is not what the bot writes"),
        ("UPDATE chain_head SET hash = CAST(x'ff' AS TEXT)", "is not what the bot writes"),
        ("UPDATE chain_head SET hash = substr(hash, 2) || '0'", "was edited"),
        ("UPDATE chain_head SET seq = 14", "added after the end"),
    ],
)
def test_a_head_that_was_tampered_with_is_told(filled: Ledger, statement: str, what: str) -> None:
    assert what in broken(filled, statement).what


@pytest.mark.parametrize(
    "edit",
    [
        "verb = 'create'",
        "person_id = 'U0EVE'",
        "person_name = 'Eve'",
        "channel = 'C0DEV'",
        "summary = 'nothing'",
        "note = 'as agreed'",
        "vm_names = 'web99'",
        "created_at = '2020-01-01T00:00:00.000000Z'",
        "plan = replace(plan, 'web01', 'web02')",
        "plan = NULL",
        "state = 'failed'",
        "result = 'all well'",
        "reason = 'because'",
        "decided_by = 'U0EVE'",
        "decided_by = NULL",
        "taken_by = 'U0EVE'",
        "expires_at = '2030-01-01T00:00:00.000000Z'",
        "id = 'c9'",
        "id = x'00ff'",
        "verb = x'00ff'",
        "plan = CAST(plan AS BLOB)",
        "reason = x'00ff'",
        "summary = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_change_that_says_other_than_its_events_is_named(filled: Ledger, edit: str) -> None:
    found = broken(filled, f"UPDATE changes SET {edit} WHERE id = 'c1'")
    assert found.change_id == "c1"


def test_a_waiting_change_that_was_edited_is_named(filled: Ledger) -> None:
    found = broken(filled, "UPDATE changes SET state = 'queued' WHERE id = 'c3'")
    assert found == Breakage("Its change was edited: it says other than its last event.", change_id="c3")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE change_vms SET vm_id = 'id-dc01' WHERE change = 2 AND position = 1",
        "UPDATE change_vms SET host = 'hv09' WHERE change = 2 AND position = 0",
        "DELETE FROM change_vms WHERE change = 2 AND position = 1",
        "INSERT INTO change_vms VALUES (2, 2, 'id-dc01', 'dc01', 'hv01')",
        "UPDATE change_vms SET vm_id = x'00ff' WHERE change = 2 AND position = 0",
        "UPDATE change_vms SET vm_name = CAST(x'ff' AS TEXT) WHERE change = 2 AND position = 0",
    ],
)
def test_vms_that_were_slipped_in_or_out_are_named(filled: Ledger, statement: str) -> None:
    found = broken(filled, statement)
    assert (found.seq, found.change_id) == (7, "c2")


@pytest.mark.parametrize("id", ["c1", "c2", "c4"])
def test_a_deleted_change_is_named(filled: Ledger, id: str) -> None:
    found = broken(filled, f"DELETE FROM changes WHERE id = '{id}'")
    assert (found.change_id, found.what) == (id, "Its change was deleted.")


@pytest.mark.parametrize("number", [0, 9])
def test_a_change_without_events_is_named(filled: Ledger, number: int) -> None:
    columns = "verb, state, person_id, person_name, channel, summary, note, vm_names, created_at, updated_at"
    found = broken(
        filled,
        f"INSERT INTO changes (number, id, {columns}) SELECT {number}, 'c9', {columns} FROM changes WHERE id = 'c4'",
    )
    assert found.what in ("A change before its own has no event.", "The change stands in the ledger without an event.")


@pytest.mark.parametrize(("change_id", "state"), [("c1", "failed"), ("c3", "succeeded"), ("c9", "queued")])
def test_a_move_that_the_bot_never_makes_is_named(filled: Ledger, change_id: str, state: str) -> None:
    event = forged(filled, 16, change_id, state)
    head = f"UPDATE chain_head SET seq = 16, hash = '{event[-1]}'"
    found = broken(filled, f"INSERT INTO events VALUES {event}", head)
    assert (found.seq, found.what) == (16, "It moves its change in a way that the bot never does.")


def test_a_head_kept_elsewhere_still_fits_when_the_ledger_has_grown(filled: Ledger) -> None:
    kept = filled.audit.head()
    filled.changes.move("c3", ChangeState.QUEUED, by="bot")
    assert filled.audit.verify(kept).whole
    assert filled.audit.verify(Head(0, GENESIS)).whole


def test_a_head_kept_elsewhere_shows_a_ledger_that_was_written_anew(
    filled: Ledger, tmp_path: Path, clock: StoppedClock
) -> None:
    kept = filled.audit.head()
    with Ledger(tmp_path / "forged.db", clock=clock) as other:
        for id in ("c1", "c2", "c3", "c4"):
            carry(other, id)
        assert other.audit.verify().whole
        verdict = other.audit.verify(kept)
    assert verdict.broken is not None
    assert verdict.broken.seq == kept.seq


def test_a_head_reads_back_from_its_text() -> None:
    head = Head(1234, "0123456789abcdef" * 4)
    assert Head.parse(f" {head}\n") == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "12:abc",
        "9" * 19 + ":" + "a" * 64,
        "x:" + "a" * 64,
        "12:" + "z" * 64,
        "-1:" + "a" * 64,
        "٣:" + "a" * 64,
    ],
)
def test_a_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the head of a ledger"):
        Head.parse(text)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET why = 'x'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 3",
        "DELETE FROM changes",
        "UPDATE changes SET person_id = 'U0EVE'",
        "UPDATE changes SET plan = NULL",
    ],
)
def test_the_database_itself_refuses_to_rewrite_the_past(filled: Ledger, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"only ever added|never"), filled._store.write() as db:
        db.execute(statement)
    assert filled.audit.verify().whole


def test_the_chain_can_be_checked_by_hand(filled: Ledger) -> None:
    with sqlite3.connect(filled._store.path) as db:
        previous = "0" * 64
        for row in db.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY seq"):
            assert row[-2] == previous
            text = dumps([previous, *row[:-2]], separators=(",", ":"))
            previous = sha256(text.encode()).hexdigest()
            assert row[-1] == previous
