"""Settings in, a bot out: which classes, which folders, which ports."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from backends.base import HostConnection, MayWait
from backends.cluster.backend import ClusterBackend
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.connect import connect
from backends.sites.backend import SiteBackend
from backends.sites.cluster import SiteCluster
from bot.people.directory import LookupFailed
from bot.sandbox import Sandbox
from bot.settings import ClusterSettings, DigestChannelSettings, HostDefaults, HostSettings, NodeSettings, Settings
from bot.settings.hosts import cluster_connection
from bot.slack.websocket import NotConnected
from bot.wiring import Bot, hosts_of, simulated_hosts
from tests.support import jobs
from tests.support.headquarters import settings

ACCOUNT, PASSWORD = "LAB\\svc", "a password of this test"


def reaching(sandbox: Sandbox, folder: Path, *, bot_token: str = "", app_token: str = "") -> Settings:
    """Settings of a bot in the sandbox."""
    given = settings(folder)
    slack = given.slack.model_copy(
        update={
            "api_url": sandbox.api_url,
            "bot_token": SecretStr(bot_token or sandbox.bot_token),
            "app_token": SecretStr(app_token or sandbox.app_token),
        }
    )
    return jobs.placed(given.model_copy(update={"slack": slack}))


def test_every_host_of_the_settings_gets_a_backend_and_nothing_is_sent(tmp_path: Path) -> None:
    given = settings(tmp_path).model_copy(
        update={
            "host_defaults": HostDefaults(username=ACCOUNT, password=SecretStr(PASSWORD)),
            "hosts": (
                HostSettings(name="hv01", address="hv01.invalid"),
                HostSettings(name="hv02", ssl=False, auth="basic", allow_unencrypted=True, configuration_name="JEA"),
            ),
        }
    )

    backends = hosts_of(given)

    assert {name: backend.host for name, backend in backends.items()} == {"hv01": "hv01", "hv02": "hv02"}
    assert all(isinstance(backend, HyperVBackend) for backend in backends.values())
    for backend in backends.values():
        backend.close()


def test_a_cluster_of_the_settings_is_one_backend_whose_nodes_are_reached_by_their_names() -> None:
    defaults = HostDefaults(username=ACCOUNT, password=SecretStr(PASSWORD), configuration_name="JEA")
    cluster = ClusterSettings(
        name="prod",
        address="prod-cl.example.net",
        port=5999,
        nodes=(NodeSettings(name="HV02", port=6000), NodeSettings(name="hv03", address="10.0.0.3")),
    )

    found = cluster_connection(cluster, defaults)

    reached = [found.entrance, *map(found.node, ("hv01", "hv02", "hv03"))]
    assert [(one.name, one.address, one.port) for one in reached] == [
        ("prod", "prod-cl.example.net", 5999),
        ("hv01", "hv01.example.net", 5999),
        ("HV02", "HV02.example.net", 6000),
        ("hv03", "10.0.0.3", 5999),
    ]
    assert {(one.username, one.configuration_name) for one in reached} == {(ACCOUNT, "JEA")}


@pytest.mark.parametrize(
    ("cluster", "address"),
    [
        (ClusterSettings(name="prod"), "hv01"),
        (ClusterSettings(name="prod", address="10.0.0.1"), "hv01"),
        (ClusterSettings(name="prod", address="10.0.0.1", domain="lab.example"), "hv01.lab.example"),
    ],
)
def test_a_node_has_the_domain_of_its_cluster(cluster: ClusterSettings, address: str) -> None:
    assert cluster_connection(cluster, HostDefaults()).node("hv01").address == address


def test_a_cluster_gets_a_backend_beside_the_hosts(tmp_path: Path) -> None:
    given = settings(tmp_path).model_copy(
        update={"hosts": (HostSettings(name="hv09"),), "clusters": (ClusterSettings(name="prod"),)}
    )
    backends = hosts_of(given, tmp_path / "shells")
    assert {name: type(backend) for name, backend in backends.items()} == {
        "hv09": HyperVBackend,
        "prod": ClusterBackend,
    }
    for backend in backends.values():
        backend.close()


def test_a_cluster_of_a_site_is_called_at_its_site_and_tells_what_its_changes_wait_for(tmp_path: Path) -> None:
    given = settings(tmp_path).model_copy(
        update={
            "database_url": SecretStr("postgresql://bot@127.0.0.1:1/none"),
            "sites": {"lyon": SecretStr("k" * 32)},
            "hosts": (HostSettings(name="hv09", site="lyon"), HostSettings(name="hv01")),
            "clusters": (ClusterSettings(name="prod", site="lyon"), ClusterSettings(name="test")),
        }
    )
    backends = hosts_of(given)
    assert {name: (type(backend), isinstance(backend, MayWait)) for name, backend in backends.items()} == {
        "hv09": (SiteBackend, False),
        "hv01": (HyperVBackend, False),
        "prod": (SiteCluster, True),
        "test": (ClusterBackend, True),
    }
    for backend in backends.values():
        backend.close()


def test_each_host_keeps_a_file_of_its_own_of_the_shells_that_stand_open(tmp_path: Path) -> None:
    with simulated_hosts(tmp_path, ACCOUNT, PASSWORD) as ports:
        given = settings(tmp_path).model_copy(
            update={
                "host_defaults": HostDefaults(username=ACCOUNT, password=SecretStr(PASSWORD), ssl=False),
                "hosts": tuple(HostSettings(name=n, address="127.0.0.1", port=p) for n, p in ports.items()),
            }
        )
        backends = hosts_of(given, tmp_path / "shells")
        for backend in backends.values():
            backend.inventory()
        kept = {file.name: json.loads(file.read_text()) for file in (tmp_path / "shells").iterdir()}
        for backend in backends.values():
            backend.close()

    assert set(kept) == {f"{name}.json" for name in ports}
    assert all(kept.values())


def test_the_hosts_of_the_demo_are_kept_between_two_times(tmp_path: Path) -> None:
    def reach(port: int) -> HyperVBackend:
        return connect(HostConnection("hv02", "127.0.0.1", port, ssl=False, username=ACCOUNT, password=PASSWORD))

    with simulated_hosts(tmp_path, ACCOUNT, PASSWORD) as ports:
        first = reach(ports["hv02"])
        off = next(one.vm for one in first.inventory().vms if one.vm.name == "test01")
        first.create(off.id, "kept")
        first.close()
    with simulated_hosts(tmp_path, ACCOUNT, PASSWORD) as ports:
        second = reach(ports["hv02"])
        names = [one.name for one in second.vm(off.id).checkpoints]
        second.close()

    assert names == ["daily", "kept"]


class TestATokenThatSlackRefuses:
    def test_is_found_out_when_the_bot_starts(self, tmp_path: Path) -> None:
        with Sandbox() as sandbox:
            bot = Bot(reaching(sandbox, tmp_path, bot_token="xoxb-wrong"))
            try:
                with pytest.raises(LookupFailed, match="Slack does not know the bot token"):
                    bot.start()
            finally:
                bot.stop()

    def test_so_is_one_for_the_connections(self, tmp_path: Path) -> None:
        with Sandbox() as sandbox:
            bot = Bot(reaching(sandbox, tmp_path, app_token="xapp-wrong"))
            try:
                with pytest.raises(NotConnected, match="it does not know the app token"):
                    bot.start()
            finally:
                bot.stop()


class TestSlackAwayAtTheStart:
    def test_is_waited_for_and_said_once(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with Sandbox() as sandbox:
            sandbox.fail("auth.test", error="internal_error", times=2)
            sandbox.fail("apps.connections.open", error="internal_error", times=2)
            told: list[str] = []
            bot = Bot(reaching(sandbox, tmp_path), on_wait=told.append)
            try:
                bot.start()
                sandbox.wait_for_connections(2)
            finally:
                bot.stop()
        assert caplog.text.count("Slack is not reached yet") == 2
        assert [one.partition(",")[0] for one in told] == ["Slack is not reached yet"] * 2

    def test_is_not_waited_for_where_that_is_not_wanted(self, tmp_path: Path) -> None:
        with Sandbox() as sandbox:
            sandbox.fail("auth.test", error="internal_error")
            bot = Bot(reaching(sandbox, tmp_path), wait=False)
            try:
                with pytest.raises(LookupFailed):
                    bot.start()
            finally:
                bot.stop()

    def test_does_not_keep_the_bot_from_stopping(self, tmp_path: Path) -> None:
        with Sandbox() as sandbox:
            sandbox.fail("auth.test", error="internal_error", times=None)
            stopping = threading.Event()
            threading.Timer(0.2, stopping.set).start()
            bot = Bot(reaching(sandbox, tmp_path))
            bot.start(stopping)
            bot.stop()


def test_channels_where_the_bot_can_do_nothing_are_said_by_a_look(tmp_path: Path) -> None:
    said = ("#web-team is archived.", "The bot is not in #lounge", "The bot does not see the channel C0NOWHERE.")
    with Sandbox() as sandbox:
        sandbox.workspace.channels["C0WEBTEAM"].is_archived = True
        given = reaching(sandbox, tmp_path)
        grant = given.access.grants[0].model_copy(update={"channels": ("C0WEBTEAM", "C0OPS0001")})
        digests = (DigestChannelSettings(channel="C0LOUNGE1"), DigestChannelSettings(channel="C0NOWHERE"))
        update = {
            "access": given.access.model_copy(update={"grants": (grant,)}),
            "digest": given.digest.model_copy(update={"channels": digests}),
        }
        bot = Bot(given.model_copy(update=update))
        assert not bot.stops_within(0.0)
        try:
            told = "\n".join(check.line for check in bot.look())
        finally:
            bot.stop()
    assert [told.count(line) for line in said] == [1, 1, 1]
    assert "#ops" not in told
    assert bot.stops_within(0.0)


def test_a_bot_that_was_stopped_can_be_followed_by_another(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        for _ in range(2):
            bot = Bot(reaching(sandbox, tmp_path))
            bot.start()
            sandbox.wait_for_connections(2)
            bot.stop()
            sandbox.wait_for_connections(0)
