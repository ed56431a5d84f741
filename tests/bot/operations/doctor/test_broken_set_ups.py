"""The doctor on a right set-up, and on set-ups with one fault each: it names fault and mend, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from backends.simulator.fleets.seed import new_host
from backends.simulator.model.faults import Fault as HostFault
from backends.simulator.model.faults import FaultKind
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.winrm import WinRMServer
from bot.ledger import Ledger
from bot.operations.doctor import Report, Seen, State, ask, examine, in_short, workspace
from bot.operations.doctor.people import People
from bot.operations.doctor.shapes import EVERY_PART
from bot.operations.doctor.workspace import _other_app as other_app
from bot.operations.folder import make_private
from bot.people.codes import Codes
from bot.sandbox import Sandbox
from bot.sandbox.faults import Fault as SlackFault
from bot.settings import (
    AccessSettings,
    ApprovalSettings,
    AuditSettings,
    CodesSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    HostSettings,
    ScheduleSettings,
    Settings,
)
from bot.slack.directory import SlackDirectory, Standing
from bot.slack.web import reading_client
from bot.wiring import hosts_of
from commands.base import Part
from tests.support.hosts import ACCOUNT, PASSWORD, serve, small_fleet
from tests.support.receivers import CA_FILE, HttpsReceiver, untrusted
from tests.support.settings import HOST_DEFAULTS, host_at, owners, slack_of

NOW = datetime.now(UTC)


@dataclass
class World:
    """A sandbox and two hosts that answer, and settings that are right for them."""

    sandbox: Sandbox
    servers: dict[str, WinRMServer]
    settings: Settings
    seen: list[Seen] = field(default_factory=list)

    def look(self, settings: Settings | None = None, *, anew: tuple[str, ...] = (), **more: object) -> Report:
        """Look at all but the hosts, which were seen once, except for those that are to be seen `anew`."""
        chosen = settings or self.settings
        kept = [one for one in self.seen if one.host not in anew]
        return examine(chosen, [*kept, *see(chosen, *anew)], **more)  # type: ignore[arg-type]

    def with_access(self, **more: object) -> Settings:
        return self.settings.model_copy(update={"access": self.settings.access.model_copy(update=more)})

    def with_grant(self, grant: GrantSettings) -> Settings:
        return self.with_access(grants=(*self.settings.access.grants, grant))

    def with_host(self, host: HostSettings) -> Settings:
        return self.settings.model_copy(update={"hosts": (*self.settings.hosts, host)})

    def with_digest_in(self, channel: str) -> Settings:
        channels = (*self.settings.digest.channels, DigestChannelSettings(channel=channel))
        return self.settings.model_copy(
            update={"digest": self.settings.digest.model_copy(update={"channels": channels})}
        )

    def with_slack(self, **more: object) -> Settings:
        return self.settings.model_copy(update={"slack": self.settings.slack.model_copy(update=more)})


def see(settings: Settings, *names: str) -> list[Seen]:
    backends = {name: backend for name, backend in hosts_of(settings).items() if name in names}
    try:
        return ask(backends)
    finally:
        for backend in backends.values():
            backend.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("doctor") / "data"
    make_private(data)
    Ledger(data / "ledger.db", clock=lambda: NOW).close()
    hosts = small_fleet()
    servers = {host.name: serve(SimulatedPowerShell(host)) for host in hosts}
    with ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(server)
        sandbox = stack.enter_context(Sandbox())
        settings = Settings(
            slack=slack_of(sandbox),
            data_dir=data,
            host_defaults=HOST_DEFAULTS,
            hosts=tuple(host_at(name, server.port) for name, server in servers.items()),
            access=AccessSettings(
                grants=(owners("S0VMADMIN"), owners("U0DEV0001", vms=("web*",))),
                approvals=(ApprovalSettings(vms=("dc*",), actions=("apply", "delete"), by=("S0VMADMIN",)),),
                production_only=("dc*",),
            ),
            digest=DigestSettings(channels=(DigestChannelSettings(channel="C0OPS0001"),)),
        )
        yield World(sandbox, servers, settings, see(settings, "hv01", "hv02"))


def only(report: Report) -> str:
    """The one fault that it names."""
    (fault,) = report.faults
    assert fault.mend
    assert report.summary.startswith("1 thing is wrong")
    seen = " that could be seen" if any(one.state is State.UNSEEN for one in report.checks) else ""
    assert f"Nothing else{seen} is wrong. This only looked: nothing was changed." in report.summary
    return fault.line


def test_a_right_set_up_is_said_in_one_line(world: World) -> None:
    report = world.look()

    assert report.healthy
    (line,) = report.lines()
    assert line.startswith("Everything works: ")
    assert line.endswith("This only looked: nothing was changed.")


def test_each_thing_that_works_is_said_with_what_it_is(world: World) -> None:
    said = "\n".join(world.look().lines(every=True))

    assert "✓ slack.bot_token: It belongs to @checkpoint of Contoso (T0CONTOSO)." in said
    assert "✓ digest.channels.0.channel: The bot is in #ops." in said
    assert "✓ access.grants.0.to.0: S0VMADMIN has 2 members." in said
    assert "✓ hosts.hv01: 4 VMs by a full PowerShell, PowerShell 5.1.20348.2700 on Windows Server 2022" in said
    assert "✓ ledger.db: Its chain is whole: 0 events." in said


# ---------------------------------------------------------------- Slack


def test_a_bot_token_that_slack_does_not_know(world: World) -> None:
    report = world.look(world.with_slack(bot_token=SecretStr("xoxb-another")))

    (fault,) = report.faults
    assert "✗ slack.bot_token: Slack does not know the bot token (invalid_auth). Copy the bot token" in fault.line
    assert not report.healthy


def test_a_slack_that_cannot_be_reached(world: World) -> None:
    report = world.look(world.with_slack(api_url="http://127.0.0.1:9/api/"))

    assert "Slack could not be reached" in only_first(report)
    assert "port 443" in only_first(report)


def only_first(report: Report) -> str:
    (fault,) = report.faults
    return fault.line


def test_an_app_token_that_slack_does_not_know(world: World) -> None:
    fault = only(world.look(world.with_slack(app_token=SecretStr("xapp-another"))))

    assert "slack.app_token: Slack refused: it does not know the app token (invalid_auth)." in fault
    assert "App-Level Tokens" in fault


def directory_of(world: World) -> SlackDirectory:
    slack = world.settings.slack
    return SlackDirectory(reading_client(slack.bot_token.get_secret_value(), slack.api_url))


def test_an_app_token_of_another_app(world: World) -> None:
    directory = directory_of(world)

    assert other_app(directory, "A0OTHER") == "A0CHECKPT"
    assert other_app(directory, "A0CHECKPT") == ""


@contextmanager
def lacking(world: World, scope: str) -> Iterator[None]:
    app = world.sandbox.workspace.app
    world.sandbox.workspace.app = replace(app, scopes=tuple(one for one in app.scopes if one != scope))
    try:
        yield
    finally:
        world.sandbox.workspace.app = app


def test_a_slack_in_trouble_says_nothing_of_the_app_token(world: World) -> None:
    world.sandbox.faults.calls.append(SlackFault("apps.connections.open", times=None, error="internal_error"))
    try:
        report = world.look()
    finally:
        world.sandbox.faults.clear()

    assert report.faults == ()
    assert "– slack.app_token: Slack refused: it gave no connection (internal_error)." in report.lines()


@pytest.mark.parametrize("code", ["internal_error", "ratelimited"])
def test_a_slack_in_trouble_says_nothing_of_the_token(world: World, code: str) -> None:
    world.sandbox.faults.calls.append(SlackFault("auth.test", times=None, error=code))
    try:
        report = world.look(messages=True)
    finally:
        world.sandbox.faults.clear()

    assert report.faults == ()
    assert "– slack.bot_token: Slack gave no answer" in "\n".join(report.lines())
    assert not any("the message “" in one.about for one in report.checks)


def test_a_word_of_slack_that_is_not_known_is_to_be_looked_up(world: World) -> None:
    world.sandbox.faults.calls.append(SlackFault("auth.test", times=None, error="team_access_not_granted"))
    try:
        fault = only_first(world.look())
    finally:
        world.sandbox.faults.clear()

    assert "✗ slack.bot_token: Slack gave no answer (team_access_not_granted)." in fault
    assert "443" not in fault


def test_no_message_is_sent_to_be_looked_at_with_a_token_that_does_not_work(world: World) -> None:
    report = world.look(world.with_slack(bot_token=SecretStr("xoxb-another")), messages=True)

    (line,) = (one.line for one in report.checks if "messages" in one.about)
    assert line == "– the shapes of messages: The bot token does not work now."


def test_an_address_that_the_app_does_not_allow_looks_like_a_wrong_token(world: World) -> None:
    fault = only_first(world.look(world.with_slack(bot_token=SecretStr("xoxb-another"))))

    assert "allows some IP addresses alone, this machine's has to be among them." in fault


def test_a_server_that_does_not_say_the_scopes_is_not_said_to_give_them(world: World) -> None:
    (check,) = workspace.scopes(world.settings, Standing("T0", "Contoso", "checkpoint", "B0", frozenset()))

    assert check.state is State.UNSEEN


def test_user_groups_are_not_needed_where_no_setting_names_one(world: World) -> None:
    settings = world.with_access(grants=(owners("U0ADA0001", "U0DEV0001"),), approvals=())
    with lacking(world, "usergroups:read"):
        assert world.look(settings).faults == ()


def test_private_channels_may_be_left_out(world: World) -> None:
    with lacking(world, "groups:read"):
        report = world.look()

    assert "⚠ scope groups:read: The bot token lacks it: it changes nothing from private channels" in only(report)


def test_a_digest_in_a_private_channel_that_may_not_be_looked_at_is_a_fault(world: World) -> None:
    with lacking(world, "groups:read"):
        scope, digest = world.look(world.with_digest_in("C0INCIDEN")).faults
        named = world.with_grant(GrantSettings(to=("U0ADA0001",), role="viewer", vms=("*",), channels=("C0INCIDEN",)))
        (only_the_scope,) = world.look(named).faults

    assert (scope.about, digest.about) == ("scope groups:read", "digest.channels.1.channel")
    assert digest.state is State.BROKEN
    assert only_the_scope.about == "scope groups:read"


def test_somebody_whom_the_bot_may_not_see_is_a_fault(world: World) -> None:
    world.sandbox.faults.calls.append(SlackFault("users.info", times=1, error="user_not_visible"))
    try:
        found = list(People(world.settings, directory_of(world)).ids())
    finally:
        world.sandbox.faults.clear()

    (fault,) = (one.line for one in found if one.is_fault)
    assert "the bot may not see that user (user_not_visible)" in fault


@pytest.mark.parametrize("scope", ["im:write", "usergroups:read", "chat:write", "users:read", "channels:read"])
def test_a_scope_that_the_bot_token_lacks(world: World, scope: str) -> None:
    with lacking(world, scope):
        report = world.look()

    (fault,) = report.faults
    assert f"✗ scope {scope}: The bot token lacks it: " in fault.line
    assert "install it to the workspace again" in fault.mend


def test_a_channel_that_is_not_there(world: World) -> None:
    fault = only(world.look(world.with_digest_in("C0NOWHERE")))

    assert "digest.channels.1.channel: The bot does not see the channel C0NOWHERE. Correct the id" in fault


def test_a_channel_that_the_bot_was_not_invited_to(world: World) -> None:
    fault = only(world.look(world.with_digest_in("C0LOUNGE1")))

    assert "digest.channels.1.channel: The bot is not in #lounge" in fault
    assert "Type /invite @checkpoint in #lounge." in fault


def test_a_channel_that_is_archived(world: World) -> None:
    channel = world.sandbox.workspace.channels["C0GENERAL"]
    channel.is_archived = True
    try:
        fault = only(world.look(world.with_digest_in("C0GENERAL")))
    finally:
        channel.is_archived = False

    assert "#general is archived. Name another channel" in fault


def test_a_channel_that_is_shared_with_others(world: World) -> None:
    fault = only(world.look(world.with_digest_in("C0PARTNER")))

    assert "#partners is shared with another workspace, so the bot posts nothing there." in fault


def test_a_shared_channel_that_a_grant_names_is_right(world: World) -> None:
    grant = GrantSettings(to=("U0ADA0001",), role="viewer", vms=("*",), channels=("C0PARTNER",))

    assert world.look(world.with_grant(grant)).faults == ()


@pytest.mark.parametrize("kind", get_args(Part))
def test_the_messages_that_slack_looks_at_have_every_kind_of_part(kind: type[Part]) -> None:
    assert any(isinstance(part, kind) for part in EVERY_PART.parts)


def test_slack_looks_at_every_shape_of_message(world: World) -> None:
    report = world.look(messages=True)

    assert report.faults == ()
    assert sum("the message “" in line and "Slack takes it." in line for line in report.lines(every=True)) > 20


# ---------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("U0NOBODY1", "The workspace has no user U0NOBODY1. Correct the id"),
        ("U0FORMER1", "(U0FORMER1) do nothing: deactivated."),
        ("U0GUEST01", "(U0GUEST01) do nothing: guest."),
        ("U0STRANGE", "(U0STRANGE) do nothing: "),
        ("S0NOGROUP", "The workspace has no user group S0NOGROUP"),
    ],
)
def test_a_grant_to_somebody_whom_nothing_can_be_granted(world: World, who: str, said: str) -> None:
    fault = only(world.look(world.with_grant(owners(who, vms=("test01",)))))

    assert "✗ access.grants.2.to.0: " in fault
    assert said in fault


@pytest.mark.parametrize("owner", ["U0NOBODY1", "U0FORMER1", "U0GUEST01"])
def test_an_owner_of_a_schedule_whom_the_bot_lets_do_nothing(world: World, owner: str) -> None:
    given = {"name": "nightly", "vms": ["web*"], "owner": owner, "channel": "C0OPS0001", "at": "02:00"}
    schedules = (ScheduleSettings.model_validate(given),)

    fault = only(world.look(world.settings.model_copy(update={"schedules": schedules})))

    assert "✗ schedules.0.owner: " in fault
    assert owner in fault


def test_a_group_without_members(world: World) -> None:
    group = world.sandbox.workspace.group("S0WEBTEAM")
    members, group.users = group.users, []
    try:
        fault = only(world.look(world.with_grant(owners("S0WEBTEAM"))))
    finally:
        group.users = members

    assert "The user group S0WEBTEAM has no members." in fault


def test_an_approval_that_nobody_can_give(world: World) -> None:
    """Vera is a member, and no grant lets her see the VM."""
    rule = ApprovalSettings(vms=("dc*",), actions=("apply",), by=("U0VIEWER1",))

    fault = only(world.look(world.with_access(approvals=(rule,))))

    assert "✗ access.approvals.0: Nobody can approve" in fault


def test_an_approver_who_is_alone_and_may_ask(world: World) -> None:
    rule = ApprovalSettings(vms=("web*",), actions=("apply",), by=("U0DEV0001",))

    fault = only(world.look(world.with_access(approvals=(rule,))))

    assert "alone can approve a change of web01 and web02, and nobody approves what they asked for" in fault


def test_a_pattern_that_names_no_vm(world: World) -> None:
    report = world.look(world.with_grant(owners("U0DEV0001", vms=("wbe*",))))

    assert "⚠ access.grants.2.vms.0: wbe* names no VM of any host." in only(report)
    assert report.healthy


# ---------------------------------------------------------------- hosts


def test_a_host_that_does_not_answer(world: World) -> None:
    fault = only(world.look(world.with_host(HostSettings(name="hv03", address="127.0.0.1", port=9)), anew=("hv03",)))

    assert "✗ hosts.hv03: hv03 does not answer at 127.0.0.1:9. Check that it runs" in fault


def test_a_password_that_a_host_refuses(world: World) -> None:
    first, *others = world.settings.hosts
    wrong = HostSettings(name="hv01", address="127.0.0.1", port=first.port, password=SecretStr("wrong"))
    settings = world.settings.model_copy(update={"hosts": (wrong, *others)})

    fault = only(world.look(settings, anew=("hv01",)))

    assert f"✗ hosts.hv01: hv01 refused {ACCOUNT} or its password" in fault


@contextmanager
def another_host(**terms: object) -> Iterator[WinRMServer]:
    shell = SimulatedPowerShell(new_host("hv03"), [bot_configuration(version=1)])
    with WinRMServer(shell, users={ACCOUNT: PASSWORD}, faults=shell.host.faults, **terms) as server:  # type: ignore[arg-type]
        yield server


@pytest.mark.parametrize(
    ("days", "said"),
    [(9, "⚠ hosts.hv03: Its certificate ends on "), (-9, "✗ hosts.hv03: The certificate of hv03 has ended")],
)
def test_a_certificate_that_ends(world: World, days: int, said: str) -> None:
    shell = SimulatedPowerShell(new_host("hv03"))
    until = NOW + timedelta(days=days, hours=1)
    with WinRMServer(shell, users={ACCOUNT: PASSWORD}, ssl=True, certificate_until=until) as server:
        host = HostSettings(name="hv03", address="127.0.0.1", port=server.port, ssl=True, ca_bundle=server.ca_file)

        fault = only(world.look(world.with_host(host), anew=("hv03",)))

    assert said in fault
    assert "HTTPS listener a new one" in fault


def test_an_endpoint_of_an_older_version(world: World) -> None:
    with another_host() as server:
        host = HostSettings(name="hv03", address="127.0.0.1", port=server.port, configuration_name=NAME)

        fault = only(world.look(world.with_host(host), anew=("hv03",)))

    assert "Its endpoint is of version 1, and this bot brings " in fault
    assert "Run Register-CheckpointBotEndpoint.ps1 of this version on the host." in fault


def test_a_session_configuration_that_is_not_there(world: World) -> None:
    with another_host() as server:
        host = HostSettings(name="hv03", address="127.0.0.1", port=server.port, configuration_name="Nowhere")

        fault = only(world.look(world.with_host(host), anew=("hv03",)))

    assert "hv03 has no session configuration called Nowhere. Register it with" in fault


@contextmanager
def armed(world: World, fault: HostFault) -> Iterator[None]:
    faults = world.servers["hv01"].faults
    faults.arm(fault)
    try:
        yield
    finally:
        faults.disarm()


def test_an_account_that_may_not_see_volumes(world: World) -> None:
    with armed(world, HostFault(FaultKind.CMDLET_ERROR, "Get-CimInstance", None)):
        fault = only(world.look(anew=("hv01",)))

    assert "⚠ hosts.hv01: It does not show volumes to this account or endpoint." in fault
    assert "Hyper-V Administrators" in fault


def test_a_clock_that_is_wrong(world: World) -> None:
    with armed(world, HostFault(FaultKind.CLOCK_SKEW, times=None, seconds=-600)):
        fault = only(world.look(anew=("hv01",)))

    assert "Its clock is 10 minutes behind this machine's." in fault.replace("9 minutes", "10 minutes")
    assert "Kerberos refuses more than 5 minutes" in fault


# ---------------------------------------------------------------- what it keeps


def in_folder(world: World, folder: Path) -> Settings:
    return world.settings.model_copy(update={"data_dir": folder})


def test_a_data_folder_that_is_a_file(world: World, tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    report = world.look(in_folder(world, tmp_path / "data"))
    (fault,) = report.faults
    assert "data is a file, and no folder. Name another folder." in fault.line


def test_a_volume_without_room(world: World) -> None:
    assert "⚠ data_dir: Only 12 MB are free" in only(world.look(room=lambda _: 12 * 1024**2))


def test_a_data_folder_that_others_can_read(world: World, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert "Others on this machine may look into" in only(world.look(in_folder(world, tmp_path)))


@contextmanager
def whole_folder(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o700)
    with Ledger(tmp_path / "ledger.db", clock=lambda: NOW):
        pass
    yield tmp_path


Damage = Callable[[Path], None]


def cut_the_chain(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("UPDATE chain_head SET seq = 7")
        db.commit()


def no_ledger(folder: Path) -> None:
    (folder / "ledger.db").write_bytes(b"no database" * 1000)


def no_jobs(folder: Path) -> None:
    (folder / "jobs.db").write_bytes(b"no database" * 1000)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut_the_chain, "✗ ledger.db: Its chain is broken at event 1"),
        (no_ledger, "✗ ledger.db: "),
        (no_jobs, "✗ jobs.db: The file of the jobs"),
    ],
)
def test_a_file_that_is_damaged(world: World, tmp_path: Path, damage: Damage, said: str) -> None:
    with whole_folder(tmp_path) as folder:
        damage(folder)
        report = world.look(in_folder(world, folder))

    assert said in only(report)
    assert not report.healthy


# ---------------------------------------------------------------- the audit stream


def with_audit(world: World, **audit: object) -> Settings:
    return world.settings.model_copy(update={"audit": AuditSettings.model_validate(audit)})


def test_codes_that_are_asked_for_and_that_nobody_has(world: World, tmp_path: Path) -> None:
    make_private(tmp_path / "data")
    settings = world.settings.model_copy(update={"codes": CodesSettings(vms=("dc*",)), "data_dir": tmp_path / "data"})

    assert "Nobody has one-time codes, so nobody can confirm" in only(world.look(settings))
    Codes(settings.data_dir, settings.codes, lambda: NOW).enroll("U0ADA0001")
    assert world.look(settings).healthy


def test_a_receiver_of_the_audit_stream_that_is_dead(world: World) -> None:
    fault = only(world.look(with_audit(world, stream="syslog+tls://127.0.0.1:9")))

    assert "✗ audit.stream: syslog+tls://127.0.0.1:9: Connection refused. Look whether it runs" in fault


def test_a_receiver_whose_certificate_does_not_hold(world: World) -> None:
    with untrusted() as port:
        fault = only(world.look(with_audit(world, stream=f"https://localhost:{port}/", ca_bundle=CA_FILE)))

    assert "its certificate does not hold" in fault


def test_a_receiver_gets_nothing_by_being_looked_at(world: World) -> None:
    with HttpsReceiver() as receiver:
        report = world.look(with_audit(world, stream=receiver.url, ca_bundle=CA_FILE, token="x"))

    assert (report.faults, receiver.bodies) == ((), [])
    assert f"✓ audit.stream: {receiver.url} can be reached." in "\n".join(report.lines(every=True))


def test_a_file_for_the_stream_where_no_folder_is(world: World, tmp_path: Path) -> None:
    assert "there is no folder" in only(world.look(with_audit(world, stream=str(tmp_path / "no" / "file"))))


def test_a_channel_for_the_head_without_the_bot(world: World) -> None:
    fault = only(world.look(with_audit(world, head="C0LOUNGE1")))

    assert "✗ audit.head: The bot is not in #lounge" in fault


# ---------------------------------------------------------------- at every start


def at_the_start(settings: Settings) -> list[str]:
    client = reading_client(settings.slack.bot_token.get_secret_value(), settings.slack.api_url)
    return [check.line for check in in_short(settings, SlackDirectory(client), {})]


def test_a_right_set_up_starts_without_a_word(world: World) -> None:
    assert at_the_start(world.settings) == []


def test_a_channel_without_the_bot_is_named_at_the_start(world: World) -> None:
    (line,) = at_the_start(world.with_digest_in("C0LOUNGE1"))

    assert "The bot is not in #lounge" in line
    assert "/invite @checkpoint" in line


# ---------------------------------------------------------------- all of them


def test_nothing_is_changed_by_looking(world: World) -> None:
    before = len(world.sandbox.messages("ops", user="ada"))
    world.look(anew=("hv01", "hv02"))

    assert len(world.sandbox.messages("ops", user="ada")) == before
    assert {one.name for one in world.settings.data_dir.iterdir()} <= {"ledger.db", "ledger.db-shm", "ledger.db-wal"}


def test_a_slack_that_limits_the_rate_is_no_fault_of_the_settings(world: World) -> None:
    world.sandbox.faults.calls.append(SlackFault("conversations.info", times=None, error="internal_error"))
    try:
        report = world.look()
    finally:
        world.sandbox.faults.clear()

    assert report.faults == ()
    assert report.summary.startswith("Nothing is wrong that could be seen: ")
    assert "could not be looked at" in report.summary
