"""Every setting, with its default, its meaning and its checks."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from backends.base import HostConnection
from bot.settings.hosts import (
    ClusterConnection,
    ClusterSettings,
    HostDefaults,
    HostSettings,
    at_unknown_sites,
    cluster_connection,
    connection,
    is_about,
    unreachable,
    unreachable_clusters,
)
from bot.settings.kinds import (
    EVERYONE,
    SLACK_API,
    SLASH,
    ActionName,
    ApiUrl,
    ChannelId,
    CheckpointCount,
    Count,
    DatabaseUrl,
    ExistingFile,
    HeadPlace,
    HostFolder,
    HoursOfTheDay,
    Label,
    Listen,
    OneOrMore,
    Pattern,
    Quantity,
    RoleName,
    ScheduleName,
    Secret,
    SetName,
    SiteKey,
    SiteName,
    Size,
    SlashCommand,
    Someone,
    Span,
    SpanOrNone,
    Stream,
    TimeOfDay,
    TimeZone,
    UserId,
    WholeHours,
    did_you_mean,
    is_jobs_file,
    problem,
)
from bot.settings.problems import Place, found, variable
from bot.settings.section import Section
from bot.settings.sets import SET, Places, S, misplaced, unknown, without_sets
from bot.settings.whole import Whole
from commands.base import Policy, Schedule
from commands.kit.words import say_span


class SlackSettings(Section):
    """The Slack app that the bot is."""

    api_url: ApiUrl = Field(default=SLACK_API, description="Slack's Web API, or a server that speaks it.")
    mode: Literal["socket", "http"] = Field(
        default="socket",
        description="How requests come: over connections that the bot opens, or over HTTP to an address of the bot's.",
    )
    bot_token: Secret = Field(
        description="The bot token of the Slack app. Better kept in a variable or a secrets folder.",
        examples=["xoxb-…"],
    )
    app_token: Secret | None = Field(
        default=None,
        validate_default=True,
        description="An app-level token with the scope connections:write, for the mode socket. Better kept there too.",
        examples=["xapp-…"],
    )
    signing_secret: Secret | None = Field(
        default=None,
        validate_default=True,
        description="The signing secret of the app, for the mode http. Better kept there too.",
        examples=["the-signing-secret"],
    )
    listen: Listen = Field(
        default="127.0.0.1:3000",
        description="The address and port of the mode http. A proxy that speaks TLS stands before it.",
    )
    command: SlashCommand = Field(
        default=SLASH,
        description="What people type. Two bots in one workspace need two: the app's manifest names the same one.",
    )
    label: Label = Field(
        default="", description="A name for this bot that stands in each of its messages, where there are several."
    )

    @field_validator("app_token", "signing_secret")
    @classmethod
    def _is_there_where_the_mode_needs_it(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        setting = str(info.field_name)
        if secret is None and info.data.get("mode") == {"app_token": "socket", "signing_secret": "http"}[setting]:
            raise problem(f"is missing: set it in the settings file, or as {variable(('slack', setting))}")
        return secret

    @field_validator("bot_token", "app_token")
    @classmethod
    def _looks_like_one(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Slack's own tokens have a known form; other servers may use any."""
        if token is None:
            return None
        form = {"bot_token": "xoxb-", "app_token": "xapp-"}[str(info.field_name)]
        text = token.get_secret_value()
        if info.data.get("api_url") == SLACK_API and not (text.startswith(form) and text.split() == [text]):
            raise problem(f"must begin with {form} and hold no spaces")
        return token

    @property
    def socket_token(self) -> str:
        """The app-level token, which there is in the mode socket."""
        return self.app_token.get_secret_value() if self.app_token else ""


class GrantSettings(Section):
    """Who may do what, to which VMs, where."""

    to: OneOrMore[Someone] = Field(
        description="User ids, user group ids, or `everyone` (every full member of the workspace)."
    )
    role: RoleName = Field(description="A name from roles.")
    vms: OneOrMore[Pattern] = Field(
        description="Names of VMs, or patterns with `*`, `?` and `[12]`. Upper and lower case are the same. "
        "`prod/web*` are those of one host or cluster, here and wherever VMs are named."
    )
    channels: tuple[ChannelId, ...] = Field(
        default=(),
        description="The channels it holds in. When left out or empty, everywhere. Who chooses one of them in a form "
        "has to be in it.",
    )


