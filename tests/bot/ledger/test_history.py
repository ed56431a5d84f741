from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.ledger import ChangeState, Ledger, history
from commands.base import Record
from tests.support.clock import START, StoppedClock
from tests.support.ledger import ADA, BOB, ORIGIN, carry, creation, plan


@pytest.fixture
def filled(ledger: Ledger, clock: StoppedClock) -> Ledger:
    """c1 to c5, an hour after each other."""
    carry(ledger, "c1", plan("web01"))
    clock.forward(hours=1)
    ledger.changes.request("c2", creation("before-upgrade", "web02", note="Ubuntu 26.04"), BOB, ORIGIN)
    clock.forward(hours=1)
    ledger.changes.request("c3", creation("avant-été", "db01", "web01"), ADA, ORIGIN)
    ledger.changes.move("c3", ChangeState.VOID, by="bot", why="db01 moved to hv02")
    clock.forward(hours=1)
    ledger.changes.request("c4", creation("本番リリース前", "app-01.prod"), BOB, ORIGIN)
    clock.forward(hours=1)
    ledger.changes.deny(
        "c5", person_id="U0EVE", person_name="Eve", origin=ORIGIN, summary="delete dc01", why="No grant."
    )
    return ledger


def ids(ledger: Ledger, **filters: object) -> list[str]:
    return [entry.change_id for entry in ledger.history.find(**filters)]  # type: ignore[arg-type]


def test_the_ledger_is_what_commands_may_ask(ledger: Ledger) -> None:
    record: Record = ledger
    assert record.history.find() == ()


def test_the_last_asked_for_comes_first_whatever_became_of_it(filled: Ledger) -> None:
    assert ids(filled) == ["c5", "c4", "c3", "c2", "c1"]


def test_an_entry_says_who_what_when_and_how_it_ended(filled: Ledger) -> None:
    entry = filled.history.find()[-1]
    assert (entry.person, entry.person_name, entry.at, entry.state) == ("U0ADA", "Ada", START, "succeeded")
    assert (entry.summary, entry.vms) == ("apply before-upgrade to web01", ("id-web01",))
    assert entry.result == "web01 is back at before-upgrade."


def test_a_change_without_a_result_shows_why_it_ended(filled: Ledger) -> None:
    assert [entry.result for entry in filled.history.find(limit=3)] == ["No grant.", "", "db01 moved to hv02"]


def test_pages_follow_each_other_without_gap(filled: Ledger) -> None:
    assert [ids(filled, limit=2, offset=at) for at in (0, 2, 4, 6)] == [["c5", "c4"], ["c3", "c2"], ["c1"], []]


@pytest.mark.parametrize(
    ("vms", "found"),
    [
        (["id-web01"], ["c3", "c1"]),
        (["id-db01", "id-web02"], ["c3", "c2"]),
        (["id-db01", "id-web01"], ["c3", "c1"]),
        (["nope"], []),
        ([], []),
        (None, ["c5", "c4", "c3", "c2", "c1"]),
    ],
)
def test_a_change_is_found_by_any_of_its_vms(filled: Ledger, vms: list[str] | None, found: list[str]) -> None:
    assert ids(filled, vms=vms) == found
    with many_changes_of_each_vm():
        assert ids(filled, vms=vms) == found


@contextmanager
def many_changes_of_each_vm() -> Iterator[None]:
    few, history._FEW = history._FEW, 1
    try:
        yield
    finally:
        history._FEW = few


def test_a_person_finds_what_they_asked_for(filled: Ledger) -> None:
    assert ids(filled, person=BOB.id) == ["c4", "c2"]
    assert ids(filled, person="nobody") == []


@pytest.mark.parametrize(
    ("name", "found"),
    [("ada", ["c3", "c1"]), ("AD", ["c3", "c1"]), ("Eve", ["c5"]), ("web", []), ('"', []), ("ada bob", [])],
)
def test_a_person_is_found_by_name_alone(filled: Ledger, name: str, found: list[str]) -> None:
    filled.changes.request("c6", plan("ada-db", summary="apply what ada left"), BOB, ORIGIN)
    assert ids(filled, person_name=name) == found


def test_a_name_counts_however_many_words_are_searched_for(filled: Ledger) -> None:
    assert ids(filled, person_name="bob", text="web " * 20) == ["c2"]


def test_since_includes_its_own_moment(filled: Ledger) -> None:
    assert ids(filled, since=START + timedelta(hours=3)) == ["c5", "c4"]
    assert ids(filled, since=START + timedelta(hours=3, microseconds=1)) == ["c5"]
    assert ids(filled, since=START + timedelta(days=1)) == []


