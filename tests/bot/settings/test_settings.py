"""Settings: where they come from, what is refused and in which words, and that no secret is ever shown."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import (
    HostDefaults,
    HostSettings,
    KeepSettings,
    QuotaSettings,
    Settings,
    SettingsError,
    SlackSettings,
    init_text,
    load,
)
from bot.settings.sources import merged

TOKENS = {"CHECKPOINTBOT_SLACK__BOT_TOKEN": "xoxb-1-2-abc", "CHECKPOINTBOT_SLACK__APP_TOKEN": "xapp-1-A-2-abc"}

DESIGNED = """
slack:
  bot_token: xoxb-1-2-abc
  app_token: xapp-1-A-2-abc
  api_url: https://slack.com/api/
data_dir: ./data
database_url: null
host_defaults:
  {port: 5986, ssl: true, auth: negotiate, username: null, password: null, configuration_name: null,
   allow_unencrypted: false}
hosts:
  - {name: hv01, address: hv01.example.net}
  - {name: hv02, auth: kerberos, port: 15986}
access:
  roles:
    operator: [view, create, rename, keep]
    owner: [view, create, rename, keep, apply, delete, export, configure]
  grants: [{to: ["U024BE7LH", "S0615G0KT"], role: owner, vms: ["web*"], channels: []}]
  approvals: [{vms: ["dc*", "sql*"], actions: [apply, delete], by: ["S0615G0KT"]}]
  production_only: ["dc*"]
confirmation: {expires_after: 10m, actions: [apply, delete]}
apply: {safety_checkpoint: true, keep_safety: 24h}
digest:
  {at: "09:00", timezone: Europe/Paris, weekdays_only: false, stale_after: 7d,
   channels: [{channel: C0123, vms: ["*"]}]}
"""


class Folder:
    """A folder to load from that has nothing to do with the one the tests run in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "checkpointbot.yaml"
        self.dotenv = path / ".env"
        self.secrets = path / "secrets"
        self.secrets.mkdir()

    def load(self, text: str | None = None, env: Mapping[str, str] = TOKENS) -> Settings:
        if text is not None:
            self.file.write_text(text, "utf-8")
        env = {"CHECKPOINTBOT_SECRETS_DIR": str(self.secrets), **env}
        return load(None if text is None else self.file, env=env, dotenv=self.dotenv)

    def problems(self, text: str | None = None, env: Mapping[str, str] = TOKENS) -> list[str]:
        with pytest.raises(SettingsError) as refused:
            self.load(text, env)
        assert str(refused.value) == "\n".join(refused.value.problems)
        return [line.replace(str(self.path), "…") for line in refused.value.problems]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


# ---------------------------------------------------------------- what loads


def test_the_whole_file_loads_into_typed_values(folder: Folder) -> None:
    loaded = folder.load(DESIGNED, {})
    assert loaded.slack.bot_token.get_secret_value() == "xoxb-1-2-abc"
    assert loaded.data_dir == Path("data")
    assert loaded.database_url is None
    assert loaded.access.grants[0].to == ("U024BE7LH", "S0615G0KT")
    assert loaded.access.groups == {"S0615G0KT"}
    assert loaded.confirmation.expires_after == timedelta(minutes=10)
    assert loaded.digest.at == time(9, 0)
    assert loaded.digest.timezone == ZoneInfo("Europe/Paris")
    assert loaded.policy.keep_safety == timedelta(hours=24)
    assert loaded.policy.production_only == ("dc*",)


def test_tokens_alone_are_enough_to_load(folder: Folder) -> None:
    loaded = folder.load()
    assert loaded.hosts == ()
    assert loaded.access.grants == ()
    assert loaded.confirmation.actions == ("apply", "delete", "export")
    assert loaded.policy.export_to == ()


def test_a_folder_to_export_to_is_written_in_full(folder: Folder) -> None:
    assert folder.load("access: {export_to: ['D:/exports', '\\\\nas\\exports']}").policy.export_to == (
        "D:\\exports",
        "\\\\nas\\exports\\",
    )
    (wrong,) = folder.problems("access: {export_to: ['exports']}")
    assert wrong.startswith("access.export_to.0: 'exports': the folder is on the host and is written in full")


