"""The gate: who is let in, who is not, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.people.directory import Channel, LookupFailed, Member, NoSuchMember, ScopeMissing
from bot.people.identity import Gate, Refusal
from bot.settings import AccessSettings
from commands.base import Person, unmarked

HOME = "THOME"
ADA = Member("UADA", "ada", HOME)


@dataclass
class Workspace:
    """A workspace with one member, whose answers a test can take away."""

    one: Member = ADA
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    asked: list[tuple[str, float | None]] = field(default_factory=list)

    @property
    def team_id(self) -> str:
        return HOME

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        self.asked.append((user_id, max_age))
        if user_id != self.one.id:
            raise NoSuchMember("user_not_found")
        return self.one

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        self.asked.append((group_id, max_age))
        if group_id not in self.groups:
            raise LookupFailed("internal_error")
        return self.groups[group_id]

    def channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise LookupFailed("channel_not_found")
        return self.channels[channel_id]


def granting(*to: str, channels: tuple[str, ...] = ()) -> AccessSettings:
    return AccessSettings.model_validate({"grants": [{"to": to, "role": "owner", "vms": ["*"], "channels": channels}]})


def refused(workspace: Workspace, access: AccessSettings | None = None, **request: object) -> Refusal:
    gate = Gate(workspace, access or granting("everyone"))
    with pytest.raises(Refusal) as refusal:
        gate.admit(**{"user_id": "UADA", "team_id": HOME, "channel": "C1", **request})  # type: ignore[arg-type]
    return refusal.value


def test_a_full_member_with_a_grant_is_let_in() -> None:
    assert Gate(Workspace(), granting("UADA")).admit("UADA", HOME, "C1") == Person("UADA", "ada")


@pytest.mark.parametrize(
    ("workspace", "to", "left"),
    [
        (Workspace(), "UADA", False),
        (Workspace(), "UBOB", True),
        (Workspace(replace(ADA, deleted=True)), "UADA", True),
        (Workspace(replace(ADA, is_restricted=True)), "UADA", True),
        (Workspace(replace(ADA, id="UELSE")), "UADA", True),
        (Workspace(groups={"SIN": frozenset({"UADA"})}), "SIN", False),
        (Workspace(groups={"SIN": frozenset()}), "SIN", True),
        (Workspace(), "SUNTOLD", False),
    ],
    ids=["there", "no grant", "deactivated", "guest", "unknown", "in a group", "out of its group", "not told"],
)
def test_who_can_act_no_more_has_left_and_what_is_not_told_is_no_reason(
    workspace: Workspace, to: str, left: bool
) -> None:
    assert Gate(workspace, granting(to)).has_left("UADA") is left


def test_the_groups_that_the_settings_name_are_looked_up_and_no_others() -> None:
    workspace = Workspace(groups={"SIN": frozenset({"UADA"}), "SOUT": frozenset({"UBOB"}), "SELSE": frozenset()})
    person = Gate(workspace, granting("SIN", "SOUT")).admit("UADA", HOME, "C1", max_age=0)
    assert person.groups == {"SIN"}
    assert {one for one, _ in workspace.asked} == {"SIN", "SOUT", "UADA"}


def test_only_groups_that_somebody_was_in_lately_are_asked_for_anew() -> None:
    workspace = Workspace(groups={"SIN": frozenset({"UADA"}), "SOUT": frozenset({"UBOB"})})
    Gate(workspace, granting("SIN", "SOUT")).admit("UADA", HOME, "C1", max_age=0)
    assert [one for one in workspace.asked if one[1] == 0] == [("UADA", 0), ("SIN", 0)]


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (replace(ADA, is_restricted=True), "guest"),
        (replace(ADA, is_restricted=True, is_ultra_restricted=True), "guest"),
        (replace(ADA, deleted=True), "deactivated"),
        (replace(ADA, is_bot=True), "bot"),
        (replace(ADA, is_stranger=True), "stranger"),
        (replace(ADA, team_id="TELSEWHERE"), "of another workspace: TELSEWHERE"),
    ],
)
def test_whoever_is_no_full_member_is_refused_whatever_the_grants_say(member: Member, why: str) -> None:
    refusal = refused(Workspace(member), granting("everyone", "UADA"))
    assert refusal.cause == why


def test_each_kind_of_refusal_has_a_sentence_of_its_own() -> None:
    members = [
        replace(ADA, is_restricted=True),
        replace(ADA, deleted=True),
        replace(ADA, is_bot=True),
        replace(ADA, is_stranger=True),
        replace(ADA, team_id="TELSEWHERE"),
    ]
    sentences = [refused(Workspace(member)).sentence for member in members]
    sentences += [
        refused(Workspace(), user_id="UNOBODY").sentence,
        refused(Workspace(), user_id="ada").sentence,
        refused(Workspace(), granting("UBOB")).sentence,
        refused(Workspace(), change=True).sentence,
        refused(Workspace(channels={"C1": Channel("C1", externally_shared=True)}), change=True).sentence,
    ]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_a_payload_from_another_workspace_is_refused_even_for_a_member_of_this_one() -> None:
    assert refused(Workspace(), team_id="TELSEWHERE").cause == "of another workspace: TELSEWHERE, THOME"


def test_a_payload_that_names_no_workspace_leaves_it_to_the_look_up() -> None:
    gate = Gate(Workspace(), granting("everyone"))
    assert gate.admit("UADA", "", "C1").id == "UADA"
    assert refused(Workspace(replace(ADA, team_id="TELSEWHERE")), team_id="").cause.startswith("of another workspace")


def test_when_neither_side_names_a_workspace_nobody_is_let_in() -> None:
    nowhere = Workspace(replace(ADA, team_id=""))
    assert Gate(nowhere, granting("everyone")).admit("UADA", HOME, "C1").id == "UADA"
    assert refused(nowhere, team_id="").cause == "of another workspace: none is known"


def test_somebody_of_the_same_organisation_may_act_from_another_workspace_they_belong_to() -> None:
    member = replace(ADA, other_team_ids=frozenset({"TSISTER"}))
    assert Gate(Workspace(member), granting("everyone")).admit("UADA", "TSISTER", "C1").id == "UADA"
    away = replace(ADA, team_id="TSISTER", other_team_ids=frozenset({HOME}))
    assert Gate(Workspace(away), granting("everyone")).admit("UADA", "TSISTER", "C1").id == "UADA"
    assert refused(Workspace(member), team_id="TELSEWHERE").cause.startswith("of another workspace")


@pytest.mark.parametrize("user_id", ["", "ada", "USLACKBOT ", "B0123", "U012\n", "<@U012>", "uada", "U" * 40])
def test_a_malformed_user_id_is_refused_before_anything_is_asked(user_id: str) -> None:
    workspace = Workspace()
    assert refused(workspace, user_id=user_id).cause.startswith("malformed: ")
    assert workspace.asked == []


def test_a_malformed_channel_is_refused_and_no_channel_at_all_is_the_home_tab() -> None:
    assert refused(Workspace(), channel="general").cause == "malformed: 'UADA' in 'general'"
    assert Gate(Workspace(), granting("everyone")).admit("UADA", HOME, "", change=True).id == "UADA"


class TestABotThatMayNotReadUserGroups:
    @pytest.fixture
    def workspace(self) -> Workspace:
        class Closed(Workspace):
            def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
                raise ScopeMissing("usergroups:read")

        return Closed()

    def test_lets_in_who_has_a_grant_by_their_own_id(self, workspace: Workspace) -> None:
        person = Gate(workspace, granting("UADA", "S1")).admit("UADA", HOME, "C1")

        assert person.groups == frozenset()

    def test_says_to_others_what_is_missing(self, workspace: Workspace) -> None:
        refusal = refused(workspace, granting("S1"))

        assert "lacks the scope usergroups:read" in refusal.sentence
        assert "Try again" not in refusal.sentence


def test_a_failed_look_up_of_a_person_or_a_group_refuses() -> None:
    assert refused(Workspace(), user_id="UNOBODY").cause == "look-up failed: user_not_found"
    assert refused(Workspace(), granting("everyone", "SGONE")).cause == "look-up failed: internal_error"


def test_a_member_without_any_grant_is_told_whom_to_ask_and_with_which_id() -> None:
    refusal = refused(Workspace(groups={"SOPS": frozenset({"UBOB"})}), granting("UBOB", "SOPS"))
    assert refusal.cause == "no grant"
    assert unmarked(refusal.sentence) == (
        "No grant gives you anything here. The role viewer, operator or owner would let you look. "
        "Ask whoever keeps my settings for one. Your id is UADA."
    )


# ---------------------------------------------------------------- shared channels

SHARED = {"C1": Channel("C1", "partners", externally_shared=True), "C2": Channel("C2", "ops")}


def test_a_shared_channel_takes_questions_and_refuses_changes() -> None:
    workspace = Workspace(channels=SHARED)
    gate = Gate(workspace, granting("everyone"))
    assert gate.admit("UADA", HOME, "C1").id == "UADA"
    assert refused(workspace, change=True).cause == "externally shared channel"
    assert gate.admit("UADA", HOME, "C2", change=True).id == "UADA"


def test_a_grant_of_theirs_that_names_the_shared_channel_allows_changes_in_it() -> None:
    workspace = Workspace(channels=SHARED)
    assert Gate(workspace, granting("UADA", channels=("C1",))).admit("UADA", HOME, "C1", change=True).id == "UADA"
    others = AccessSettings.model_validate(
        {
            "grants": [
                {"to": ["UADA"], "role": "owner", "vms": ["*"]},
                {"to": ["UBOB"], "role": "owner", "vms": ["*"], "channels": ["C1"]},
            ]
        }
    )
    assert refused(workspace, others, change=True).cause == "externally shared channel"


def test_a_channel_that_cannot_be_looked_up_refuses_changes_and_says_how_to_invite() -> None:
    refusal = refused(Workspace(), channel="GHIDDEN", change=True)
    assert refusal.cause == "look-up of channel failed: channel_not_found"
    assert "/invite" in refusal.sentence


def test_a_direct_message_takes_changes() -> None:
    assert Gate(Workspace(), granting("everyone")).admit("UADA", HOME, "D1", change=True).id == "UADA"


# ---------------------------------------------------------------- whatever comes in


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.booleans())
def test_nobody_but_the_member_gets_in_and_every_refusal_speaks(
    user: str, team: str, channel: str, change: bool
) -> None:
    try:
        person = Gate(Workspace(), granting("everyone")).admit(user, team, channel, change=change)
    except Refusal as refusal:
        assert refusal.sentence
        assert refusal.cause
    else:
        assert person.id == "UADA"
        assert team in ("", HOME)


members = st.builds(
    Member,
    st.just("UADA"),
    st.just("ada"),
    st.sampled_from([HOME, "T2", "T3", ""]),
    st.frozensets(st.sampled_from([HOME, "T2", "T3"])),
    *([st.booleans()] * 5),
)


@given(members, st.sampled_from([HOME, "T2", "T3", ""]))
def test_whoever_is_let_in_belongs_here_and_is_a_full_member(member: Member, team_id: str) -> None:
    try:
        Gate(Workspace(member), granting("everyone")).admit("UADA", team_id, "C1")
    except Refusal:
        return
    assert not any(
        (member.deleted, member.is_bot, member.is_restricted, member.is_ultra_restricted, member.is_stranger)
    )
    known = {member.team_id, *member.other_team_ids} - {""}
    assert HOME in (known or {team_id})
    assert team_id in known | {"", HOME}
