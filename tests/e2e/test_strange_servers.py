"""The bot against servers that know little: a Slack with a handful of methods, and a host with six cmdlets.

This is how somebody tries the bot who has neither the demo nor a Hyper-V host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.base import AuthenticationFailed, Backend, HostConnection, Refused, VMState
from backends.hyperv.connect import connect
from tests.e2e.stranger_host import PASSWORD, USER, StrangerHost
from tests.e2e.stranger_slack import ADA, APP_TOKEN, BOT_TOKEN, StrangerSlack
from tests.support.program import BotProcess

SECRETS = {"SLACK__BOT_TOKEN": BOT_TOKEN, "SLACK__APP_TOKEN": APP_TOKEN, "HOST_DEFAULTS__PASSWORD": PASSWORD}


@pytest.fixture
def slack() -> Iterator[StrangerSlack]:
    with StrangerSlack() as running:
        yield running


def settings(slack: StrangerSlack, host: StrangerHost) -> Mapping[str, object]:
    return {
        "slack": {"api_url": slack.api_url},
        "host_defaults": {"ssl": False, "auth": "basic", "allow_unencrypted": True, "username": USER},
        "hosts": [{"name": "strange", "address": "127.0.0.1", "port": host.port}],
        "access": {"grants": [{"to": [ADA], "role": "owner", "vms": ["*"]}]},
        "digest": {"channels": [{"channel": "C0"}]},
    }


def backend_of(host: StrangerHost, *, password: str = PASSWORD) -> Backend:
    return connect(
        HostConnection(
            "strange",
            "127.0.0.1",
            host.port,
            ssl=False,
            auth="basic",
            username=USER,
            password=password,
            allow_unencrypted=True,
        )
    )


@contextmanager
def bot(folder: Path, slack: StrangerSlack, host: StrangerHost) -> Iterator[BotProcess]:
    with BotProcess(folder, settings(slack, host), SECRETS) as process:
        process.wait_until_running()
        yield process


def test_the_main_job_is_done(tmp_path: Path, slack: StrangerSlack) -> None:
    with StrangerHost() as host:
        vm_id = host.add_vm("web01")
        host.add_checkpoint(vm_id, "long-ago", days=30)
        with bot(tmp_path, slack, host) as process:
            slack.type("web01 before-upgrade")
            slack.wait_for_text("Took before-upgrade of web01")

            slack.type("apply web01 before-upgrade")
            card = slack.wait_for_text("Apply before-upgrade to web01?")
            assert "will be lost" in card
            assert "Restore-VMSnapshot" not in host.ran
            slack.press("Apply")
            slack.wait_for_text("web01 is back at before-upgrade, and is running.")

            slack.type("digest")
            assert "web01: long-ago" in slack.wait_for_text("Checkpoint digest")
            slack.type("list web01")
            slack.wait_for_text("you are here")

            assert process.interrupt() == 0
    assert host.ran.count("Restore-VMSnapshot") == 1
    long_ago, taken, safety = map(str, host.names(vm_id))
    assert (long_ago, taken) == ("long-ago", "before-upgrade")
    assert safety.startswith("safety ")


@pytest.mark.parametrize(
    "kind",
    [
        StrangerHost(),
        StrangerHost(honours_passthru=False),
        StrangerHost(iso_dates=True),
        StrangerHost(fails_hard=True),
    ],
    ids=["plain", "without -Passthru", "with ISO dates", "that ends a pipeline at an unknown command"],
)
def test_hosts_that_differ_in_small_ways_are_understood(kind: StrangerHost) -> None:
    with kind as host, closing(backend_of(host)) as backend:
        vm_id = host.add_vm("web01")
        host.add_checkpoint(vm_id, "long-ago", days=30)

        (listed,) = backend.inventory(disks=True).vms
        taken = backend.create(vm_id, "before-upgrade")
        backend.apply(listed.checkpoints[0].id)
        stopped = backend.vm(vm_id, disks=True)
        backend.start(vm_id)
        started = backend.vm(vm_id)

    assert taken.name == "before-upgrade"
    assert (datetime.now(UTC) - listed.checkpoints[0].created).days == 30
    assert [one.name for one in started.checkpoints] == ["long-ago", "before-upgrade"]
    assert stopped.vm.current_id == listed.checkpoints[0].id
    assert (stopped.vm.state, started.vm.state) == (VMState.OFF, VMState.RUNNING)
    assert listed.disks is stopped.disks is None


def test_a_command_that_the_host_lacks_is_refused_in_a_sentence() -> None:
    with StrangerHost() as host, closing(backend_of(host)) as backend:
        vm_id = host.add_vm("web01")
        first = host.add_checkpoint(vm_id, "first", days=1)

        with pytest.raises(Refused) as refused:
            backend.delete(str(first["Id"]))

    assert "strange does not offer a command that this needs." in str(refused.value)
    assert host.names(vm_id) == ["first"]


def test_a_wrong_password_is_refused_in_a_sentence_and_not_tried_over_and_over() -> None:
    with StrangerHost() as host, closing(backend_of(host, password="not it")) as backend:
        for _ in range(5):
            with pytest.raises(AuthenticationFailed, match="strange refused svc-checkpoint or its password"):
                backend.inventory()

    assert host.ran == []
    assert host.refusals <= 2
