from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.base import CheckpointType
from bot.ledger import LEGAL, ChangeState, IllegalMove, Ledger, LedgerError, UnknownChange, VMRef
from bot.ledger.changes import MOST_REFUSALS, NO_MORE
from bot.ledger.writing import clean, plan_from_json, plan_to_json
from bot.messages import MessageRef, Origin
from commands.base import (
    Acknowledge,
    Claim,
    Configure,
    Create,
    Delete,
    Export,
    Keep,
    Picture,
    Plan,
    Rename,
    Target,
    actions,
)
from tests.support.clock import START, StoppedClock
from tests.support.ledger import ADA, BOB, ORIGIN, carry, creation, plan, target


def test_a_request_is_kept_with_all_that_was_asked_for(ledger: Ledger, clock: StoppedClock) -> None:
    wanted = creation("before-upgrade", "web01", "web02", note="kernel")
    assert ledger.changes.request("c1", wanted, ADA, ORIGIN, expires_at=START + timedelta(minutes=10))
    row = ledger.changes.get("c1")
    assert row is not None
    assert (row.number, row.verb, row.state, row.person_id, row.person_name) == (
        1, "create", ChangeState.REQUESTED, "U0ADA", "Ada",
    )  # fmt: skip
    assert row.plan == wanted
    assert row.note == "kernel"
    assert row.vms == (VMRef("id-web01", "web01", "hv01"), VMRef("id-web02", "web02", "hv01"))
    assert (row.created_at, row.expires_at) == (START, START + timedelta(minutes=10))
    assert row.message is None


def test_a_request_that_comes_twice_is_recorded_once(ledger: Ledger) -> None:
    assert ledger.changes.request("c1", plan(), ADA, ORIGIN)
    assert not ledger.changes.request("c1", plan("db01"), BOB, ORIGIN)
    row = ledger.changes.get("c1")
    assert row is not None
    assert row.person_id == ADA.id
    assert len(ledger.events.of("c1")) == 1


