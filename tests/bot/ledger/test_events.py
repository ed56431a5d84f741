"""What happened to a change, asked for by kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.ledger import ChangeState, Ledger, UnknownChange, Unreadable
from tests.support.ledger import ADA, ORIGIN, carry, plan, tamper


def test_events_are_asked_for_by_kind(ledger: Ledger) -> None:
    carry(ledger, "c1")
    carry(ledger, "c2")

    assert [e.event for e in ledger.events.of("c1", kinds=("sent", "succeeded"))] == ["sent", "succeeded"]
    assert [e.change_id for e in ledger.events.of("c2", ("sent",))] == ["c2"]
    assert ledger.events.of("c1", ()) == ()
    assert ledger.events.of("c1", ("'; DROP",)) == ()


def test_events_are_asked_for_that_came_after_another(ledger: Ledger) -> None:
    carry(ledger, "c1")
    events = ledger.events.of("c1")
    carry(ledger, "c2")

    assert ledger.events.of("c1", after=events[1].seq) == events[2:]
    assert ledger.events.of("c1", ("sent", "succeeded"), after=events[-2].seq) == events[-1:]
    assert ledger.events.of("c1", after=events[-1].seq) == ()


def test_what_was_known_of_a_change_and_what_came_since_is_the_change_as_it_is(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    known = ledger.changes.load("c1")
    for state in (ChangeState.AWAITING, ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.FAILED):
        ledger.changes.move("c1", state, by="UADA", why=f"why {state}", result=f"result of {state}")
        ledger.changes.note("c1", "sent", by="bot", why="no move")

        known = known.after(ledger.events.of("c1", after=known.seq))

        now = ledger.changes.load("c1")
        assert known == replace(now, row=replace(now.row, updated_at=known.row.updated_at))


def test_whether_a_step_was_sent_for_a_vm_is_one_question(ledger: Ledger) -> None:
    carry(ledger, "c1")

    assert ledger.events.has("c1", "sent", vm_id="id-web01", step="apply")
    assert not ledger.events.has("c1", "sent", vm_id="id-web01", step="start")
    assert not ledger.events.has("c1", "sent", vm_id="id-web02", step="apply")
    assert not ledger.events.has("c2", "sent", vm_id="id-web01", step="apply")
    assert not ledger.events.has("c1", "outcome", vm_id="id-web01")


def test_the_index_answers_for_one_vm_of_a_large_change(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    for number in range(20):
        ledger.changes.note("c1", "outcome", by="bot", detail={"vm_id": f"id-{number}"})

    assert ledger.events.count("c1", "outcome") == 20
    assert ledger.events.count("c1", "outcome", vm_id="id-7") == 1
    with ledger._store.read() as db:
        asked: list[str] = []
        db.conn.set_trace_callback(asked.append)
    ledger.events.has("c1", "outcome", vm_id="id-7")
    with ledger._store.read() as db:
        db.conn.set_trace_callback(None)
        (query,) = (sql for sql in asked if sql.startswith("SELECT"))
        (row,) = db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert row[3].startswith("SEARCH events USING INDEX events_by_kind (change_id=? AND event=? AND <expr>=?)")


def test_a_change_is_loaded_whole_by_one_call(ledger: Ledger) -> None:
    carry(ledger, "c1", plan("web01", "web02"))

    change = ledger.changes.load("c1", ("sent",))

    assert change.row == ledger.changes.get("c1")
    assert change.plan == plan("web01", "web02")
    assert [e.event for e in change.events] == ["sent"]
    assert ledger.changes.load("c1").events == ledger.events.of("c1")


def test_a_refusal_without_a_plan_is_loaded_too(ledger: Ledger) -> None:
    ledger.changes.deny("c1", person_id="U1", person_name="Eve", origin=ORIGIN, summary="delete", why="No.")

    assert ledger.changes.load("c1").plan is None
    with pytest.raises(UnknownChange):
        ledger.changes.load("nope")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE changes SET state = 'postponed' WHERE id = 'c1'",
        """UPDATE changes SET plan = json_replace(plan, '$.action.verb', 'teleport') WHERE id = 'c1'""",
    ],
)
def test_a_change_that_this_version_does_not_know_fails_alone(ledger: Ledger, path: Path, damage: str) -> None:
    for id in ("c1", "c2"):
        ledger.changes.request(id, plan(), ADA, ORIGIN)
    tamper(path, damage)

    with pytest.raises(Unreadable, match="this version of the bot"):
        ledger.changes.load("c1")
    assert ledger.changes.load("c2").row.state is ChangeState.REQUESTED
    assert "c2" in [row.id for row in ledger.changes.unfinished()]
    assert len(ledger.history.find()) == 2
