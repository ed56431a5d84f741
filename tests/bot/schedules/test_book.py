"""Schedules as people keep them: added, run, paused and removed from Slack, by those who may, and in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

import pytest

from bot.ledger import ChangeState
from bot.settings import GrantSettings, ScheduleSettings
from commands.base import unmarked
from tests.support.board import buttons
from tests.support.headquarters import Headquarters, settings
from tests.support.people import ADA, BOB, CHANNEL, EVE, SHARED


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    folder = tmp_path_factory.mktemp("headquarters")
    made = Headquarters(folder)
    given = settings(folder)
    grants = (*given.access.grants, GrantSettings(to=("U0DAN",), role="operator", vms=("app*",)))
    kept = ScheduleSettings(name="from-settings", vms=("cfg*",), owner=ADA, channel=CHANNEL, at=time(2), keep="7d")
    made.settings = given.model_copy(
        update={"access": given.access.model_copy(update={"grants": grants}), "schedules": (kept,)}
    )
    made.people.members["U0DAN"] = made.people.members[ADA].__class__("U0DAN", "dan", "T0")
    with made:
        made.add_vm("app01")
        made.add_vm("app02", host="hv02")
        made.add_vm("web01")
        made.add_vm("cfg01")
        made.core.inventory.refresh()
        yield made


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.core.inventory.refresh(disks=True)
    return shared


def posted(hq: Headquarters, words: str) -> str:
    """The message in the channel that has these words, once it is there."""
    return hq.board.pulse.wait_for(lambda: next((text for text in hq.board.texts if words in text), None))


def test_who_may_create_and_delete_adds_one_and_it_runs_when_asked_to(hq: Headquarters) -> None:
    hq.type("schedule add app* --at 02:00 --keep 7d --name first")

    assert "ada added the schedule first. It runs with their rights, first at" in posted(hq, "added the schedule first")
    row = hq.newest()
    assert (row.verb, row.state, row.summary) == ("schedule", ChangeState.SUCCEEDED, "add the schedule first")
    assert {vm.name for vm in row.vms} == {"app01", "app02"}

    hq.type("schedule run first", who=BOB)
    assert "of app01 and app02." in posted(hq, "✅ first: took first ")
    assert len(hq.checkpoints("app01")) == len(hq.checkpoints("app02", "hv02")) == 1
    assert hq.ledger.audit.verify().whole


@pytest.mark.parametrize(
    ("words", "who", "told"),
    [
        (
            "schedule add app* --at 02:00 --keep 7d --name no1",
            "U0DAN",
            "take and delete checkpoints of app01 and app02",
        ),
        ("schedule add web01 --at 02:00 --name no2", EVE, "No grant lets you take checkpoints of web01"),
    ],
)
def test_who_may_not_is_refused_and_that_is_in_the_ledger(hq: Headquarters, words: str, who: str, told: str) -> None:
    hq.type(words, who=who)

    assert told in hq.told()
    assert hq.told().endswith("Nothing was changed.")
    assert (hq.newest().state, hq.newest().person_id) == (ChangeState.DENIED, who)


def test_who_may_create_only_adds_one_that_keeps_all(hq: Headquarters) -> None:
    hq.type("schedule add app01 --at 02:00 --name dans", who="U0DAN")

    assert posted(hq, "dan added the schedule dans")


def test_a_name_is_there_once(hq: Headquarters) -> None:
    hq.type("schedule add app01 --at 02:00 --name twice")
    hq.type("schedule add app02 --at 03:00 --name Twice")

    assert "There is a schedule called twice already" in hq.told()


def test_its_owner_or_who_has_its_rights_pauses_and_removes_it_and_nobody_else(hq: Headquarters) -> None:
    hq.type("schedule add web01 --at 02:00 --keep 7d --name webs")
    hq.type("schedule pause webs", who=EVE)
    assert "whoever wants to pause this schedule needs that. The role owner would allow it." in unmarked(hq.told())

    hq.type("schedule pause webs", who=BOB)
    assert posted(hq, "bob paused the schedule webs")
    hq.type("schedule resume webs")
    assert posted(hq, "ada resumed the schedule webs. It runs next at")
    hq.type("schedule remove webs", who=BOB)
    assert posted(hq, "bob removed the schedule webs")
    hq.type("schedule show webs")
    assert "There is no schedule called webs" in hq.told()


def test_who_sees_some_of_its_vms_only_does_nothing_with_it_and_reads_no_other_name(hq: Headquarters) -> None:
    hq.type("schedule add app01,web01 --at 02:00 --name wide")

    for what in ("run", "pause", "remove"):
        hq.type(f"schedule {what} wide", who="U0DAN")
        assert "checkpoints of all of its VMs" in hq.told()
        assert "web01" not in hq.told()
    hq.type("schedule show wide", who="U0DAN")
    assert "It takes production checkpoints of app01 and others" in hq.told()
    hq.type("schedule show wide")
    assert "It takes production checkpoints of app01 and web01" in hq.told()


def test_one_of_the_settings_is_there_and_is_paused_over_a_restart(hq: Headquarters) -> None:
    hq.type("schedule remove from-settings")
    assert "is from the settings and is not removed here" in hq.told()
    hq.type("schedule pause from-settings")
    hq.restart()

    hq.type("schedule show from-settings")

    assert "paused: ada paused it" in hq.told()


def test_from_a_channel_that_is_shared_nothing_is_changed(hq: Headquarters) -> None:
    hq.type("schedule add app01 --at 02:00 --name elsewhere", channel=SHARED)

    assert "shared with another workspace, so I change nothing from here" in hq.told()


def test_what_failed_is_told_in_a_list_with_a_button_that_runs_it_again(hq: Headquarters) -> None:
    hq.type("schedule add app* --at 02:00 --name again")
    with hq.refusing("hv02"):
        hq.type("schedule run again")
        text = posted(hq, "⚠️ again: 1 of 2 taken")
    assert "app02" in text
    ref, message = next((ref, one) for ref, one in hq.board.shown.items() if one.text == text)
    before = len(hq.checkpoints("app01"))

    hq.press(buttons(message)[0], ref)

    assert posted(hq, "✅ again: took again ")
    assert len(hq.checkpoints("app01")) == before


def test_a_host_that_refuses_what_was_just_seen_has_its_vms_named(hq: Headquarters) -> None:
    hq.type("schedule add app* --at 02:00 --name without-disks")
    hq.restart()
    hq.core.inventory.refresh()
    with hq.refusing("hv02"):
        hq.type("schedule run without-disks")
        assert "app02" in posted(hq, "without-disks: 1 of 2 taken")


def test_a_host_that_has_shown_nothing_is_named_and_not_passed_over(hq: Headquarters) -> None:
    hq.type("schedule add app* --at 02:00 --name in-the-dark")
    with hq.refusing("hv02"):
        hq.restart()
        hq.core.inventory.refresh()
        hq.type("schedule run in-the-dark")
        text = posted(hq, "⚠️ in-the-dark: 1 taken")
    assert "hv02 does not answer, and has shown nothing since I was started: what it has is not taken." in text


def test_a_dry_run_changes_nothing(hq: Headquarters) -> None:
    with hq.nothing_changes():
        hq.type("schedule add app* --at 02:00 --keep 7d --dry-run")

    assert "It would take app 02.00 " in hq.told()
