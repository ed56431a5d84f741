"""Whether a change is allowed still, and whose answer it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.changes.permission import UNDER_WAY, Permission
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from bot.people.directory import LookupFailed, Member
from bot.people.identity import RECENT, Gate, Refusal
from bot.settings import ApprovalSettings
from commands.base import Action, Apply, Create, Delete, Person, Plan, Target
from commands.base.names import unmarked
from tests.support.headquarters import settings
from tests.support.people import ADA, ADMINS, BOB, CHANNEL, EVE, GUEST, SHARED, People
from tests.support.workbench import Workbench


class Watching(People):
    """Notes how old answers may be."""

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        self.max_age = max_age
        return super().member(user_id, max_age=max_age)


@pytest.fixture
def people() -> Watching:
    return Watching()


@pytest.fixture
def permission(people: Watching, tmp_path: Path) -> Permission:
    made = settings(tmp_path)
    return Permission(made, Gate(people, made.access))


def asked(bench: Workbench, action: Action, vm: str = "web01", *, who: str = ADA, channel: str = CHANNEL) -> ChangeRow:
    """A change that was asked for."""
    target = Target.of(bench.add_vm(vm))
    plan = Plan(action, (replace(target, checkpoint_id="cp", checkpoint_name="first"),), action.verb)
    bench.ledger.changes.request("id", plan, Person(who, "somebody"), Origin(channel, who))
    return bench.row("id")


@pytest.mark.parametrize(
    ("action", "vm", "whose"),
    [
        (Create("x"), "web01", None),
        (Apply(), "web01", "confirmation"),
        (Delete(), "web01", "confirmation"),
        (Apply(), "sql01", "approval"),
        (Delete(), "sql01", "confirmation"),
    ],
)
def test_the_rules_say_whose_answer_it_needs(
    bench: Workbench, permission: Permission, action: Action, vm: str, whose: str | None
) -> None:
    assert permission.over(asked(bench, action, vm)) == whose


@pytest.mark.parametrize(
    ("who", "channel", "sentence"),
    [
        (EVE, CHANNEL, "No grant lets you take checkpoints of web01"),
        (GUEST, CHANNEL, "You are a guest"),
        ("U0GONE", CHANNEL, "Slack did not tell me who you are"),
        (ADA, SHARED, "This channel is shared with another workspace"),
    ],
)
def test_what_is_not_allowed_is_denied_in_a_sentence(
    bench: Workbench, permission: Permission, who: str, channel: str, sentence: str
) -> None:
    with pytest.raises(Refusal) as denied:
        permission.over(asked(bench, Create("x"), who=who, channel=channel))

    assert sentence in unmarked(denied.value.sentence)


def test_what_nobody_else_could_approve_is_denied_at_once(bench: Workbench, people: Watching, tmp_path: Path) -> None:
    made = settings(tmp_path)
    rules = made.access.model_copy(
        update={"approvals": (ApprovalSettings(vms=("sql*",), actions=("apply",), by=(ADMINS,)),)}
    )
    permission = Permission(made.model_copy(update={"access": rules}), Gate(people, rules))
    plan = Plan(Apply(), (Target.of(bench.add_vm("sql01")),), "apply")

    assert permission.of(plan, Person(ADA, "ada"), CHANNEL) == "approval"
    assert permission.mentioned(plan, CHANNEL, but={ADA}) == (ADMINS,)
    with pytest.raises(Refusal, match="nobody but you sees this conversation"):
        permission.of(plan, Person(ADA, "ada"), "D0ADA")
    people.deactivate(BOB)
    for admins, why in (
        (frozenset({ADA}), "nobody but you"),
        (frozenset[str](), "nobody in the group"),
        (frozenset({ADA, BOB, GUEST}), "have left, are guests"),
    ):
        people.admins = admins
        with pytest.raises(Refusal, match=why):
            permission.of(plan, Person(ADA, "ada"), CHANNEL)


def test_up_to_three_people_are_mentioned_who_can_approve_it(
    bench: Workbench, people: Watching, tmp_path: Path
) -> None:
    made = settings(tmp_path)
    ids = ("U0GONE", GUEST, ADA, *(f"U0MANY{number}" for number in range(5)), BOB)
    for one in ids[3:-1]:
        people.members[one] = replace(people.members[BOB], id=one)
    grant = made.access.grants[0].model_copy(update={"to": ids})
    rule = ApprovalSettings(vms=("sql*",), actions=("apply",), by=ids)
    also = ApprovalSettings(vms=("*",), actions=("apply",), by=(BOB, "U0MANY3", "U0MANY4", ADMINS))
    target = Target.of(bench.add_vm("sql02"))
    plan = Plan(Apply(), (target,), "apply")

    for rules, mentioned in (((rule,), ids[3:6]), ((rule, also), ("U0MANY3", "U0MANY4", BOB))):
        access = made.access.model_copy(update={"grants": (grant,), "approvals": rules})
        permission = Permission(made.model_copy(update={"access": access}), Gate(people, access))
        assert permission.mentioned(plan, CHANNEL, but={ADA}) == mentioned


def test_where_everybody_may_approve_nobody_is_mentioned(bench: Workbench, people: Watching, tmp_path: Path) -> None:
    made = settings(tmp_path)
    rule = ApprovalSettings(vms=("sql*",), actions=("apply",), by=("everyone",))
    access = made.access.model_copy(update={"approvals": (rule,)})
    permission = Permission(made.model_copy(update={"access": access}), Gate(people, access))
    plan = Plan(Apply(), (Target.of(bench.add_vm("sql03")),), "apply")

    assert permission.of(plan, Person(ADA, "ada"), CHANNEL) == "approval"
    assert permission.mentioned(plan, CHANNEL, but={ADA}) == ()


def test_somebody_who_left_since_they_asked_is_denied(
    bench: Workbench, people: Watching, permission: Permission
) -> None:
    row = asked(bench, Create("x"))
    assert permission.over(row) is None

    people.members[ADA] = replace(people.members[ADA], deleted=True)

    with pytest.raises(Refusal, match="deactivated"):
        permission.over(row)


def test_a_workspace_that_names_no_team_of_its_members_is_believed_as_when_they_asked(
    bench: Workbench, people: Watching, permission: Permission
) -> None:
    people.members[ADA] = replace(people.members[ADA], team_id="")

    assert permission.over(asked(bench, Create("x"))) is None


def test_right_before_a_change_is_performed_the_workspace_is_asked_again(
    bench: Workbench, people: Watching, permission: Permission
) -> None:
    row = asked(bench, Create("x"))

    permission.over(row)
    assert people.max_age is None
    permission.still(row)
    assert people.max_age == RECENT


def test_an_approver_who_cannot_be_looked_up_right_now_is_no_reason_to_deny_it(
    bench: Workbench, people: Watching, tmp_path: Path
) -> None:
    class Half(Watching):
        def member(self, user_id: str, *, max_age: float | None = None) -> Member:
            if user_id == BOB:
                raise LookupFailed("ratelimited")
            return super().member(user_id, max_age=max_age)

    made = settings(tmp_path)
    permission = Permission(made, Gate(Half(), made.access), bench.ledger)
    row = asked(bench, Apply(), "sql01")
    bench.ledger.changes.move(row.id, ChangeState.AWAITING, by="bot")
    bench.ledger.changes.move(row.id, ChangeState.QUEUED, by=BOB)

    with pytest.raises(Refusal) as untold:
        permission.still(bench.row(row.id))
    assert untold.value.passing


def test_the_later_vms_of_a_large_group_do_not_each_ask_the_workspace(
    bench: Workbench, people: Watching, permission: Permission
) -> None:
    row = replace(asked(bench, Create("x")), state=ChangeState.RUNNING)

    permission.still(row)

    assert people.max_age == UNDER_WAY
