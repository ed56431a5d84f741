"""What the workspace says of people, groups and channels, and for how long it is believed."""

from __future__ import annotations

import threading

import pytest

from bot.people.directory import Channel, LookupFailed, NoSuchMember, ScopeMissing
from bot.sandbox import Sandbox
from bot.slack.directory import KEEP_CHANNELS, KEEP_GROUPS, KEEP_MEMBERS, SlackDirectory
from bot.slack.web import reading_client
from tests.support.waiting import DEADLINE


class Now:
    time = 1_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def directory(sandbox: Sandbox, now: Now) -> SlackDirectory:
    return SlackDirectory(reading_client(sandbox.bot_token, sandbox.api_url), clock=now)


def asked(sandbox: Sandbox, method: str) -> int:
    return sum(line["method"] == method for line in sandbox.log("web_api"))


def test_the_workspace_is_asked_for_once(sandbox: Sandbox, directory: SlackDirectory) -> None:
    assert directory.team_id == directory.team_id == "T0CONTOSO"
    assert asked(sandbox, "auth.test") == 1


def test_a_token_that_does_not_work_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(LookupFailed, match=r"does not know the bot token \(invalid_auth\)"):
        _ = SlackDirectory(reading_client("xoxb-wrong", sandbox.api_url)).team_id


def test_a_member(directory: SlackDirectory) -> None:
    ada = directory.member("U0ADA0001")
    assert (ada.id, ada.name, ada.team_id) == ("U0ADA0001", "ada", "T0CONTOSO")
    assert not (ada.deleted or ada.is_bot or ada.is_restricted or ada.is_ultra_restricted or ada.is_stranger)


def test_people_who_must_be_told_apart_are(directory: SlackDirectory) -> None:
    assert directory.member("U0GUEST01").is_ultra_restricted
    assert directory.member("U0FORMER1").deleted
    stranger = directory.member("U0STRANGE")
    assert stranger.is_stranger and stranger.team_id == "T0FABRIKM"
    assert directory.member("U0CHECKPT").is_bot


def test_an_unknown_user_is_a_failure(directory: SlackDirectory) -> None:
    with pytest.raises(NoSuchMember, match="user_not_found"):
        directory.member("U0NOBODY")


def test_a_member_is_believed_for_a_minute(sandbox: Sandbox, directory: SlackDirectory, now: Now) -> None:
    directory.member("U0ADA0001")
    sandbox.change_user("ada", deleted=True)
    now.time += KEEP_MEMBERS - 1
    assert not directory.member("U0ADA0001").deleted
    now.time += 1
    assert directory.member("U0ADA0001").deleted


def test_an_answer_of_no_age_is_asked_for_again(sandbox: Sandbox, directory: SlackDirectory) -> None:
    directory.member("U0ADA0001")
    sandbox.change_user("ada", deleted=True)
    assert directory.member("U0ADA0001", max_age=0).deleted
    assert directory.member("U0ADA0001").deleted, "and what it said is kept"


def test_an_old_answer_is_not_used_when_there_is_no_new_one(
    sandbox: Sandbox, directory: SlackDirectory, now: Now
) -> None:
    assert directory.group_members("S0VMADMIN") == {"U0ADA0001", "U0ONCALL1"}
    sandbox.fail("usergroups.users.list", error="internal_error", times=None)
    now.time += KEEP_GROUPS
    with pytest.raises(LookupFailed, match="internal_error"):
        directory.group_members("S0VMADMIN")


def test_a_fresh_look_that_fails_in_passing_leaves_what_was_known(
    sandbox: Sandbox, directory: SlackDirectory, now: Now
) -> None:
    directory.group_members("S0VMADMIN")
    sandbox.fail("usergroups.users.list", retry_after=3600, times=None)
    with pytest.raises(LookupFailed, match="ratelimited"):
        directory.group_members("S0VMADMIN", max_age=0)
    assert directory.group_members("S0VMADMIN") == {"U0ADA0001", "U0ONCALL1"}
    now.time += KEEP_GROUPS
    with pytest.raises(LookupFailed, match="ratelimited"):
        directory.group_members("S0VMADMIN")