class ApprovalSettings(Section):
    """What needs the approval of a second person."""

    vms: OneOrMore[Pattern] = Field(description="Names or patterns of VMs.")
    actions: OneOrMore[ActionName] = Field(description="The actions that need it.")
    by: OneOrMore[Someone] = Field(description="Who may approve: never who asked.")
    count: Count = Field(default=1, description="How many different people of them must.")

    @model_validator(mode="after")
    def _are_enough(self) -> ApprovalSettings:
        people = set(self.by)
        if all(one.startswith(("U", "W")) for one in people) and len(people) < self.count:
            raise problem(f"asks for {self.count} approvals, and by names {len(people)}")
        return self


class AccessSettings(Section):
    """Who may do what. Nothing is allowed that no grant allows."""

    roles: dict[RoleName, tuple[ActionName, ...]] = Field(
        default={
            "viewer": ("view",),
            "operator": ("view", "create", "rename", "keep"),
            "owner": ("view", "create", "rename", "keep", "apply", "delete", "export", "configure", "acknowledge"),
        },
        description="Names for sets of actions. Roles given here take the place of these three.",
    )
    grants: tuple[GrantSettings, ...] = Field(
        default=(),
        description="Who may do what, to which VMs, where.",
        examples=[{"to": ["U024BE7LH", "S0615G0KT"], "role": "owner", "vms": ["web*"], "channels": []}],
    )
    approvals: tuple[ApprovalSettings, ...] = Field(
        default=(),
        description="What needs the approval of a second person.",
        examples=[{"vms": ["dc*", "sql*"], "actions": ["apply", "delete"], "by": ["S0615G0KT"]}],
    )
    ask: tuple[Someone, ...] = Field(
        default=(),
        description="Whom people are told to ask for a grant: user ids and user group ids.",
        examples=[["S0615G0KT"]],
    )
    production_only: tuple[Pattern, ...] = Field(
        default=(), description="VMs that must not get a standard checkpoint, such as domain controllers."
    )
    export_to: tuple[HostFolder, ...] = Field(
        default=(),
        description="The only folders, with all that is in them, to which checkpoints may be exported. When left out, "
        "any folder on the VM's host, and no share.",
        examples=[["D:\\exports", "\\\\nas\\exports"]],
    )

    @field_validator("ask")
    @classmethod
    def _can_be_asked(cls, ask: tuple[str, ...]) -> tuple[str, ...]:
        if EVERYONE in ask:
            raise problem(f"{EVERYONE} cannot be asked: name user ids or user group ids")
        return ask

    @field_validator("grants")
    @classmethod
    def _roles_exist(cls, grants: tuple[GrantSettings, ...], info: ValidationInfo) -> tuple[GrantSettings, ...]:
        roles = info.data.get("roles")
        if roles is not None:
            found(
                [
                    ((index, "role"), f"there is no role {grant.role}{did_you_mean(grant.role, roles)}")
                    for index, grant in enumerate(grants)
                    if grant.role not in roles
                ]
            )
        return grants

    @property
    def groups(self) -> frozenset[str]:
        """The ids of all user groups that grants and approvals name."""
        named = {one for grant in self.grants for one in grant.to} | {one for rule in self.approvals for one in rule.by}
        return frozenset(one for one in named if one.startswith("S"))


class ConfirmationSettings(Section):
    """When the bot asks before it acts."""

    expires_after: Span = Field(default=timedelta(minutes=10), description="How long a question waits for its answer.")
    approval_expires_after: Span = Field(
        default=timedelta(hours=4), description="How long a change waits for the approval of a second person."
    )
    actions: tuple[ActionName, ...] = Field(
        default=("apply", "delete", "export"),
        description="The actions that are asked about. Any change of more than 3 VMs is too.",
    )


