"""Permission: what grants allow, what is asked about, and who may answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.changes import verbs
from bot.messages import Origin
from bot.people import access as permissions
from bot.people.access import (
    Approve,
    Confirm,
    Decision,
    Denied,
    Go,
    approvals,
    grants_elsewhere,
    grants_of,
    has_any,
    may,
    may_answer,
    names_channel,
)
from bot.settings import AccessSettings, ApprovalSettings, ConfirmationSettings
from commands.base import (
    Action,
    Apply,
    Claim,
    Create,
    Delete,
    Grant,
    Keep,
    Person,
    Picture,
    Plan,
    Rename,
    Target,
    actions,
    unmarked,
)

ADA = Person("UADA", "ada", frozenset({"SOPS"}))
BOB = Person("UBOB", "bob")
EVE = Person("UEVE", "eve", frozenset({"SDBA"}))
ASKS = ConfirmationSettings()
ACTIONS = ("view", *sorted({action.right for action in actions().values()}))


def decide(rules: AccessSettings, asks: ConfirmationSettings, person: Person, plan: Plan, channel: str) -> Decision:
    """As for the verb that the plan has."""
    verb = verbs.of(plan.verb)
    return permissions.decide(rules, asks, person, plan, channel, doing=verb.doing, destructive=verb.destructive)


def rules(*grants: dict[str, object], **others: object) -> AccessSettings:
    return AccessSettings.model_validate({"grants": grants, **others})


def grant(
    *to: str, role: str = "owner", vms: tuple[str, ...] = ("*",), channels: tuple[str, ...] = ()
) -> dict[str, object]:
    return {"to": to, "role": role, "vms": vms, "channels": channels}


def plan(action: Action, *names: str) -> Plan:
    picture = Picture("hv01", 3, ())
    return Plan(
        action, tuple(Target("hv01", f"id-{n}-{name}", name, picture) for n, name in enumerate(names)), "a plan"
    )


# ---------------------------------------------------------------- grants


def test_without_a_grant_nothing_is_allowed() -> None:
    for action in ACTIONS:
        assert not may(rules(), ADA, action, "web01", "C1")


def test_a_grant_holds_for_the_user_the_group_and_everyone_that_it_names() -> None:
    assert may(rules(grant("UBOB")), BOB, "apply", "web01", "C1")
    assert may(rules(grant("SOPS")), ADA, "apply", "web01", "C1")
    assert may(rules(grant("everyone")), BOB, "apply", "web01", "C1")
    assert not may(rules(grant("SOPS", "UADA")), BOB, "apply", "web01", "C1")


def test_a_grant_gives_the_actions_of_its_role_and_no_others() -> None:
    access = rules(grant("UADA", role="operator"))
    assert may(access, ADA, "create", "web01", "C1")
    assert not may(access, ADA, "delete", "web01", "C1")


def test_a_denial_names_the_roles_that_would_allow_it_the_least_first() -> None:
    denied = decide(rules(grant("UADA", role="viewer")), ASKS, ADA, plan(Keep(None), "web01"), "C1")
    assert isinstance(denied, Denied)
    assert denied.lacks_grant
    assert "The role operator or owner would allow it." in unmarked(denied.sentence)
    none = rules({**grant("UADA", role="v")}, roles={"v": ["view"]})
    refused = decide(none, ASKS, ADA, plan(Keep(None), "web01"), "C1")
    assert isinstance(refused, Denied)
    assert "No role of the settings would allow it." in refused.sentence


def test_who_may_keep_checkpoints_may_claim_them() -> None:
    access = rules(grant("UADA", role="operator"), grant("UBOB", role="viewer"))
    assert decide(access, ASKS, ADA, plan(Claim(), "web01"), "C1") == Go()
    assert isinstance(decide(access, ASKS, BOB, plan(Claim(), "web01"), "C1"), Denied)


def test_a_grant_with_channels_holds_in_them_only() -> None:
    access = rules(grant("UADA", channels=("C1", "C2")))
    assert may(access, ADA, "view", "web01", "C2")
    assert not may(access, ADA, "view", "web01", "C3")


def test_two_grants_do_not_lend_each_other_their_vms() -> None:
    access = rules(grant("UADA", role="owner", vms=("web*",)), grant("UADA", role="operator", vms=("db*",)))
    assert may(access, ADA, "delete", "web01", "C1")
    assert not may(access, ADA, "delete", "db01", "C1")


def test_whoami_shows_the_grants_that_hold_here() -> None:
    access = rules(grant("SOPS", vms=("web*",)), grant("UADA", role="viewer", channels=("C2",)), grant("UBOB"))
    every = access.roles["owner"]
    assert grants_of(access, ADA, "C1") == (Grant("owner", every, ("web*",), (), 1, "SOPS"),)
    assert grants_of(access, ADA, "C2")[1] == Grant("viewer", ("view",), ("*",), ("C2",), 2, "UADA")
    assert [one.number for one in grants_elsewhere(access, ADA, "C1")] == [2]
    assert has_any(access, ADA)
    assert not has_any(access, EVE)


def test_a_grant_that_holds_everywhere_does_not_name_a_channel() -> None:
    access = rules(grant("UADA"), grant("UBOB", channels=("C1",)))
    assert not names_channel(access, ADA, "C1")
    assert names_channel(access, BOB, "C1")
    assert not names_channel(access, BOB, "C2")


# ---------------------------------------------------------------- decisions


def test_what_is_not_asked_about_goes_ahead() -> None:
    assert decide(rules(grant("UADA")), ASKS, ADA, plan(Create("x"), "web01"), "C1") == Go()


@pytest.mark.parametrize("action", [Apply(), Delete()])
def test_apply_and_delete_are_asked_about(action: Action) -> None:
    assert decide(rules(grant("UADA")), ASKS, ADA, plan(action, "web01"), "C1") == Confirm()


def test_what_the_settings_say_is_asked_about() -> None:
    asks = ConfirmationSettings(actions=("rename",))
    access = rules(grant("UADA"))
    assert decide(access, asks, ADA, plan(Rename("x"), "web01"), "C1") == Confirm()
    assert decide(access, asks, ADA, plan(Delete(), "web01"), "C1") == Go()


def test_any_change_of_more_than_three_vms_is_asked_about() -> None:
    access = rules(grant("UADA"))
    assert decide(access, ASKS, ADA, plan(Keep(None), "a", "b", "c"), "C1") == Go()
    assert decide(access, ASKS, ADA, plan(Keep(None), "a", "b", "c", "d"), "C1") == Confirm()


def test_one_vm_that_is_not_allowed_refuses_the_whole_and_is_named() -> None:
    access = rules(grant("UADA", vms=("web*",)))
    refused = decide(access, ASKS, ADA, plan(Delete(), "web01", "db01", "web02"), "C1")
    assert isinstance(refused, Denied)
    assert unmarked(refused.sentence) == (
        "No grant lets you delete checkpoints of db01 in this channel."
        " It lets you for web01 and web02: name only those. The role owner would allow it."
        " Type /checkpoint whoami to see what you may do."
    )
    assert refused.why == "no grant for delete on db01 in C1"


def test_a_plan_without_targets_is_refused() -> None:
    assert isinstance(decide(rules(grant("UADA")), ASKS, ADA, plan(Delete()), "C1"), Denied)


def test_a_second_person_is_needed_where_a_rule_says_so_for_any_of_the_vms() -> None:
    access = rules(
        grant("UADA"),
        approvals=[
            {"vms": ["dc*"], "actions": ["apply", "delete"], "by": ["SDBA", "UBOB"]},
            {"vms": ["*"], "actions": ["export"], "by": ["UEVE"]},
        ],
    )
    assert decide(access, ASKS, ADA, plan(Apply(), "web01", "DC01"), "C1") == Approve(("SDBA", "UBOB"))
    assert decide(access, ASKS, ADA, plan(Apply(), "web01"), "C1") == Confirm()
    assert decide(access, ASKS, ADA, plan(Create("x"), "dc01"), "C1") == Go()
    assert approvals(access, plan(Create("x"), "dc01")) == ()


def test_approval_does_not_stand_in_for_a_grant() -> None:
    access = rules(approvals=[{"vms": ["*"], "actions": ["apply"], "by": ["everyone"]}])
    assert isinstance(decide(access, ASKS, ADA, plan(Apply(), "web01"), "C1"), Denied)


# ---------------------------------------------------------------- answers


@dataclass(frozen=True)
class Waiting:
    """A request as the ledger would have it."""

    plan: Plan | None
    person_id: str = "UADA"
    asked_by: str = "UADA"
    origin: Origin = field(default_factory=lambda: Origin("C1", "UADA"))


def approving(*rules_: tuple[str, str]) -> AccessSettings:
    return rules(
        grant("everyone"),
        approvals=[{"vms": [vms], "actions": ["apply"], "by": [by]} for vms, by in rules_],
    )


def test_only_who_asked_confirms_and_cancels() -> None:
    asked = Waiting(plan(Apply(), "web01"))
    access = rules(grant("everyone"))
    assert may_answer(access, asked, ADA, "confirm") is None
    assert may_answer(access, asked, ADA, "cancel") is None
    assert may_answer(access, asked, BOB, "confirm") == "Only the person who asked may confirm this."
    assert may_answer(access, asked, BOB, "cancel") == "Only the person who asked may cancel this."


def test_who_asked_cannot_approve_even_when_the_rule_names_them() -> None:
    access = approving(("*", "UADA"))
    asked = Waiting(plan(Apply(), "web01"))
    assert may_answer(access, asked, ADA, "approve") == "You asked for this, so somebody else must approve it."


def test_what_needs_approval_cannot_be_confirmed_and_can_be_withdrawn() -> None:
    access = approving(("*", "SDBA"))
    asked = Waiting(plan(Apply(), "web01"))
    assert may_answer(access, asked, ADA, "confirm") == "This needs the approval of a second person."
    assert may_answer(access, asked, ADA, "cancel") is None


def test_what_needs_no_approval_cannot_be_approved() -> None:
    asked = Waiting(plan(Apply(), "web01"))
    refusal = may_answer(rules(grant("everyone")), asked, BOB, "approve")
    assert refusal == "This needs no approval: only the person who asked may confirm it."


def test_the_approver_must_be_named_by_every_rule_that_applies() -> None:
    access = approving(("web*", "SDBA"), ("dc*", "UBOB"))
    assert may_answer(access, Waiting(plan(Apply(), "web01")), EVE, "approve") is None
    assert may_answer(access, Waiting(plan(Apply(), "dc01")), BOB, "approve") is None
    refusal = may_answer(access, Waiting(plan(Apply(), "web01", "dc01")), EVE, "approve")
    assert refusal == "You are not among those who may approve this."


def test_the_approver_must_be_able_to_see_every_vm() -> None:
    access = rules(
        grant("SDBA", role="viewer", vms=("sql*",)),
        approvals=[{"vms": ["*"], "actions": ["apply"], "by": ["SDBA"]}],
    )
    assert may_answer(access, Waiting(plan(Apply(), "sql01")), EVE, "approve") is None
    refusal = may_answer(access, Waiting(plan(Apply(), "sql01", "web01")), EVE, "approve")
    assert refusal == "You may not see every VM that this is about, so you cannot approve it."


def test_a_request_that_was_refused_has_nothing_to_answer() -> None:
    assert may_answer(rules(grant("everyone")), Waiting(None), ADA, "confirm") is not None


# ---------------------------------------------------------------- whatever the rules

vm_names = st.sampled_from(["web01", "WEB02", "db01", "dc01", "straße", "web[1]"]) | st.text(min_size=1, max_size=6)
patterns = st.sampled_from(["*", "web*", "db0?", "[a-d]*", "WEB[1]", "dc01"])
people = st.builds(
    Person,
    st.sampled_from(["U1", "U2", "U3"]),
    st.just("somebody"),
    st.frozensets(st.sampled_from(["S1", "S2"])),
)
grants = st.builds(
    lambda to, role, vms, channels: {"to": to, "role": role, "vms": vms, "channels": channels},
    st.lists(st.sampled_from(["U1", "U2", "S1", "S2", "everyone"]), min_size=1, max_size=2),
    st.sampled_from(["viewer", "operator", "owner"]),
    st.lists(patterns, min_size=1, max_size=2),
    st.lists(st.sampled_from(["C1", "C2"]), max_size=2),
)
what = st.sampled_from(ACTIONS)
channels = st.sampled_from(["C1", "C2", "C3"])


@given(st.lists(grants, max_size=4), grants, people, what, vm_names, channels)
def test_a_further_grant_never_takes_a_right_away(
    given_: list[dict[str, object]],
    further: dict[str, object],
    person: Person,
    action: str,
    vm_name: str,
    channel: str,
) -> None:
    if may(rules(*given_), person, action, vm_name, channel):
        assert may(rules(*given_, further), person, action, vm_name, channel)


@given(st.lists(grants, max_size=4), people, what, vm_names, channels)
def test_what_is_allowed_is_allowed_by_one_grant_alone(
    given_: list[dict[str, object]], person: Person, action: str, vm_name: str, channel: str
) -> None:
    alone = any(may(rules(one), person, action, vm_name, channel) for one in given_)
    assert may(rules(*given_), person, action, vm_name, channel) is alone


@given(st.lists(grants, max_size=4), people, what, vm_names, channels)
def test_the_case_of_a_name_makes_no_difference(
    given_: list[dict[str, object]], person: Person, action: str, vm_name: str, channel: str
) -> None:
    access = rules(*given_)
    as_it_is = may(access, person, action, vm_name.casefold(), channel)
    assert may(access, person, action, vm_name, channel) is as_it_is


@given(st.lists(grants, max_size=4), people, st.lists(vm_names, min_size=1, max_size=5), channels)
def test_a_change_is_denied_exactly_when_one_of_its_vms_is(
    given_: list[dict[str, object]], person: Person, names: list[str], channel: str
) -> None:
    access = rules(*given_)
    decision = decide(access, ASKS, person, plan(Delete(), *names), channel)
    allowed = [may(access, person, "delete", name, channel) for name in names]
    assert isinstance(decision, Denied) is not all(allowed)


@given(people, what, vm_names, channels)
def test_approval_rules_and_roles_without_a_grant_allow_nothing(
    person: Person, action: str, vm_name: str, channel: str
) -> None:
    access = rules(approvals=[{"vms": ["*"], "actions": [action], "by": ["everyone"]}])
    assert not may(access, person, action, vm_name, channel)


def test_an_approval_is_asked_for_a_name_that_only_looks_like_the_pattern() -> None:
    asks = ApprovalSettings(vms=("dc*",), actions=("delete",), by=("UBOB",))
    access = rules(grant("UADA", vms=("*",)), approvals=(asks,))
    assert decide(access, ASKS, ADA, plan(Delete(), "ｄｃ01"), "C1") == Approve(("UBOB",))
    assert not may(rules(grant("UADA", vms=("dc*",))), ADA, "delete", "ｄｃ01", "C1")


def test_what_may_be_meant_otherwise_is_asked_about() -> None:
    doubtful = replace(plan(Rename("x"), "web01"), ask=True)
    assert decide(rules(grant("UADA")), ASKS, ADA, doubtful, "C1") == Confirm()


def test_the_rest_of_a_group_is_offered_by_name() -> None:
    access = rules(grant("UADA", vms=("web*",)))
    refused = decide(access, ASKS, ADA, plan(Delete(), "web01", "db01", "web02"), "C1")
    assert isinstance(refused, Denied)
    assert "It lets you for web01 and web02: name only those." in unmarked(refused.sentence)
