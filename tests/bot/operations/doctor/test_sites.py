"""What the doctor says of sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest
from pydantic import SecretStr

from backends.base import Unreachable
from bot.operations.doctor import Seen, hosts
from bot.operations.doctor.findings import State
from bot.operations.doctor.sites import Workers, ask, cut_off, look
from bot.settings import ClusterSettings, HostSettings, Settings
from tests.support.settings import NO_SLACK

NOW = datetime(2026, 11, 28, tzinfo=UTC)
SETTINGS = Settings(
    slack=NO_SLACK,
    database_url=SecretStr("postgresql://bot@127.0.0.1/x"),
    sites={"lyon": SecretStr("k" * 32)},
    hosts=(HostSettings(name="hv07", site="lyon"), HostSettings(name="hv01", address="hv01")),
    clusters=(ClusterSettings(name="prod", site="lyon"), ClusterSettings(name="test", address="test")),
)
WORKER = {
    "worker": "w1",
    "program": version("hyperv-checkpoint-bot"),
    "hosts": ["hv07", "hv08", "prod"],
    "clusters": ["prod"],
    "now": NOW.isoformat(),
}


def lines(*workers: Mapping[str, Any]) -> list[str]:
    return [check.line for check in look(SETTINGS, ask(SETTINGS, lambda site: workers), lambda: NOW)]


def test_workers_that_know_their_hosts_work() -> None:
    (line,) = lines(WORKER, {**WORKER, "worker": "w2"})

    assert "sites.lyon: 2 workers are connected, and know hv07 and prod." in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hosts": ["hv08", "prod"]}, "The worker w1 does not know hv07. Add it under hosts in the settings"),
        (
            {"clusters": [], "hosts": ["hv07"]},
            "The worker w1 does not know prod. Add it under clusters in the",
        ),
        ({"clusters": [], "hosts": ["hv07", "prod"]}, "The worker w1 does not know prod. Add it under clusters"),
        ({"clusters": None}, "The worker w1 is too old for a cluster: prod. Upgrade the worker."),
        ({"now": (NOW + timedelta(minutes=5)).isoformat()}, "The clock of the worker is 5 minutes off."),
        ({"program": "0.0.9"}, "The worker w1 is of version 0.0.9, and the bot of"),
    ],
)
def test_what_is_wrong_with_a_worker_is_said(change: Mapping[str, Any], said: str) -> None:
    (line,) = lines({**WORKER, **change})

    assert said in line


def test_a_site_without_a_worker_is_broken() -> None:
    (line,) = lines()

    assert "No worker of it is connected. Look whether checkpointbot worker --site lyon runs there" in line


def test_a_database_that_does_not_answer_is_said() -> None:
    def away(site: str) -> Sequence[Mapping[str, Any]]:
        raise Unreachable("The database does not answer.")

    (check,) = look(SETTINGS, ask(SETTINGS, away), lambda: NOW)

    assert "The database does not answer." in check.line
    assert check.is_fault


def silent(site: str) -> Sequence[Mapping[str, Any]]:
    raise Unreachable("A worker of the site lyon does not answer.")


def test_a_worker_that_does_not_answer_may_have_another_key() -> None:
    (check,) = look(SETTINGS, ask(SETTINGS, silent), lambda: NOW)

    assert check.mend.endswith("and whether its site_key is that of sites.lyon here.")


@pytest.mark.parametrize("workers", [silent, lambda site: ()])
def test_the_hosts_of_a_site_that_cannot_be_asked_are_no_faults_of_their_own(workers: Workers) -> None:
    cut = cut_off(SETTINGS, ask(SETTINGS, workers))
    lost = [Seen(host, error=Unreachable("No worker of the site lyon is connected.")) for host in ("hv07", "hv01")]

    (at_site, elsewhere) = (check for one in lost for check in hosts.look(one, lambda: NOW, (), cut))

    assert cut == {"hv07", "prod"}
    assert (at_site.state, elsewhere.state) == (State.UNSEEN, State.BROKEN)
    assert elsewhere.mend