def test_the_response_url_is_kept_nowhere(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    row = ledger.changes.get("c1")
    assert row is not None
    assert row.origin == Origin("C0OPS", ADA.id)
    ledger.close()
    assert b"hooks.slack.com" not in ledger._store.path.read_bytes()


def test_tokens_and_response_urls_in_an_error_are_removed(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    cause = "POST https://hooks.slack-gov.com/actions/T1/2/3 with xoxb-12-ab and xapp-1-A-b failed"
    ledger.changes.note("c1", "not shown", by="bot", why=cause, detail={"cause": cause, "all": [cause]})
    event = ledger.events.of("c1")[-1]
    assert event.why == "POST [removed] with [removed] and [removed] failed"
    assert event.detail == {"cause": event.why, "all": [event.why]}


def test_a_token_in_a_note_is_nowhere_in_the_file(ledger: Ledger) -> None:
    ledger.changes.request("c1", creation("before-upgrade", "web01", note="with xoxb-12-ab"), ADA, ORIGIN)
    row = ledger.changes.get("c1")
    assert row is not None and row.plan is not None
    assert row.note == row.plan.action.note == "with [removed]"  # type: ignore[union-attr]
    assert ledger.audit.verify().whole
    ledger.close()
    assert b"xoxb-" not in ledger._store.path.read_bytes()


def test_a_vm_whose_name_begins_like_a_token_keeps_it(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan("xapp-01", "xapp-1.prod"), ADA, ORIGIN)
    (entry,) = ledger.history.find(text="xapp")
    assert entry.summary == "apply before-upgrade to xapp-01, xapp-1.prod"


def test_a_refusal_without_a_plan_is_recorded_whole(ledger: Ledger) -> None:
    denied = ledger.changes.deny(
        "c1",
        person_id="U0EVE",
        person_name="Eve",
        origin=Origin("C0OPS", "U0EVE"),
        summary="delete all of dc01",
        why="No grant allows it.",
        vms=[VMRef("id-dc01", "dc01", "hv01")],
    )
    row = ledger.changes.get("c1")
    assert denied
    assert row is not None
    assert (row.state, row.reason, row.plan) == (ChangeState.DENIED, "No grant allows it.", None)
    assert [(e.event, e.by) for e in ledger.events.of("c1")] == [("requested", "U0EVE"), ("denied", "bot")]
    assert [entry.result for entry in ledger.history.find(vms=["id-dc01"])] == ["No grant allows it."]


def test_a_refusal_that_comes_twice_is_recorded_once(ledger: Ledger) -> None:
    for expected in (True, False):
        said = ledger.changes.deny("c1", person_id="U1", person_name="Eve", origin=ORIGIN, summary="delete", why="No.")
        assert said is expected
    assert len(ledger.events.of("c1")) == 2


def test_every_move_is_one_event_with_who_when_and_why(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    clock.forward(minutes=1)
    assert ledger.changes.move(
        "c1", ChangeState.AWAITING, by="bot", why="apply asks first", detail={"awaits": "confirmation"}
    )
    clock.forward(minutes=1)
    assert ledger.changes.move("c1", ChangeState.CANCELLED, by=BOB.id, why="by Bob")
    requested, awaiting, cancelled = ledger.events.of("c1")
    assert (requested.event, requested.by, requested.at) == ("requested", ADA.id, START)
    assert (awaiting.state, awaiting.why, awaiting.detail) == (
        ChangeState.AWAITING, "apply asks first", {"awaits": "confirmation"},
    )  # fmt: skip
    assert (cancelled.at, cancelled.by) == (START + timedelta(minutes=2), BOB.id)
    row = ledger.changes.get("c1")
    assert row is not None
    assert (row.state, row.reason, row.decided_by) == (ChangeState.CANCELLED, "by Bob", BOB.id)
    assert (row.created_at, row.updated_at) == (START, START + timedelta(minutes=2))


def test_a_move_that_was_made_already_is_not_made_again(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    assert ledger.changes.move("c1", ChangeState.QUEUED, by="bot")
    assert not ledger.changes.move("c1", ChangeState.QUEUED, by="bot", why="once more")
    assert len(ledger.events.of("c1")) == 2


@pytest.mark.parametrize("wanted", [s for s in ChangeState if s not in LEGAL[ChangeState.SUCCEEDED]])
def test_nothing_follows_a_success(ledger: Ledger, wanted: ChangeState) -> None:
    carry(ledger, "c1")
    if wanted is ChangeState.SUCCEEDED:
        assert not ledger.changes.move("c1", wanted, by="bot")
        return
    with pytest.raises(IllegalMove) as caught:
        ledger.changes.move("c1", wanted, by="bot")
    assert (caught.value.state, caught.value.wanted) == (ChangeState.SUCCEEDED, wanted)
    assert str(caught.value) == f"change c1 is succeeded; it cannot become {wanted}"
    assert ledger.audit.verify().whole


@pytest.mark.parametrize(
    "error",
    [
        LedgerError("It is full.", "SQLITE_FULL"),
        UnknownChange("c1"),
        IllegalMove("c1", ChangeState.QUEUED, ChangeState.EXPIRED),
    ],
)
def test_an_error_can_be_kept_and_raised_again_by_a_durable_step(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_states_that_nothing_follows_are_final() -> None:
    assert {s.value for s in ChangeState if s.final} == {
        "denied", "refused", "cancelled", "expired", "void", "succeeded", "failed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "follow"),
    [
        ("requested", "denied awaiting queued void failed"),
        ("awaiting", "refused cancelled expired void denied queued"),
        ("queued", "running cancelled void denied failed"),
        ("running", "succeeded failed unknown"),
        ("unknown", "succeeded failed"),
    ],
)
def test_nothing_runs_unasked_and_nothing_that_runs_is_cut_off(state: str, follow: str) -> None:
    assert LEGAL[ChangeState(state)] == set(follow.split())


def test_an_unknown_outcome_is_settled_later(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    for state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.UNKNOWN):
        ledger.changes.move("c1", state, by="bot", result="The connection was lost." if state == "unknown" else None)
    assert [row.id for row in ledger.changes.unfinished()] == ["c1"]
    ledger.changes.move("c1", ChangeState.SUCCEEDED, by="bot", result="It had happened.")
    row = ledger.changes.get("c1")
    assert row is not None
    assert row.result == "It had happened."
    assert ledger.changes.unfinished() == ()


def test_a_note_leaves_the_state_and_who_decided(ledger: Ledger, clock: StoppedClock) -> None:
    carry(ledger, "c1")
    clock.forward(hours=1)
    ledger.changes.note("c1", "merged", by="bot", why="4 GB came back", detail={"bytes": 4 << 30, "at": clock.now})
    row, event = ledger.changes.get("c1"), ledger.events.of("c1")[-1]
    assert row is not None
    assert (row.state, row.decided_by, row.result) == (
        ChangeState.SUCCEEDED, BOB.id, "web01 is back at before-upgrade.",
    )  # fmt: skip
    assert (event.event, event.state, event.detail["at"]) == ("merged", row.state, "2026-11-20T10:00:00.000000Z")


def test_a_note_cannot_pass_for_a_move(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    with pytest.raises(ValueError, match="is a state"):
        ledger.changes.note("c1", "succeeded", by="bot")


def test_a_detail_that_has_no_json_is_a_mistake_and_writes_nothing(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    with pytest.raises(TypeError, match="object cannot be written"):
        ledger.changes.note("c1", "odd", by="bot", detail={"x": object()})
    assert len(ledger.events.of("c1")) == 1
    assert ledger.audit.verify().whole


def test_a_change_that_nobody_asked_for_cannot_be_moved_noted_or_shown(ledger: Ledger) -> None:
    for act in (
        lambda: ledger.changes.move("nope", ChangeState.QUEUED, by="bot"),
        lambda: ledger.changes.note("nope", "sent", by="bot"),
        lambda: ledger.changes.set_message("nope", MessageRef("C1", "1.2")),
    ):
        with pytest.raises(UnknownChange, match="nope"):
            act()
    assert ledger.changes.get("nope") is None
    assert ledger.events.of("nope") == ()


def test_a_forged_id_is_merely_unknown(ledger: Ledger) -> None:
    for forged in ("\ud800", "' OR 1=1 --", "\0", ""):
        assert ledger.changes.get(forged) is None
        assert ledger.events.of(forged) == ()


def test_the_message_of_a_change_is_kept(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    ledger.changes.set_message("c1", MessageRef("C0OPS", "1763629200.000100"))
    row = ledger.changes.get("c1")
    assert row is not None
    assert row.message == MessageRef("C0OPS", "1763629200.000100")


def test_unfinished_changes_come_oldest_first(ledger: Ledger) -> None:
    for id in ("c1", "c2", "c3", "c4"):
        ledger.changes.request(id, plan(), ADA, ORIGIN)
    ledger.changes.move("c1", ChangeState.QUEUED, by="bot")
    ledger.changes.move("c2", ChangeState.VOID, by="bot", why="the VM is on another host")
    ledger.changes.move("c3", ChangeState.AWAITING, by="bot")
    assert [row.id for row in ledger.changes.unfinished()] == ["c1", "c3", "c4"]


def test_a_time_without_a_zone_is_a_mistake(ledger: Ledger, clock: StoppedClock) -> None:
    clock.now = datetime(2026, 11, 20)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        ledger.changes.request("c1", plan(), ADA, ORIGIN)


ACTIONS = st.one_of(
    st.builds(Create, st.text(), st.none() | st.sampled_from(CheckpointType), st.none() | st.floats(0, 1e9), st.text()),
    st.builds(Delete, st.booleans()),
    st.builds(Rename, st.text()),
    st.builds(Keep, st.none() | st.datetimes(timezones=st.just(UTC))),
    st.builds(Claim),
    st.builds(Export, st.text()),
    st.builds(Acknowledge, st.text()),
    st.builds(Configure, st.none() | st.sampled_from(CheckpointType), st.none() | st.booleans()),
)
PICTURES = st.builds(
    Picture,
    st.text(),
    st.integers(0, 40000),
    st.lists(st.tuples(st.text(), st.none() | st.text(), st.text())).map(tuple),
)
TARGETS = st.builds(Target, st.text(), st.text(), st.text(), PICTURES, st.none() | st.text(), st.none() | st.text())
TEXTS = st.lists(st.text(), max_size=3).map(tuple)
PLANS = st.builds(Plan, ACTIONS, st.lists(TARGETS, max_size=3).map(tuple), st.text(), TEXTS, TEXTS)


@settings(deadline=None)
@given(PLANS)
def test_every_plan_reads_back_as_it_was(wanted: Plan) -> None:
    assert plan_from_json(plan_to_json(wanted)) == wanted


def test_names_that_are_no_valid_unicode_read_back_as_they_were() -> None:
    wanted = replace(plan(), targets=(replace(target(), vm_name="web\ud800", checkpoint_name="\udfff"),))
    assert plan_from_json(plan_to_json(wanted)) == wanted


def test_every_kind_of_action_is_tried() -> None:
    tried = {Claim, Create, Delete, Rename, Keep, Export, Configure, Acknowledge}
    assert set(actions().values()) - tried == {type(plan().action)}
    assert plan_from_json(plan_to_json(plan())) == plan()


def test_a_plan_of_another_version_is_read_by_what_both_know() -> None:
    text = plan_to_json(plan()).replace('"safety":true', '"added_later":1')
    assert plan_from_json(text) == plan()


def test_a_plan_that_has_no_meaning_any_more_is_an_error_with_a_sentence(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="cannot be read by this version") as caught:
        plan_from_json('{"action":{"verb":"defragment"},"targets":[],"summary":""}')
    assert "action" in caught.value.cause


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.data())
def test_any_text_can_be_recorded_and_the_chain_still_fits(ledger: Ledger, text: str, data: st.DataObject) -> None:
    id = f"c{len(ledger.history.find(limit=1000))}"
    wanted = replace(creation("x", "web01", note=text), summary=text, targets=(replace(target(), vm_name=text),))
    ledger.changes.request(id, wanted, replace(ADA, name=text), ORIGIN)
    ledger.changes.note(id, "sent", by="bot", why=text, detail={text: [text]})
    ledger.changes.deny(
        f"{id}-{text}", person_id=text, person_name=text, origin=Origin(text, text), summary=text, why=text
    )
    row = ledger.changes.get(id)
    assert row is not None
    assert row.plan == replace(wanted, action=replace(wanted.action, note=clean(text)))
    assert ledger.audit.verify().broken is None


def test_refusals_of_one_person_do_not_fill_the_ledger(ledger: Ledger, clock: StoppedClock) -> None:
    def refuse(number: int, who: str = "U0EVE") -> bool:
        return ledger.changes.deny(
            f"{who}{number}", person_id=who, person_name="Eve", origin=ORIGIN, summary="delete dc01", why="No grant."
        )

    assert sum(refuse(number) for number in range(100)) == MOST_REFUSALS
    assert ledger.history.find(limit=1)[0].result.endswith(NO_MORE)
    assert refuse(0, "U0BOB")
    clock.forward(hours=2)
    assert refuse(200)
    assert ledger.audit.verify().whole