class BrakeSettings(Section):
    """How much one person may destroy or copy before somebody else has to agree."""

    changes_per_hour: Quantity | None = Field(
        default=None,
        description="How many VMs one person may apply, delete or export checkpoints of within an hour; a group counts "
        "its VMs. What goes beyond needs the approval of somebody else who may do the same. When left out, any "
        "number.",
        examples=[10],
    )


class CodesSettings(Section):
    """One-time codes, beside the Slack session. People get theirs with `checkpointbot codes enroll`."""

    vms: tuple[Pattern, ...] = Field(
        default=(),
        description="Names or patterns of VMs: whoever confirms or approves a change of one is asked for a code.",
        examples=[["dc*", "sql*"]],
    )


class ApplySettings(Section):
    """What happens around an apply."""

    safety_checkpoint: bool = Field(default=True, description="Take a checkpoint of the present state first.")
    keep_safety: Span = Field(default=timedelta(hours=24), description="How long that checkpoint is kept.")


class ScheduleSettings(Section):
    """A checkpoint that is taken by the clock, in the time zone of digest."""

    name: ScheduleName = Field(description="What it is called. Its checkpoints are called so too, with the time.")
    vms: OneOrMore[Pattern] = Field(description="Names or patterns of the VMs.")
    excluded: tuple[Pattern, ...] = Field(
        default=(), alias="except", description="Names or patterns of VMs that are left out."
    )
    owner: UserId = Field(description="The user id of whose grants it runs with.")
    channel: ChannelId = Field(description="The channel that its runs are told in.")
    at: TimeOfDay | None = Field(default=None, description="The time of day.")
    every: WholeHours | None = Field(
        default=None, description="Instead of at: how often, in hours counted from midnight, or in days."
    )
    weekdays: bool = Field(default=False, description="Leave out Saturday and Sunday.")
    keep: Span | None = Field(default=None, description="How long its checkpoints are kept. When left out, for ever.")
    keep_last: CheckpointCount | None = Field(
        default=None, description="How many of its checkpoints are kept on each VM. When left out, all."
    )
    type: Literal["production", "standard"] = Field(default="production", description="The type that it takes.")
    label: ScheduleName | None = Field(
        default=None, description="What its checkpoints are called. When left out, its name."
    )

    @model_validator(mode="after")
    def _is_due_by_one_rule(self) -> ScheduleSettings:
        if (self.at is None) == (self.every is None):
            raise problem("needs either at or every, and not both")
        return self

    def schedule(self, owner_name: str) -> Schedule:
        """As the ledger keeps it. Its id is made from its name, so that it is the same one after every start."""
        return Schedule(
            f"settings-{self.name.casefold()}",
            self.name,
            self.vms,
            self.owner,
            owner_name,
            self.channel,
            self.excluded,
            self.at,
            self.every.total_seconds() if self.every else None,
            self.weekdays,
            self.keep.total_seconds() if self.keep else None,
            self.keep_last,
            self.type,
            self.label or "",
            from_settings=True,
        )


class HousekeepingSettings(Section):
    """The deletes that the bot does by the clock: what schedules keep no longer, and what has expired."""

    between: HoursOfTheDay | None = Field(
        default=None,
        description='The hours in which they may begin, such as "22:00-05:00", in the time zone of digest. When left '
        "out, at any hour.",
    )
    merges_per_host: Count = Field(
        default=1, description="How many of them at once a host, each until its disks are merged."
    )


class KeepSettings(Section):
    """How long the checkpoints that people take are kept. At the end the bot deletes them for their owners."""

    default: SpanOrNone = Field(
        default=timedelta(days=14),
        description="How long a checkpoint is kept where nobody says anything else. `none`: until somebody deletes it.",
    )
    longest: SpanOrNone = Field(
        default=None, description="The longest that anybody may ask for. When left out, any time, and forever."
    )
    notice: Span = Field(default=timedelta(days=2), description="How long before the end its owner is told.")

    @field_validator("longest")
    @classmethod
    def _default_is_not_longer(cls, longest: timedelta | None, info: ValidationInfo) -> timedelta | None:
        default = info.data.get("default")
        if longest is not None and "default" in info.data and (default is None or default > longest):
            said = "none" if default is None else say_span(default)
            raise problem(f"keep.longest is {say_span(longest)}, and keep.default is {said}, which is longer")
        return longest