def test_since_holds_when_the_clock_went_back(filled: Ledger, clock: StoppedClock) -> None:
    clock.forward(hours=-4)
    filled.changes.request("c6", plan(), ADA, ORIGIN)
    assert ids(filled, since=START + timedelta(hours=1)) == ["c5", "c4", "c3", "c2"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("before", ["c2", "c1"]),
        ("before-upgrade", ["c2", "c1"]),
        ("BEFORE upgr", ["c2", "c1"]),
        ("ubuntu", ["c2"]),
        ("26.04", ["c2"]),
        ("ete", ["c5", "c3"]),
        ("été", ["c3"]),
        ("本番", ["c4"]),
        ("app-01.prod", ["c4"]),
        ("eve", ["c5"]),
        ("back", ["c1"]),
        ("web", ["c3", "c2", "c1"]),
        ("web bob", ["c2"]),
        ("denied", ["c5"]),
        ("no grant", ["c5"]),
        ("void moved", ["c3"]),
        ("succeeded", ["c1"]),
        ("nothing", []),
        ("  ", ["c5", "c4", "c3", "c2", "c1"]),
    ],
)
def test_text_finds_beginnings_of_words(filled: Ledger, text: str, found: list[str]) -> None:
    assert ids(filled, text=text) == found


def test_filters_are_held_together(filled: Ledger) -> None:
    assert ids(filled, text="web", vms=["id-web01"], person=ADA.id, since=START + timedelta(hours=1)) == ["c3"]
    assert ids(filled, text="web", limit=1, offset=1) == ["c2"]


def test_a_result_can_be_searched_for_as_soon_as_it_is_there(filled: Ledger) -> None:
    filled.changes.move("c2", ChangeState.FAILED, by="bot", result="The volume is full.")
    assert ids(filled, text="volume full") == ["c2"]
    assert ids(filled, text="ubuntu") == ["c2"]


@pytest.mark.parametrize(
    "text", ['"', "summary:web", "web OR db", "NEAR(web db)", "*", "^web", "-web", "\0", "'; DROP"]
)
def test_a_hostile_search_is_a_search_for_words(filled: Ledger, text: str) -> None:
    assert set(ids(filled, text=text)) <= {"c1", "c2", "c3", "c4", "c5"}
    assert filled.audit.verify().whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_search_is_answered(filled: Ledger, text: str) -> None:
    filled.history.find(text=text)


def test_a_search_of_a_thousand_words_is_answered(filled: Ledger) -> None:
    assert ids(filled, text="web " * 1000) == ["c3", "c2", "c1"]


@pytest.mark.parametrize(
    "text",
    ["メンテナンス", "ンテナ", "前の", "月次メンテナンス前のカーネル", "カーネル 6.12", "ernel", "12", "kernel 前"],
)
def test_words_of_any_script_are_found_wherever_they_stand(ledger: Ledger, text: str) -> None:
    ledger.changes.request("c1", creation("x", "web01", note="月次メンテナンス前のカーネル kernel 6.12"), ADA, ORIGIN)
    ledger.changes.request("c2", creation("y", "web02", note="something else"), ADA, ORIGIN)

    assert [entry.change_id for entry in ledger.history.find(text=text)] == ["c1"]


def test_pages_go_over_both_ways_of_finding(ledger: Ledger) -> None:
    """`web` begins a word in some and stands inside one in others."""
    for number in range(10):
        note = "web" if number % 2 else "intraweb"
        ledger.changes.request(f"c{number}", creation("x", "app01", note=note), ADA, ORIGIN)

    pages = [ledger.history.find(text="web", limit=3, offset=offset) for offset in range(0, 12, 3)]

    assert [entry.change_id for page in pages for entry in page] == [f"c{n}" for n in reversed(range(10))]


def test_of_one_change_it_says_what_became_of_each_vm_in_their_order(filled: Ledger) -> None:
    filled.changes.request("c6", creation("x", "web01", "web02", "web03"), ADA, ORIGIN)
    for vm, state in (("id-web02", "failed"), ("id-web01", "succeeded")):
        detail = {"vm_id": vm, "state": state}
        filled.changes.note("c6", "outcome", by="bot", why=f"{vm} is told of.", detail=detail)
    assert [(one.vm_name, one.state, one.result) for one in filled.history.each("C6")] == [
        ("web01", "succeeded", "id-web01 is told of."),
        ("web02", "failed", "id-web02 is told of."),
        ("web03", "", ""),
    ]
    assert filled.history.each("c")[0].vm_name == "web01", "of several the newest"
    for none in ("c7", "", "%", "c_"):
        assert filled.history.each(none) == ()