def test_a_fresh_look_that_finds_nobody_takes_away_what_was_known(sandbox: Sandbox, directory: SlackDirectory) -> None:
    directory.member("U0ADA0001")
    sandbox.fail("users.info", error="user_not_found", times=None)
    for max_age in (0, None):
        with pytest.raises(NoSuchMember):
            directory.member("U0ADA0001", max_age=max_age)


@pytest.mark.parametrize("code", ["plan_upgrade_required", "no_such_subteam", "unknown_method"])
def test_a_group_that_there_is_not_has_nobody_in_it(sandbox: Sandbox, directory: SlackDirectory, code: str) -> None:
    sandbox.fail("usergroups.users.list", error=code)
    assert directory.group_members("S0VMADMIN") == frozenset()


def test_a_channel_that_is_shared_with_another_workspace(directory: SlackDirectory) -> None:
    assert directory.channel("C0PARTNER") == Channel("C0PARTNER", "partners", externally_shared=True)
    assert directory.channel("C0OPS0001") == Channel("C0OPS0001", "ops", externally_shared=False)


def test_a_channel_that_is_about_to_be_shared_counts_as_shared(sandbox: Sandbox, directory: SlackDirectory) -> None:
    sandbox.workspace.channels["C0OPS0001"].pending_shared_with = ("T0FABRIKM",)
    assert directory.channel("C0OPS0001").externally_shared


def test_a_channel_is_believed_for_a_minute(sandbox: Sandbox, directory: SlackDirectory, now: Now) -> None:
    directory.channel("C0OPS0001")
    sandbox.workspace.channels["C0OPS0001"].shared_with = ("T0FABRIKM",)
    assert not directory.channel("C0OPS0001").externally_shared
    now.time += KEEP_CHANNELS
    assert directory.channel("C0OPS0001").externally_shared


def test_who_is_in_a_channel_is_asked_a_page_at_a_time_and_kept_for_a_minute(
    sandbox: Sandbox, directory: SlackDirectory, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.directory.PAGE", 2)
    members = sandbox.workspace.channels["C0OPS0001"].members
    assert directory.channel_members("C0OPS0001") == directory.channel_members("C0OPS0001") == set(members)
    assert asked(sandbox, "conversations.members") == (len(members) + 1) // 2
    members.remove("U0ADA0001")
    now.time += KEEP_CHANNELS
    assert "U0ADA0001" not in directory.channel_members("C0OPS0001")


def test_a_direct_message_needs_no_question(sandbox: Sandbox, directory: SlackDirectory) -> None:
    assert directory.channel("D0ADA0001") == Channel("D0ADA0001")
    assert asked(sandbox, "conversations.info") == 0


def test_a_channel_that_the_bot_cannot_see_is_a_failure(directory: SlackDirectory) -> None:
    with pytest.raises(LookupFailed, match="channel_not_found"):
        directory.channel("C0NOWHERE")


def test_a_server_without_conversations_info_has_no_shared_channels(
    sandbox: Sandbox, directory: SlackDirectory
) -> None:
    sandbox.fail("conversations.info", error="unknown_method")
    assert directory.channel("C0OPS0001") == Channel("C0OPS0001")


@pytest.mark.parametrize("fault", [{"cut": "before"}, {"status": 500}, {"retry_after": 0}])
def test_a_question_is_repeated_when_the_line_breaks(
    sandbox: Sandbox, directory: SlackDirectory, fault: dict[str, object]
) -> None:
    sandbox.fail("users.info", **fault)
    assert directory.member("U0ADA0001").name == "ada"


def test_a_server_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(LookupFailed, match=r"could not be reached \(ConnectionRefusedError\)"):
        SlackDirectory(reading_client("xoxb", "http://127.0.0.1:9/api/")).member("U1")


def test_many_who_ask_at_once_ask_once(sandbox: Sandbox, directory: SlackDirectory) -> None:
    sandbox.fail("users.info", delay=0.2)
    threads = [threading.Thread(target=directory.member, args=("U0ADA0001",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert asked(sandbox, "users.info") == 1


def test_a_scope_that_is_missing_is_named_and_in_the_log_once(
    sandbox: Sandbox, directory: SlackDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fail("usergroups.users.list", error="missing_scope", times=None)
    for _ in range(3):
        with pytest.raises(ScopeMissing):
            directory.group_members("S0VMADMIN")
    assert caplog.text.count("lacks the scope") == 1
    assert asked(sandbox, "usergroups.users.list") == 1
