"""Settings of sites: the bot has names and keys, and the worker has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.settings import Settings, SettingsError, WorkerSettings, load, load_worker

SLACK = {"bot_token": "xoxb-1", "app_token": "xapp-1"}
KEY = "k" * 32
DATABASE = "postgresql://bot@127.0.0.1/checkpointbot"
LYON: dict[str, object] = {"sites": {"lyon": KEY}, "database_url": DATABASE}


def bot(folder: Path, **given: object) -> Settings:
    return load(_written(folder, {"slack": SLACK, **given}), env={}, dotenv=folder / "none")


def worker(folder: Path, **given: object) -> WorkerSettings:
    all_given = {"database_url": DATABASE, "site_key": KEY, **given}
    return load_worker(_written(folder, all_given), env={}, dotenv=folder / "none")


def _written(folder: Path, given: object) -> Path:
    file = folder / "checkpointbot.yaml"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    return file


def test_a_host_of_a_site_is_reached_by_nobody_here(tmp_path: Path) -> None:
    defaults = {"auth": "basic", "ssl": False}  # which would need a password, and leave to show it
    found = bot(
        tmp_path,
        database_url=DATABASE,
        sites={"lyon": KEY},
        host_defaults=defaults,
        hosts=[{"name": "hv07", "site": "lyon"}],
    )

    assert found.connections == ()
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"sites": {"lyon": KEY}}, "sites: need a database_url that begins with postgresql://"),
        ({"sites": {"lyon": KEY}, "database_url": "sqlite:///x"}, "sites: need a database_url"),
        ({"sites": {"lyon": "short"}, "database_url": DATABASE}, "sites.lyon: must have 32 characters or more"),
        ({"sites": {"Lyon!": KEY}, "database_url": DATABASE}, "is no name of a site"),
        ({"hosts": [{"name": "hv07", "site": "lyon"}]}, "hosts.0.site: there is no site lyon under sites:"),
        (
            {
                "sites": {"lyon": KEY},
                "database_url": DATABASE,
                "hosts": [{"name": "a", "site": "lyon", "username": "x"}],
            },
            "hosts.0.username: is for the settings of the worker of lyon, under hosts there: here are name and site",
        ),
        (
            {**LYON, "clusters": [{"name": "prod", "site": "lyon", "address": "prod.lyon.example.net"}]},
            "clusters.0.address: is for the settings of the worker of lyon, under clusters there: here are name and",
        ),
        (
            {**LYON, "clusters": [{"name": "prod", "site": "lyon", "nodes": [{"name": "hv01"}], "password": "secret"}]},
            "clusters.0.nodes: is for the settings of the worker of lyon, under clusters there: here are name and site "
            "alone\nclusters.0.password: is for the settings of the worker of lyon",
        ),
        ({"clusters": [{"name": "prod", "site": "lyon"}]}, "clusters.0.site: there is no site lyon under sites:"),
        (
            {**LYON, "clusters": [{"name": "prod", "site": "lyn"}]},
            "clusters.0.site: there is no site lyn under sites:; did you mean lyon?",
        ),
        (
            {**LYON, "hosts": [{"name": "a", "site": "lyon"}], "clusters": [{"name": "A", "site": "lyon"}]},
            "clusters.0.name: A is the name of a host already",
        ),
        (
            {**LYON, "hosts": [{"name": "a", "site": "lyon"}, {"name": "A"}]},
            "hosts.1.name: A is the name of another host already",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, given: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        bot(tmp_path, **given)

    assert problem in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_cluster_of_a_site_has_its_name_here_and_is_reached_by_nobody(tmp_path: Path) -> None:
    found = bot(
        tmp_path,
        **LYON,
        host_defaults={"auth": "basic", "ssl": False},
        clusters=[{"name": "prod", "site": "lyon"}],
        access={"production_only": ["prod/db*"]},
    )

    assert (found.clusters[0].name, found.clusters[0].site, found.cluster_connections) == ("prod", "lyon", ())


def test_a_worker_has_how_its_clusters_are_reached_as_a_bot_has(tmp_path: Path) -> None:
    prod = {"name": "prod", "address": "prod.lyon.example.net", "nodes": [{"name": "hv02", "port": 5999}]}

    defaults = {"username": "svc", "password": "secret"}
    (found,) = worker(tmp_path, host_defaults=defaults, clusters=[prod]).cluster_connections

    assert [found.node(one).address for one in ("hv01", "hv02")] == ["hv01.lyon.example.net", "hv02.lyon.example.net"]
    assert (found.node("hv02").port, found.node("hv02").username) == (5999, "svc")


def test_a_worker_has_how_its_hosts_are_reached(tmp_path: Path) -> None:
    found = worker(tmp_path, hosts=[{"name": "hv07", "username": "LYON\\svc", "password": "secret"}])

    assert [(one.name, one.username) for one in found.connections] == [("hv07", "LYON\\svc")]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"slack": SLACK}, "slack: is not a setting"),
        ({"database_url": "sqlite:///x"}, "database_url: must begin with postgresql://"),
        ({"site_key": "short"}, "site_key: must have 32 characters or more"),
        ({"hosts": [{"name": "hv07", "site": "lyon"}]}, "hosts.0.site: is for the bot's settings"),
        ({"clusters": [{"name": "prod", "site": "lyon"}]}, "clusters.0.site: is for the bot's settings"),
        (
            {
                "hosts": [{"name": "a"}],
                "clusters": [{"name": "A"}],
                "host_defaults": {"username": "x"},
            },
            "clusters.0.name: A is the name of a host already",
        ),
        ({"clusters": [{"name": "prod", "auth": "basic", "ssl": False}]}, "clusters.0.username"),
    ],
)
def test_what_is_no_setting_of_a_worker_is_refused(tmp_path: Path, given: dict[str, object], problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        worker(tmp_path, **given)

    assert problem in str(refused.value)