class QuotaSettings(Section):
    """What one owner may have: what they took or claimed and what their schedules took, while it is there."""

    checkpoints_per_owner: Quantity | None = Field(
        default=None,
        description="How many checkpoints one owner may have. Theirs are those that they took, also by a schedule of "
        "theirs, and that nobody else claimed, and those that they claimed. Who has as many is refused a further one, "
        "with what to delete first, and their schedules skip what does not fit. A safety checkpoint counts too, and is "
        "taken whatever this says. When left out, any number.",
    )
    growth_per_owner: Size | None = Field(
        default=None,
        description="How much may be written since the checkpoints of one owner, such as 500GB, in powers of 1024. "
        "When left out, any amount.",
    )


class DigestChannelSettings(Section):
    """A channel that gets the digest."""

    channel: ChannelId = Field(description="Its id.")
    vms: OneOrMore[Pattern] = Field(
        default=("*",), description="Names or patterns of the VMs that its digest is about."
    )


class DigestSettings(Section):
    """The daily message about stale checkpoints."""

    at: TimeOfDay = Field(default=time(9, 0), description="The time of day it is posted at.")
    timezone: TimeZone = Field(
        default=ZoneInfo("UTC"), description="The time zone of that time, and of schedules and housekeeping."
    )
    weekdays_only: bool = Field(default=False, description="Leave out Saturday and Sunday.")
    stale_after: Span = Field(default=timedelta(days=7), description="The age from which a checkpoint is stale.")
    empty: Literal["short", "skip"] = Field(
        default="short", description="What is posted when all is well and nothing was solved: a line, or nothing."
    )
    channels: tuple[DigestChannelSettings, ...] = Field(
        default=(), description="The channels that get it.", examples=[{"channel": "C0123", "vms": ["*"]}]
    )


class MetricsSettings(Section):
    """Metrics for Prometheus, and a look whether the bot is healthy."""

    listen: Listen | None = Field(
        default=None,
        description="The address and port of /metrics and /healthz, such as 127.0.0.1:9464. When left out, there are "
        "none. Whoever reaches that address sees the names of hosts and VMs.",
        examples=["127.0.0.1:9464"],
    )


class LogSettings(Section):
    """The log, which goes to standard error."""

    format: Literal["text", "json"] = Field(default="text", description="Lines to read, or JSON, a line a record.")


class HealthSettings(Section):
    """How the checkpoints of VMs are watched over."""

    every: Span = Field(default=timedelta(minutes=15), description="How often the event logs of the hosts are read.")
    gate: bool = Field(
        default=True,
        description="Refuse what touches the disks of a VM on Hold, and ask about a VM that somebody should look at.",
    )
    backups_at: TimeOfDay | None = Field(
        default=None,
        description='When backups begin every day, such as "22:00", in the time zone of digest: checkpoints that are '
        "older are said to be.",
    )


class AuditSettings(Section):
    """Where every event of the ledger goes at once, and where its head is kept each day."""

    stream: Stream | None = Field(
        default=None,
        description="Who gets every event of the chain, in order and at least once: https://… (CloudEvents), "
        "syslog+tls://host:6514 (RFC 5424), the whole path of a file, or stdout. When left out, nobody.",
        examples=["https://collector.example.net/checkpointbot"],
    )
    token: Secret | None = Field(
        default=None, description="The bearer token that https is asked with. Better kept in a secrets folder."
    )
    ca_bundle: ExistingFile | None = Field(
        default=None,
        description="A PEM file with the authorities that the receiver's certificate is checked against. When left "
        "out, the system's.",
    )
    head: HeadPlace = Field(
        default="digest",
        description="Where the head of the chain is kept each day at digest.at: digest (in the thread of the "
        "first channel's digest), the id of another channel, the whole path of a file, or none.",
    )

    @model_validator(mode="after")
    def _goes_with_the_stream(self) -> AuditSettings:
        scheme = (self.stream or "").partition("://")[0]
        wrong: list[tuple[Place, str]] = []
        if self.token is not None and scheme != "https":
            wrong.append((("token",), "is for a stream to https://… alone"))
        if self.ca_bundle is not None and scheme not in ("https", "syslog+tls"):
            wrong.append((("ca_bundle",), "is for a stream to https://… or syslog+tls://… alone"))
        found(wrong)
        return self


