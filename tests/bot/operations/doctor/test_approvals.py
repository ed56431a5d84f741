"""What the doctor says of who can approve, and of what the owners of schedules may do: for each VM."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backends.base import VM, VMState
from bot.operations.doctor import schedules
from bot.operations.doctor.approvals import Approvals
from bot.operations.doctor.findings import Check, State
from bot.people.directory import LookupFailed, Member, ScopeMissing
from bot.people.identity import Gate
from bot.settings import AccessSettings, ApprovalSettings, GrantSettings, ScheduleSettings, Settings
from tests.support.people import ADA, ADMINS, BOB, CHANNEL, ELSEWHERE, EVE, GUEST, TEAM, People
from tests.support.settings import NO_SLACK, owners, viewers

DC, SQL, WEB = (VM(name, name, "hv01", VMState.RUNNING) for name in ("dc01", "sql01", "web01"))
ALL = (DC, SQL, WEB)


def rule(*by: str, vms: tuple[str, ...] = ("dc*", "sql*"), count: int = 1) -> ApprovalSettings:
    return ApprovalSettings(vms=vms, actions=("apply",), by=by, count=count)


def looked(
    one: ApprovalSettings,
    *grants: GrantSettings,
    vms: Sequence[VM] = ALL,
    hiding: Sequence[str] = (),
    people: People | None = None,
) -> list[Check]:
    settings = Settings(slack=NO_SLACK, access=AccessSettings(grants=grants, approvals=(one,)))
    gate = Gate(people or People(), settings.access)
    return list(Approvals(settings, gate, vms, hiding).look(frozenset()))


def test_who_may_see_some_of_the_vms_can_approve_for_those() -> None:
    both = (viewers(ADA, vms=("dc*",)), viewers(BOB, vms=("sql*",)))

    (check,) = looked(rule(ADA, BOB), *both)

    assert check.state is State.WORKS
    assert "ada and bob can approve" in check.line


def test_the_vms_that_nobody_can_approve_are_named() -> None:
    (check,) = looked(rule(ADA), viewers(ADA, vms=("dc*",)))

    assert check.state is State.BROKEN
    assert "Nobody can approve a change of sql01: " in check.line


def test_the_vms_that_too_few_can_approve_are_named_with_who_can() -> None:
    (check,) = looked(rule(ADA, BOB, count=2), viewers(ADA), viewers(BOB, vms=("dc*",)))

    assert check.state is State.BROKEN
    assert "It asks for 2 approvals, and only ada can approve a change of sql01." in check.line


def test_who_can_approve_alone_and_may_ask_is_named_with_the_vms() -> None:
    (check,) = looked(rule(ADA, EVE), owners(ADA), viewers(EVE, vms=("sql*",)))

    assert check.state is State.WARNING
    assert "ada alone can approve a change of dc01, and nobody approves what they asked for themselves." in check.line


@pytest.mark.parametrize(("vms", "hiding"), [((), ()), ((WEB,), ("hv02",)), (ALL, ("hv02",))])
def test_vms_that_were_not_seen_are_not_decided_about(vms: Sequence[VM], hiding: Sequence[str]) -> None:
    (check,) = looked(rule(ADA, BOB), viewers(ADA, BOB), vms=vms, hiding=hiding)

    assert check.state is State.UNSEEN
    assert ("hv02" in check.line) is bool(hiding)


def test_what_is_wrong_with_a_vm_that_was_seen_is_told_though_others_were_not() -> None:
    (check,) = looked(rule(ADA), viewers(ADA, vms=("dc*",)), hiding=("hv02",))

    assert check.state is State.BROKEN


# ---------------------------------------------------------------- everyone


def test_everyone_is_counted_by_those_who_have_a_grant() -> None:
    (alone,) = looked(rule("everyone"), owners(ADA), owners(EVE, vms=("web*",)))
    (well,) = looked(rule("everyone"), owners(ADMINS))

    assert "ada alone can approve a change of dc01 and sql01" in alone.line
    assert "ada and bob can approve" in well.line


def test_everyone_with_a_grant_to_everyone_is_not_counted() -> None:
    (check,) = looked(rule("everyone"), viewers("everyone"))

    assert check.state is State.UNSEEN


# ---------------------------------------------------------------- a workspace that does not say


class Silent(People):
    """Tells of members, and not of groups."""

    problem: LookupFailed = LookupFailed("fatal_error")

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        raise self.problem


@pytest.mark.parametrize("problem", [LookupFailed("fatal_error"), ScopeMissing("usergroups:read")])
@pytest.mark.parametrize("by", [ADA, ADMINS])
def test_somebody_of_whom_slack_does_not_tell_is_not_said_to_be_unable(problem: LookupFailed, by: str) -> None:
    people = Silent()
    people.problem = problem

    (check,) = looked(rule(by), owners(ADMINS), people=people)

    assert check.state is State.UNSEEN


def test_no_more_people_are_looked_up_than_it_takes() -> None:
    asked = []

    class Counting(People):
        def member(self, user_id: str, *, max_age: float | None = None) -> Member:
            asked.append(user_id)
            return Member(user_id, user_id.lower(), TEAM)

    many = Counting(admins=frozenset(f"U0{n:03}" for n in range(200)))
    (check,) = looked(rule(ADMINS), owners(ADMINS), people=many)

    assert check.state is State.WORKS
    assert len({*asked}) == 2


# ---------------------------------------------------------------- owners of schedules


def schedule(owner: str, **more: object) -> ScheduleSettings:
    given = {"name": "nightly", "vms": ["@shop"], "owner": owner, "channel": CHANNEL, "at": "02:00", **more}
    return ScheduleSettings.model_validate(given)


def owner_of(one: ScheduleSettings, *grants: GrantSettings, people: People | None = None) -> Check:
    settings = Settings(
        slack=NO_SLACK,
        access=AccessSettings(grants=grants),
        sets={"shop": ("web*", "sql*")},
        schedules=(one,),
    )
    gate = Gate(people or People(), settings.access)
    (check,) = schedules.look(settings, gate, ALL, frozenset())
    return check


def test_an_owner_who_may_take_checkpoints_of_all_its_vms_is_right() -> None:
    assert owner_of(schedule(ADA), owners(ADA)).state is State.WORKS


def test_an_owner_who_may_do_nothing_on_its_vms_is_a_fault() -> None:
    check = owner_of(schedule(EVE), viewers(EVE))

    assert check.state is State.BROKEN
    assert "No grant lets eve create on any of its VMs" in check.said


def test_an_owner_whose_grant_holds_in_another_channel_alone_is_a_fault() -> None:
    grant = GrantSettings(to=(ADA,), role="owner", vms=("*",), channels=(ELSEWHERE,))

    assert owner_of(schedule(ADA), grant).state is State.BROKEN


def test_the_vms_that_an_owner_may_not_clean_up_are_named() -> None:
    operator = GrantSettings(to=(ADA,), role="operator", vms=("*",))

    check = owner_of(schedule(ADA, keep="7d"), operator, owners(ADA, vms=("web*",)))

    assert check.state is State.WARNING
    assert "create and delete on sql01" in check.line


def test_an_owner_whom_the_bot_lets_do_nothing_is_a_fault() -> None:
    assert owner_of(schedule(EVE), owners(ADA)).state is State.BROKEN


def test_a_schedule_of_vms_that_were_not_seen_is_not_decided_about() -> None:
    assert owner_of(schedule(ADA, vms=["app*"]), owners(ADA)).state is State.UNSEEN


def test_an_owner_of_whom_slack_does_not_tell_is_not_said_to_be_unable() -> None:
    assert owner_of(schedule(ADA), owners(ADA), people=People(out_of_order=True)).state is State.UNSEEN


def test_an_owner_who_is_a_guest_is_told_of_where_every_id_is() -> None:
    one = schedule(GUEST, vms=["web*"])
    settings = Settings(slack=NO_SLACK, access=AccessSettings(grants=(owners(GUEST),)), schedules=(one,))
    found = schedules.look(settings, Gate(People(), settings.access), ALL, frozenset({"schedules.0.owner"}))

    assert list(found) == []