def test_a_host_takes_what_it_leaves_out_from_the_defaults(folder: Folder) -> None:
    first, second = folder.load(
        "host_defaults: {port: 15986, auth: ntlm, username: bot, connect_timeout: 3s}\n"
        "hosts: [{name: hv01}, {name: hv02, address: 10.0.0.2, auth: negotiate, port: 5986, username: null}]"
    ).connections
    assert (first.address, first.port, first.auth, first.username) == ("hv01", 15986, "ntlm", "bot")
    assert (second.address, second.port, second.auth, second.username) == ("10.0.0.2", 5986, "negotiate", None)
    assert second.connect_timeout == 3.0


def test_the_port_follows_from_ssl_where_nobody_says_one(folder: Folder) -> None:
    connections = folder.load("hosts: [{name: a}, {name: b, ssl: false}]").connections
    assert [one.port for one in connections] == [5986, 5985]


def test_a_section_of_nothing_but_comments_means_its_defaults(folder: Folder) -> None:
    loaded = folder.load("slack:\nhost_defaults:\nhosts:\naccess:\n  grants:\n  roles:\ndigest:\n")
    assert loaded == folder.load(None)


def test_settings_made_in_code_take_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKPOINTBOT_DATA_DIR", "/elsewhere")
    made = Settings(slack=SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"}))
    assert made.data_dir == Path("data")


def test_numbers_and_times_of_yaml_are_read_as_people_write_them(folder: Folder) -> None:
    loaded = folder.load("host_defaults: {username: 0123, password: 12345678}\ndigest: {at: 10:30}\nhosts: [{name: 1}]")
    assert loaded.digest.at == time(10, 30)
    assert loaded.connections[0].username == "0123"
    assert loaded.connections[0].name == "1"


def test_a_file_from_notepad_with_a_byte_order_mark_loads(folder: Folder) -> None:
    folder.file.write_bytes(b"\xef\xbb\xbfdata_dir: C:\\bot\r\n")
    assert load(folder.file, env=TOKENS, dotenv=folder.dotenv).data_dir == Path("C:\\bot")


# ---------------------------------------------------------------- where settings come from


def test_variables_stand_over_dotenv_over_secrets_over_the_file(folder: Folder) -> None:
    def directory(text: str, env: Mapping[str, str]) -> str:
        return folder.load(text, {**TOKENS, **env}).data_dir.name

    text = "data_dir: file"
    assert directory(text, {}) == "file"
    (folder.secrets / "checkpointbot_data_dir").write_text("secret\n")
    assert directory(text, {}) == "secret"
    folder.dotenv.write_text("CHECKPOINTBOT_DATA_DIR=dotenv\nOTHER=1\n")
    assert directory(text, {}) == "dotenv"
    assert directory(text, {"CHECKPOINTBOT_DATA_DIR": "variable"}) == "variable"


def test_secrets_come_from_files_named_like_the_variables(folder: Folder) -> None:
    (folder.secrets / "checkpointbot_slack__bot_token").write_text("xoxb-from-file\n")
    (folder.secrets / "CHECKPOINTBOT_SLACK__APP_TOKEN").write_text("xapp-from-file", "utf-8-sig")
    (folder.secrets / "somebody-elses").write_bytes(b"\xff\xfe\x00")
    slack = folder.load("data_dir: x", {}).slack
    assert slack.bot_token.get_secret_value() == "xoxb-from-file"
    assert slack.app_token.get_secret_value() == "xapp-from-file"


def test_a_password_from_a_variable_reaches_the_hosts_of_the_file(folder: Folder) -> None:
    env = {**TOKENS, "CHECKPOINTBOT_HOST_DEFAULTS__PASSWORD": "from ${outside}"}
    (connection,) = folder.load("host_defaults: {username: bot}\nhosts: [{name: hv01}]", env).connections
    assert connection.password == "from ${outside}"
    assert "outside" not in repr(connection)


def test_dotenv_leaves_dollars_in_secrets_alone(folder: Folder) -> None:
    folder.dotenv.write_text(
        "CHECKPOINTBOT_HOST_DEFAULTS__USERNAME=u\nCHECKPOINTBOT_HOST_DEFAULTS__PASSWORD='a${HOME}b'\n"
    )
    password = folder.load().host_defaults.password
    assert password is not None
    assert password.get_secret_value() == "a${HOME}b"


def test_lists_and_groups_in_variables_are_json(folder: Folder) -> None:
    env = {
        **TOKENS,
        "CHECKPOINTBOT_HOSTS": '[{"name": "hv09"}]',
        "CHECKPOINTBOT_ACCESS__PRODUCTION_ONLY": '["dc*"]',
        "CHECKPOINTBOT_DIGEST__WEEKDAYS_ONLY": "true",
        "CHECKPOINTBOT_DATABASE_URL": "",
    }
    loaded = folder.load("hosts: [{name: hv01}]", env)
    assert [host.name for host in loaded.hosts] == ["hv09"]
    assert loaded.access.production_only == ("dc*",)
    assert loaded.digest.weekdays_only
    assert loaded.database_url is None


def test_the_file_is_the_given_one_then_the_named_one_then_the_one_at_hand(folder: Folder) -> None:
    folder.file.write_text("data_dir: at-hand")
    named, given_one = folder.path / "named.yaml", folder.path / "given.yaml"
    named.write_text("data_dir: named")
    given_one.write_text("data_dir: given")
    env = {**TOKENS, "CHECKPOINTBOT_CONFIG": str(named)}
    assert load(env=TOKENS).data_dir == Path("at-hand")
    assert load(env=env).data_dir == Path("named")
    assert load(given_one, env=env).data_dir == Path("given")


@given(
    st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=9)
)
def test_what_stands_above_wins_and_nothing_else_is_lost(tree: object) -> None:
    low = {"a": tree, "kept": 1}
    assert merged(low, {}) == low
    assert merged({}, low) == low
    assert merged(low, low) == low
    assert merged(low, {"a": {"b": 0}})["kept"] == 1


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hosts: [{name: a}, {name: b, port: 70000}]", "hosts.1.port: must be between 1 and 65535"),
        ("hosts: [{name: a, port: 0}]", "hosts.0.port: must be between 1 and 65535"),
        ("hosts: [{name: a, port: true}]", "hosts.0.port: must be a whole number"),
        ("hosts: [{name: a, port: https}]", "hosts.0.port: must be a whole number"),
        ("hosts: [{address: a}]", "hosts.0.name: is missing"),
        ("hosts: [{name: a, adress: b}]", "hosts.0.adress: is not a setting; did you mean address?"),
        ("hosst: []", "hosst: is not a setting; did you mean hosts?"),
        ("hosts: {name: a}", 'hosts: must be a list (in a variable, as JSON: ["a", "b"])'),
        ("hosts: [hv01]", "hosts.0: must be a group of settings with names"),
        ("hosts: [{name: a}, {name: A}]", "hosts.1.name: A is the name of another host already"),
        ("clusters: [{name: a}, {name: A}]", "clusters.1.name: A is the name of another cluster already"),
        ("hosts: [{name: a}]\nclusters: [{name: A}]", "clusters.0.name: A is the name of a host already"),
        ("clusters: [{name: a, password: x}]", "clusters.0.username: is missing: there is a password"),
        (
            "clusters: [{name: a, nodes: [{name: b, password: x}]}]",
            "clusters.0.nodes.0.username: is missing: there is a password",
        ),
        (
            "hosts: [{name: a, address: 'https://x'}]",
            "hosts.0.address: must be a host name or an IP address alone; ssl and port are settings of their own",
        ),
        ("hosts: [{name: a, ssl: perhaps}]", "hosts.0.ssl: must be true or false"),
        (
            "hosts: [{name: a, auth: kerberos5}]",
            "hosts.0.auth: must be 'negotiate', 'kerberos', 'ntlm', 'credssp', 'certificate' or 'basic'; "
            "did you mean kerberos?",
        ),
        (
            "hosts: [{name: a, auth: basic, ssl: false, username: u, password: p}]",
            "hosts.0.auth: basic over plain HTTP shows the password to everyone on the way: set ssl: true, "
            "or allow_unencrypted: true if that network is trusted",
        ),
        ("hosts: [{name: a, auth: basic, username: u}]", "hosts.0.password: is missing: auth basic needs it"),
        ("hosts: [{name: a, password: p}]", "hosts.0.username: is missing: there is a password"),
        ("hosts: [{name: a, ca_bundle: /no/such.pem}]", "hosts.0.ca_bundle: there is no file /no/such.pem"),
        (
            "host_defaults: {connect_timeout: 5}",
            "host_defaults.connect_timeout: must be a span of time, such as 30m, 24h or 7d",
        ),
        (
            "slack: {api_url: 'http://example.net/api'}",
            "slack.api_url: must begin with https:// (plain http:// only for a server on this machine)",
        ),
        ("database_url: mysql://db", "database_url: must begin with postgresql:// or sqlite:///"),
        (
            "database_url: postgresql://db",
            "database_url: must name one server and a database, such as postgresql://user@db.example.net/checkpointbot",
        ),
        (
            "database_url: postgresql://a,b/x",
            "database_url: must name one server and a database, such as postgresql://user@db.example.net/checkpointbot",
        ),
        (
            "database_url: postgresql://db/x?sslmode=require",
            "database_url: must check who the server is: sslmode=verify-full, or no sslmode at all, which means that",
        ),
        (
            "database_url: postgresql://localhost/x?host=db",
            "database_url: must name the server before the database, and no host behind it",
        ),
        (
            "access: {grants: [{to: [everyone], role: ownr, vms: ['*']}]}",
            "access.grants.0.role: there is no role ownr; did you mean owner?",
        ),
        (
            "access: {grants: [{to: ['@ada'], role: owner, vms: ['*']}]}",
            "access.grants.0.to.0: '@ada' is neither a user id (U024BE7LH), a user group id (S0615G0KT) nor everyone",
        ),
        (
            "access: {grants: [{to: [everyone], role: owner, vms: ['*'], channels: ['#ops']}]}",
            "access.grants.0.channels.0: '#ops' is not a channel id (C0123ABCD)",
        ),
        ("access: {grants: [{to: [], role: owner, vms: ['*']}]}", "access.grants.0.to: must not be empty"),
        (
            "access: {grants: [{to: [U1], role: owner, vms: ['web[1']}]}",
            "access.grants.0.vms.0: 'web[1' has a [ without a ]; for the character itself write [[]",
        ),
        (
            "access: {production_only: ['']}",
            "access.production_only.0: must be a name or a pattern such as web*, without spaces around it",
        ),
        (
            "confirmation: {expires_after: soon}",
            "confirmation.expires_after: 'soon' is not a span of time: type for example 30m, 24h, 7d or 2w",
        ),
        ("digest: {at: '24:00'}", 'digest.at: must be a time of day from "00:00" to "23:59"'),
        (
            "digest: {timezone: Europe/Pariss}",
            "digest.timezone: 'Europe/Pariss' is not a time zone, such as Europe/Paris or UTC; "
            "did you mean Europe/Paris?",
        ),
        (
            "digest: {channels: [{channel: general}]}",
            "digest.channels.0.channel: 'general' is not a channel id (C0123ABCD)",
        ),
        ("", "…/checkpointbot.yaml: is empty; checkpointbot init writes a file to start from"),
        ("- hosts", "…/checkpointbot.yaml: must hold settings with names, such as slack: and hosts:"),
        ("data_dir: a\nhosts: []\ndata_dir: b", "…/checkpointbot.yaml: line 3: data_dir is given twice"),
        ("1: 2", "1: is not a setting"),
        ("_env_file: other.env", "_env_file: is not a setting"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(folder: Folder, text: str, line: str) -> None:
    assert folder.problems(text) == [line]


@pytest.mark.parametrize("action", ["vew", "Apply ", "restore"])
def test_an_action_that_does_not_exist_is_refused(folder: Folder, action: str) -> None:
    (line,) = folder.problems(f"access: {{roles: {{x: ['{action}']}}}}")
    assert line.startswith(f"access.roles.x.0: there is no action {action}")
    assert "apply, configure, create" in line


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", "Europe", "", "\u0000", "europe/pariss"])
def test_what_is_no_time_zone_is_refused(folder: Folder, zone: str) -> None:
    (line,) = folder.problems(json.dumps({"digest": {"timezone": zone}}))
    assert line.startswith("digest.timezone: ")


def test_a_certificate_needs_its_two_files_and_https(folder: Folder) -> None:
    assert folder.problems("hosts: [{name: a, auth: certificate, ssl: false}]") == [
        "hosts.0.auth: certificate needs ssl: true",
        "hosts.0.certificate_pem: is missing: auth certificate needs it",
        "hosts.0.certificate_key_pem: is missing: auth certificate needs it",
    ]


def test_every_problem_is_told_at_once(folder: Folder) -> None:
    text = "hosst: 1\nhosts: [{name: a, port: 0}, {prt: 1}]\ndigest: {at: x}\ndata_dir: [a]"
    env = {
        "CHECKPOINTBOT_SLAK__BOT_TOKEN": "x",
        "CHECKPOINTBOT_ACCESS__GRANTS": "[{",
        "CHECKPOINTBOT_SLACK__TOKEN": "x",
    }
    assert {line.partition(":")[0] for line in folder.problems(text, env)} == {
        "CHECKPOINTBOT_SLAK__BOT_TOKEN",
        "slack.bot_token",
        "slack.app_token",
        "slack.token",
        "data_dir",
        "hosts.0.port",
        "hosts.1.name",
        "hosts.1.prt",
        "access.grants",
        "digest.at",
        "hosst",
    }


def test_missing_tokens_are_asked_for_with_their_variables(folder: Folder) -> None:
    assert folder.problems("data_dir: x", {}) == [
        "slack.bot_token: is missing: set it in the settings file, or as CHECKPOINTBOT_SLACK__BOT_TOKEN",
        "slack.app_token: is missing: set it in the settings file, or as CHECKPOINTBOT_SLACK__APP_TOKEN",
    ]


def test_a_misspelt_variable_is_refused_and_those_that_kubernetes_adds_are_not(folder: Folder) -> None:
    env = {**TOKENS, "CHECKPOINTBOT_PORT": "tcp://10.0.0.1:80", "CHECKPOINTBOT_SERVICE_HOST": "10.0.0.1"}
    assert folder.load("data_dir: x", env).data_dir == Path("x")
    assert folder.problems("data_dir: x", {**env, "CHECKPOINTBOT_DATADIR": "y"}) == [
        "CHECKPOINTBOT_DATADIR: is not a setting; did you mean CHECKPOINTBOT_DATA_DIR?"
    ]


def test_a_file_that_cannot_be_read_says_why(folder: Folder) -> None:
    for path, reason in ((folder.path / "none.yaml", "No such file or directory"), (folder.path, "Is a directory")):
        with pytest.raises(SettingsError) as refused:
            load(path, env=TOKENS, dotenv=folder.dotenv)
        assert refused.value.problems == (f"{path}: cannot be read: {reason}",)
    folder.file.write_bytes(b"data_dir: caf\xe9")
    with pytest.raises(SettingsError, match="it is not UTF-8 text"):
        load(folder.file, env=TOKENS, dotenv=folder.dotenv)


def test_a_secrets_folder_that_is_named_must_be_there(folder: Folder) -> None:
    env = {**TOKENS, "CHECKPOINTBOT_SECRETS_DIR": str(folder.path / "none")}
    assert folder.problems("data_dir: x", env) == ["CHECKPOINTBOT_SECRETS_DIR: there is no folder …/none"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: [b\nc: d", "line 2, column 2"),
        ("a:\n\t- b", "line 2, column 1"),
        ("a: 'b", "line 1, column 6"),
        ("a: @b", "line 1, column 4"),
    ],
)
def test_a_slip_in_the_yaml_is_shown_by_line_and_column(folder: Folder, text: str, where: str) -> None:
    (line,) = folder.problems(text)
    assert f"is not valid YAML at {where}: " in line


# ---------------------------------------------------------------- tokens and secrets


def test_tokens_of_slack_have_a_known_form_and_others_may_have_any(folder: Folder) -> None:
    text = "slack: {bot_token: xapp-swapped, app_token: 'xapp-1 2'}"
    assert folder.problems(text, {}) == [
        "slack.bot_token: must begin with xoxb- and hold no spaces",
        "slack.app_token: must begin with xapp- and hold no spaces",
    ]
    for url in (
        "https://chat.example.net/api",
        "http://127.0.0.1:8080/api/",
        "http://localhost:1/api",
        "http://[::1]:1/api",
    ):
        slack = folder.load(f"slack: {{bot_token: any, app_token: thing, api_url: '{url}'}}", {}).slack
        assert slack.api_url.endswith("/api/")


SECRET = "hunter2-S3cret"

LEAKS = [
    f"slack: {SECRET}",
    f"slack: [{SECRET}]",
    f"slack: {{bot_token: {SECRET}, app_token: {SECRET}}}",
    f"slack: {{bot_token: [{SECRET}], app_token: {{a: {SECRET}}}}}",
    f"slack: {{bot_token: *{SECRET}}}",
    f"slack: {{bot_token: !{SECRET} x}}",
    f"slack:\n  bot_token: '{SECRET}\n",
    f"slack:\n  bot_token: @{SECRET}\n",
    f"slack: {{api_url: 'https://u:{SECRET}@example.net/'}}",
    f"slack: {{api_url: 'ftp://{SECRET}/'}}",
    f"database_url: mysql://bot:{SECRET}@db/x",
    f"database_url: [{SECRET}]",
    f"host_defaults: {{password: [{SECRET}], port: x}}",
    f"hosts: [{{name: a, password: {SECRET}}}]",
    f"hosts: [{{name: a, password: {{x: {SECRET}}}}}]",
]


@pytest.mark.parametrize("text", LEAKS)
def test_no_message_and_no_traceback_shows_a_secret(folder: Folder, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        folder.load(text, {})
    shown = "".join(traceback.format_exception(refused.value))
    assert SECRET not in shown.replace(text, "")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["SLACK", "HOSTS", "HOST_DEFAULTS", "DATABASE_URL", "SLACK__BOT_TOKEN"])
@pytest.mark.parametrize("value", [SECRET, f'{{"x": "{SECRET}"}}', f'["{SECRET}"', f'["{SECRET}"]', "[{"])
def test_no_message_shows_a_secret_from_a_variable(folder: Folder, name: str, value: str) -> None:
    lines = folder.problems("data_dir: x", {f"CHECKPOINTBOT_{name}": value})
    assert lines
    assert SECRET not in "\n".join(lines)


def test_loaded_secrets_are_hidden_wherever_settings_are_printed(folder: Folder) -> None:
    loaded = folder.load(
        f"slack: {{bot_token: xoxb-{SECRET}, app_token: xapp-{SECRET}}}\ndatabase_url: postgresql://u:{SECRET}@db/x\n"
        f"host_defaults: {{username: u, password: {SECRET}}}\nhosts: [{{name: a}}, {{name: b, password: {SECRET}}}]",
        {},
    )
    for shown in (
        repr(loaded),
        str(loaded),
        loaded.model_dump_json(),
        repr(loaded.model_dump()),
        repr(loaded.connections),
    ):
        assert SECRET not in shown


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*Settings.model_fields, "hosts", "access", "x"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=st.dictionaries(names, values | st.dictionaries(st.sampled_from(["to", "vms", "at", "name", "roles"]), values))
)
def test_whatever_stands_in_the_file_it_loads_or_is_refused_in_words(folder: Folder, tree: dict[str, object]) -> None:
    try:
        folder.load(yaml.safe_dump(tree))
    except SettingsError as refused:
        assert refused.problems
        assert all(re.match(r"\S.*: \S", line, re.DOTALL) for line in refused.problems)