def _places(data: dict[str, Any]) -> Places | None:
    """What the settings read so far name; None where hosts or clusters are wrong, which is said there."""
    if "hosts" not in data or "clusters" not in data:
        return None
    clusters: tuple[ClusterSettings, ...] = data["clusters"]
    names = [one.name for one in (*data["hosts"], *clusters)]
    return Places(names, {node.name.casefold(): one.name for one in clusters for node in one.nodes})


class Settings(Whole):
    """All settings."""

    slack: SlackSettings
    data_dir: Path = Field(default=Path("./data"), description="The folder of ledger.db and jobs.db.")
    database_url: DatabaseUrl | None = Field(
        default=None,
        description="Where durable jobs are kept: postgresql://…, for instance. When left out, SQLite in data_dir. The "
        "certificate of a PostgreSQL server is checked (sslmode=verify-full), but on this machine.",
    )
    sites: dict[SiteName, SiteKey] = Field(
        default={},
        description="The sites whose hosts and clusters a worker there reaches (`checkpointbot worker --site`), each "
        "with the key that only the bot and its workers have. They need a database_url of PostgreSQL.",
    )
    host_defaults: HostDefaults = Field(default_factory=HostDefaults)
    hosts: tuple[HostSettings, ...] = Field(
        default=(),
        description="The Hyper-V hosts. Every setting of host_defaults may be set for one host too.",
        examples=[{"name": "hv01", "address": "hv01.example.net"}],
    )
    clusters: tuple[ClusterSettings, ...] = Field(
        default=(),
        description="Failover clusters of Hyper-V hosts. The bot finds their nodes by itself, and follows a VM that "
        "moves from one to another; of one with a site, a worker there does. Every setting of host_defaults may be set "
        "for one cluster too.",
        examples=[{"name": "prod", "address": "prod-cl.example.net"}],
    )
    sets: dict[SetName, OneOrMore[Pattern]] = Field(
        default={},
        description="Names for groups of VMs, each with its names and patterns. `@shop` stands for the set shop "
        "wherever VMs are named, in the settings and in what people type.",
    )
    access: AccessSettings = Field(default_factory=AccessSettings)
    confirmation: ConfirmationSettings = Field(default_factory=ConfirmationSettings)
    brake: BrakeSettings = Field(default_factory=BrakeSettings)
    codes: CodesSettings = Field(default_factory=CodesSettings)
    apply: ApplySettings = Field(default_factory=ApplySettings)
    keep: KeepSettings = Field(default_factory=KeepSettings)
    quota: QuotaSettings = Field(default_factory=QuotaSettings)
    schedules: tuple[ScheduleSettings, ...] = Field(
        default=(),
        description="What is taken by the clock. People add more with `/checkpoint schedule`; these they only pause.",
        examples=[
            {
                "name": "nightly",
                "vms": ["app*"],
                "except": [],
                "owner": "U024BE7LH",
                "channel": "C0123",
                "at": "02:00",
                "keep": "7d",
            }
        ],
    )
    housekeeping: HousekeepingSettings = Field(default_factory=HousekeepingSettings)
    digest: DigestSettings = Field(default_factory=DigestSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @field_validator("sets")
    @classmethod
    def _sets_name_vms(cls, sets: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        places = _places(info.data)
        every = [(name, at, one) for name, patterns in sets.items() for at, one in enumerate(patterns)]
        nested = [((name, at), "a set names VMs, and no other set") for name, at, one in every if one.startswith(SET)]
        wrong = [((name, at), places.wrong_with(one)) for name, at, one in every] if places else []
        found([*nested, *((place, why) for place, why in wrong if why)])
        return sets

    @field_validator("access", "digest", "codes")
    @classmethod
    def _sets_are_known(cls, section: S, info: ValidationInfo) -> S:
        sets, places = info.data.get("sets"), _places(info.data)
        found(list(misplaced(section, places)) if places else [])
        return section if sets is None else without_sets(section, sets)

    @field_validator("schedules")
    @classmethod
    def _schedules_make_sense(
        cls, schedules: tuple[ScheduleSettings, ...], info: ValidationInfo
    ) -> tuple[ScheduleSettings, ...]:
        names, places = [one.name.casefold() for one in schedules], _places(info.data)
        found(
            [
                *(
                    ((at, "name"), f"{one.name} is the name of another schedule already")
                    for at, one in enumerate(schedules)
                    if names.index(one.name.casefold()) < at
                ),
                *(
                    ((at, *place), why)
                    for at, one in enumerate(schedules)
                    for place, why in unknown(one, info.data.get("sets") or {})
                ),
                *(
                    ((at, *place), why)
                    for at, one in enumerate(schedules)
                    for place, why in (misplaced(one, places) if places else ())
                ),
            ]
        )
        return schedules

    @field_validator("hosts")
    @classmethod
    def _hosts_can_be_reached(cls, hosts: tuple[HostSettings, ...], info: ValidationInfo) -> tuple[HostSettings, ...]:
        defaults, sites = info.data.get("host_defaults"), info.data.get("sites")
        if defaults is not None and sites is not None:
            wrong = unreachable([connection(host, defaults) for host in hosts])
            found([*at_unknown_sites(hosts, sites), *(one for one in wrong if is_about(hosts, one[0]))])
        return hosts

    @field_validator("clusters")
    @classmethod
    def _clusters_can_be_reached(
        cls, clusters: tuple[ClusterSettings, ...], info: ValidationInfo
    ) -> tuple[ClusterSettings, ...]:
        defaults, sites = info.data.get("host_defaults"), info.data.get("sites")
        if defaults is not None and sites is not None:
            made = [cluster_connection(one, defaults) for one in clusters]
            wrong = unreachable_clusters(made, info.data.get("hosts") or ())
            found([*at_unknown_sites(clusters, sites), *(one for one in wrong if is_about(clusters, one[0]))])
        return clusters

    @property
    def cluster_connections(self) -> tuple[ClusterConnection, ...]:
        """How each cluster is reached, likewise."""
        return tuple(cluster_connection(one, self.host_defaults) for one in self.clusters if one.site is None)

    @field_validator("sites")
    @classmethod
    def _sites_have_a_database(cls, sites: dict[str, SecretStr], info: ValidationInfo) -> dict[str, SecretStr]:
        if sites and "database_url" in info.data:
            url = info.data["database_url"]
            if url is None or url.get_secret_value().startswith("sqlite"):
                raise problem("need a database_url that begins with postgresql://, through which they are reached")
        return sites

    @property
    def has_jobs_file(self) -> bool:
        """The jobs are in the jobs.db of data_dir. What stands there else is left over."""
        return is_jobs_file(self.database_url.get_secret_value() if self.database_url else "", self.data_dir)

    @property
    def connections(self) -> tuple[HostConnection, ...]:
        """How each host is reached that is of no site, defaults filled in, in the order of the settings."""
        return tuple(connection(host, self.host_defaults) for host in self.hosts if host.site is None)

    @property
    def policy(self) -> Policy:
        """The part that commands go by."""
        return Policy(
            stale_after=self.digest.stale_after,
            safety_checkpoint=self.apply.safety_checkpoint,
            keep_safety=self.apply.keep_safety,
            keep_default=self.keep.default,
            keep_longest=self.keep.longest,
            production_only=self.access.production_only,
            quota_checkpoints=self.quota.checkpoints_per_owner,
            quota_growth=self.quota.growth_per_owner,
            export_to=self.access.export_to,
            backup_at=self.health.backups_at,
            zone=self.digest.timezone,
        )
