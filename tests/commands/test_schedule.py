"""`/checkpoint schedule`: what it says, what it wants, and what it refuses in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from commands import run
from commands.base import (
    Going,
    Grant,
    LastRun,
    Left,
    Plan,
    Rehearsal,
    Reply,
    Schedule,
    SchedulePlan,
    UsageError,
    unmarked,
)
from tests.support.memory import NOW, Known, World

DAY = 86400.0
NIGHTLY = Schedule("id", "nightly", ("web*",), "U0BOB", "bob", "C0OPS", at=time(2), keep=7 * DAY)
HIDDEN = Schedule("other", "payroll", ("pay*",), "U0BOB", "bob", "C0OPS", at=time(2))


@pytest.fixture
def known(world: World) -> Known:
    world.vm("web01")
    world.vm("web02")
    world.inventory.refresh()
    world.schedules.schedules = [NIGHTLY, HIDDEN]
    return world.schedules


def answer(world: World, known: Known, *words: str) -> Reply | Plan | SchedulePlan:
    return run(["schedule", *words], world.context)


def said(world: World, known: Known, *words: str) -> str:
    reply = answer(world, known, *words)
    assert isinstance(reply, Reply)
    return reply.text


def wanted(world: World, known: Known, *words: str) -> SchedulePlan:
    plan = answer(world, known, *words)
    assert isinstance(plan, SchedulePlan)
    return plan


def refused(world: World, known: Known, *words: str) -> str:
    with pytest.raises(UsageError) as error:
        answer(world, known, *words)
    return unmarked(f"{error.value.sentence} {error.value.hint}")


def test_the_list_has_those_in_sight_with_their_next_run_and_last_outcome(world: World, known: Known) -> None:
    known.last = LastRun(NOW - timedelta(hours=12), "1 of 2 taken")

    text = said(world, known)

    assert "1 schedule" in text
    assert "nightly | web* | at 02:00 every day | Keeps for 7 days | bob | 2026-11-23 02:05 UTC" in text
    assert "2026-11-22 02:05 UTC, 1 of 2 taken" in text
    assert "payroll" not in text


def test_without_any_it_says_how_to_add_one(world: World, known: Known) -> None:
    known.schedules = []

    assert "schedule add app* --at 02:00 --keep 7d" in said(world, known, "list")


def test_show_has_all_of_one(world: World, known: Known) -> None:
    known.schedules = [replace(NIGHTLY, paused_by="the bot", paused_why="deactivated", from_settings=True)]

    text = said(world, known, "show", "nightly")

    assert "production checkpoints of web*" in text
    assert "belongs to bob and is from the settings" in text
    assert "Next run: paused: deactivated. Last run: none yet." in text
    assert "VMs in sight: web01 and web02." in text


def test_add_wants_a_schedule_of_ones_own_in_this_channel(world: World, known: Known) -> None:
    plan = wanted(
        world,
        known,
        "add",
        "web*",
        "--at",
        "22:00",
        "--keep",
        "7d",
        "--keep-last",
        "5",
        "--weekdays",
        "--except",
        "web02",
    )

    one = plan.schedule
    assert (plan.what, one.name, one.vms, one.excluded) == ("add", "web 22.00", ("web*",), ("web02",))
    assert (one.at, one.keep, one.keep_last, one.weekdays, one.kind) == (time(22), 7 * DAY, 5, True, "production")
    assert (one.owner_name, one.from_settings) == ("ada", False)


def test_the_interval_the_name_the_label_and_the_type_can_be_given(world: World, known: Known) -> None:
    plan = wanted(
        world,
        known,
        "add",
        "web01,",
        "web02",
        "--every",
        "6h",
        "--name",
        "often",
        "--label",
        "six",
        "--type",
        "standard",
    )

    one = plan.schedule
    assert (one.vms, one.every, one.name, one.label, one.kind) == (
        ("web01", "web02"),
        6 * 3600,
        "often",
        "six",
        "standard",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "web*"], "A schedule needs --at or --every, and not both."),
        (["add", "web*", "--at", "2:00", "--every", "6h"], "A schedule needs --at or --every, and not both."),
        (["add"], "Which VMs is it for?"),
        (["add", "web*", "--at", "25:00"], "'25:00' is not a time of day"),
        (["add", "web*", "--every", "90m"], "'90m' is not whole hours up to a day, or whole days"),
        (["add", "web*", "--at", "02:00", "--keep-last", "0"], "'0' is not a number from 1 to 49"),
        (["add", "web*", "--at", "02:00", "--except", "web*"], "No VM is left of web*. Look at --except."),
        (["add", "web*", "--at", "02:00", "--name", "a/b"], "a/b is no name for a schedule."),
        (["add", "nas*", "--at", "02:00"], "I know no VM called nas*."),
        (["pasue", "nightly"], "pasue is nothing that schedules do. Did you mean /checkpoint schedule pause nightly?"),
        (["web*"], "web* is nothing that schedules do. Type /checkpoint schedule add web* --at 02:00 to add one."),
        (["pause"], "Which schedule? Type /checkpoint schedule pause nightly."),
        (["pause", "nihtly"], "There is no schedule called nihtly. Did you mean nightly?"),
        (["show", "payroll"], "There is no schedule called payroll."),
        (["resume", "nightly"], "nightly is not paused. It runs next: 2026-11-23 02:05 UTC."),
        (["run", "nightly", "--failed"], "The last run of nightly left nothing to be made up."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_type(
    world: World, known: Known, words: list[str], told: str
) -> None:
    assert told in refused(world, known, *words)


def test_one_from_the_settings_is_paused_and_not_removed(world: World, known: Known) -> None:
    known.schedules = [replace(NIGHTLY, from_settings=True)]

    assert "is from the settings and is not removed here" in refused(world, known, "remove", "nightly")
    assert wanted(world, known, "pause", "Nightly").what == "pause"


def test_a_run_for_what_failed_is_about_those_vms(world: World, known: Known) -> None:
    known.last = LastRun(NOW, "1 of 2 taken", ("vm-2",))

    assert wanted(world, known, "run", "nightly", "--failed").only == ("vm-2",)
    assert wanted(world, known, "run", "nightly").only is None


def test_a_dry_run_says_what_would_be_taken_deleted_and_left_out_and_does_nothing(world: World, known: Known) -> None:
    known.rehearsal = Rehearsal(
        ("web01",),
        "nightly 2026-11-23 02.00",
        (Going("web01", "nightly 2026-11-15 02.00", NOW, "older than 7 days"),),
        (
            Left("id", "web02", "backup", "a backup is running"),
            Left("id", "web01", "kept", "bob keeps it", "cp", "gold"),
        ),
        ("hv02",),
    )
    for words in (["run", "nightly", "--dry-run"], ["add", "web*", "--at", "02:00", "--dry-run"]):
        text = said(world, known, *words)

        assert "It would take nightly 2026-11-23 02.00 of 1 VM: web01." in text
        assert "nightly 2026-11-15 02.00 of web01: older than 7 days" in text
        assert "web02: a backup is running" in text
        assert "gold of web01: bob keeps it" in text
        assert "hv02 could not be asked." in text
        assert text.endswith("Nothing was done.")
    assert "This would pause the schedule nightly" in said(world, known, "pause", "nightly", "--dry-run")


def test_a_dry_run_of_anothers_schedule_names_no_vm_that_is_not_in_sight(world: World, known: Known) -> None:
    world.vm("pay01")
    world.hidden.add("pay01")
    going = (Going("pay01", "payday", NOW, "older than 7 days"),)
    known.rehearsal = Rehearsal(("web01", "pay01"), "nightly", going, (Left("id", "pay01", "backup", "a backup"),))

    text = said(world, known, "run", "nightly", "--dry-run")

    assert "It would take nightly of 1 VM: web01." in text
    assert "pay" not in text


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("schedule pause nihtly", ["schedule pause nightly"]),
        ("schedule run nihtly --dry-run", ["schedule run nightly --dry-run"]),
        ("schedule pasue nightly", ["schedule pause nightly"]),
        ("schedule show wep 02.00", ["schedule show web 02.00"]),
        ("schedule show payroll", []),
    ],
)
def test_a_misspelt_schedule_is_offered_with_the_rest_of_the_command(
    world: World, known: Known, words: str, offered: list[str]
) -> None:
    known.schedules.append(replace(known.schedules[0], id="other", name="web 02.00"))
    assert world.offers(*words.split()) == offered


def test_who_may_only_look_is_offered_nothing_else(world: World, known: Known) -> None:
    world.grants = (Grant("viewer", ("view",), ("*",)),)
    assert world.offers("schedule", "pasue", "nightly") == []
    assert world.offers("schedule", "shwo", "nightly") == ["schedule show nightly"]


@pytest.mark.parametrize(("typed", "days"), [("2 weeks", 14), ("1w", 7), ("36 hours", 1.5), ("forever", None)])
def test_how_long_is_said_in_the_same_words_as_everywhere(
    world: World, known: Known, typed: str, days: float | None
) -> None:
    plan = world.run("schedule", "add", "web*", "--at", "02:00", "--keep", *typed.split())
    assert isinstance(plan, SchedulePlan)
    assert plan.schedule.keep == (None if days is None else days * 86_400)


def test_a_date_is_no_span_for_what_comes_again_and_again(world: World, known: Known) -> None:
    for date in ("until friday 18:00", "tomorrow", "31.12."):
        told = world.refuse("schedule", "add", "web*", "--at", "02:00", "--keep", date)
        assert "is one moment, and this comes again and again: type a span such as 36h or 7d" in told