# ---------------------------------------------------------------- the file to start from


def test_the_file_to_start_from_loads_as_it_is_once_there_are_tokens(folder: Folder) -> None:
    assert folder.load(init_text()) == folder.load(None)


def test_the_file_to_start_from_names_every_setting_with_its_default(folder: Folder) -> None:
    uncommented = re.sub(r"(?m)^(\s*)#(?=\S)", r"\1", init_text())
    loaded = folder.load(uncommented, {})
    assert [host.name for host in loaded.hosts] == ["hv01"]
    assert loaded.host_defaults == HostDefaults()
    for section in (loaded.confirmation, loaded.apply):
        assert section == type(section)()
    text = yaml.safe_load(uncommented)
    assert set(text) == set(Settings.model_fields)
    assert set(text["host_defaults"]) == set(HostDefaults.model_fields)


def test_every_setting_says_what_it_is() -> None:
    for section in (SlackSettings, HostDefaults, HostSettings):
        assert all(field.description for field in section.model_fields.values())


@pytest.mark.parametrize(("default", "longest"), [("30d", "14d"), ("none", "14d")])
def test_a_default_that_is_longer_than_the_longest_is_refused_with_both_named(default: str, longest: str) -> None:
    with pytest.raises(ValueError, match=r"keep\.longest is 14 days, and keep\.default is (30 days|none)"):
        KeepSettings.model_validate({"default": default, "longest": longest})


def test_a_checkpoint_is_kept_for_two_weeks_where_nobody_says_anything_else() -> None:
    assert KeepSettings().default == timedelta(days=14)
    assert KeepSettings.model_validate({"default": "none"}).default is None


def test_a_quota_is_a_number_and_a_size_and_nothing_else() -> None:
    assert QuotaSettings() == QuotaSettings(checkpoints_per_owner=None, growth_per_owner=None)
    given = QuotaSettings.model_validate({"checkpoints_per_owner": 20, "growth_per_owner": "1.5 TB"})
    assert (given.checkpoints_per_owner, given.growth_per_owner) == (20, 1536 * 1024**3)
    for wrong in ({"checkpoints_per_owner": 0}, {"growth_per_owner": "much"}, {"growth_per_owner": "0GB"}):
        with pytest.raises(ValueError, match=r"between 1 and|is not a size"):
            QuotaSettings.model_validate(wrong)
