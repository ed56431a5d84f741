"""Whether a change is allowed still, and whose answer it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.changes.perform import Denial
from bot.changes.permission import RECENT, UNDER_WAY, Authority
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from bot.people.directory import Member
from bot.people.identity import Gate
from commands.base import Action, Apply, Create, Delete, Person, Plan, Target
from tests.support.headquarters import ADA, CHANNEL, EVE, GUEST, SHARED, People, settings
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
def authority(people: Watching, tmp_path: Path) -> Authority:
    made = settings(tmp_path)
    return Authority(made, Gate(people, made.access))


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
    bench: Workbench, authority: Authority, action: Action, vm: str, whose: str | None
) -> None:
    assert authority.over(asked(bench, action, vm)) == whose


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
    bench: Workbench, authority: Authority, who: str, channel: str, sentence: str
) -> None:
    with pytest.raises(Denial) as denied:
        authority.over(asked(bench, Create("x"), who=who, channel=channel))

    assert sentence in denied.value.sentence
    assert denied.value.sentence.count("Nothing was changed.") == 1


def test_somebody_who_left_since_they_asked_is_denied(bench: Workbench, people: Watching, authority: Authority) -> None:
    row = asked(bench, Create("x"))
    assert authority.over(row) is None

    people.members[ADA] = replace(people.members[ADA], deleted=True)

    with pytest.raises(Denial, match="deactivated"):
        authority.over(row)


def test_a_workspace_that_names_no_team_of_its_members_is_believed_as_when_they_asked(
    bench: Workbench, people: Watching, authority: Authority
) -> None:
    people.members[ADA] = replace(people.members[ADA], team_id="")

    assert authority.over(asked(bench, Create("x"))) is None


def test_right_before_a_change_is_performed_the_workspace_is_asked_again(
    bench: Workbench, people: Watching, authority: Authority
) -> None:
    row = asked(bench, Create("x"))

    authority.over(row)
    assert people.max_age is None
    authority.still(row)
    assert people.max_age == RECENT


def test_the_later_vms_of_a_large_group_do_not_each_ask_the_workspace(
    bench: Workbench, people: Watching, authority: Authority
) -> None:
    row = replace(asked(bench, Create("x")), state=ChangeState.RUNNING)

    authority.still(row)

    assert people.max_age == UNDER_WAY
