"""VMs of one host or cluster in the settings: `prod/web*` wherever VMs are named."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.people import access
from bot.settings import Settings
from bot.settings.problems import explain
from commands.base import Create, Person, Picture, Plan, Target

ADA = Person("U0ADA", "ada")
PLACES = {
    "slack": {"bot_token": "xoxb-1", "app_token": "xapp-1"},
    "host_defaults": {"username": "bot", "password": "x"},
    "hosts": [{"name": "lab", "address": "lab.example.net"}],
    "clusters": [{"name": "prod", "address": "prod.example.net", "nodes": [{"name": "hv01"}]}],
}


def made(**others: object) -> Settings:
    return Settings.model_validate({**PLACES, **others})


def refused(**others: object) -> list[str]:
    with pytest.raises(ValidationError) as error:
        made(**others)
    return explain(error.value, Settings)


def target(vm: str, host: str) -> Target:
    return Target(host, f"id of {vm} on {host}", vm, Picture(host, 2, ()))


def test_a_grant_an_approval_a_protection_and_a_set_may_be_for_a_cluster() -> None:
    settings = made(
        sets={"shop": ["prod/web*"]},
        access={
            "grants": [{"to": ["U0ADA"], "role": "owner", "vms": ["@shop", "lab/*"]}],
            "approvals": [{"vms": ["PROD/*"], "actions": ["create"], "by": ["U0BOB", "U0DAN"]}],
            "production_only": ["prod/*"],
        },
        codes={"vms": ["prod/dc*"]},
        digest={"channels": [{"channel": "C0123", "vms": ["prod/*"]}]},
    )
    rules = settings.access
    assert access.may(rules, ADA, "create", "web01", "C1", host="prod")
    assert access.may(rules, ADA, "create", "db01", "C1", host="lab")
    assert not access.may(rules, ADA, "create", "db01", "C1", host="prod")
    assert not access.may(rules, ADA, "create", "web01", "C1")
    plans = {host: Plan(Create("x"), (target("web01", host),), "take x") for host in ("prod", "lab")}
    assert access.needed(rules, plans["prod"]) == 1
    assert access.needed(rules, plans["lab"]) == 0


def test_of_two_vms_of_one_name_a_grant_for_the_host_of_one_does_not_let_the_other_go() -> None:
    settings = made(access={"grants": [{"to": ["U0ADA"], "role": "owner", "vms": ["lab/*"]}]})
    plan = Plan(Create("x"), (target("web01", "lab"), target("web01", "prod")), "take x")
    decision = access.decide(settings.access, settings.confirmation, ADA, plan, "C1", doing="take checkpoints of")
    assert isinstance(decision, access.Denied)


@pytest.mark.parametrize(
    "section",
    [
        {"access": {"grants": [{"to": ["U0ADA"], "role": "owner", "vms": ["hv01/web*"]}]}},
        {"access": {"approvals": [{"vms": ["hv01/web*"], "actions": ["create"], "by": ["S0DB"]}]}},
        {"access": {"production_only": ["HV01/web*"]}},
        {"sets": {"shop": ["hv01/web*"]}},
        {"digest": {"channels": [{"channel": "C0123", "vms": ["hv01/web*"]}]}},
        {"schedules": [{"name": "n", "vms": ["hv01/web*"], "owner": "U0ADA", "channel": "C0123", "at": "02:00"}]},
    ],
    ids=["grant", "approval", "protection", "set", "digest", "schedule"],
)
def test_a_node_of_a_cluster_is_refused_with_what_to_write_instead(section: dict[str, object]) -> None:
    (line,) = refused(**section)
    assert line.endswith("is a node of the cluster prod, which its VMs belong to: write prod/web*")


def test_a_host_that_there_is_not_is_refused_with_the_nearest() -> None:
    (line,) = refused(access={"production_only": ["prd/dc*"]})
    assert line.startswith("access.production_only.0: there is no host or cluster prd; did you mean prod?")
    assert made(access={"production_only": ["a[/]b"]}).access.production_only == ("a[/]b",)


def test_a_node_is_at_the_site_of_its_cluster() -> None:
    cluster = {"name": "prod", "nodes": [{"name": "hv01"}, {"name": "hv02", "address": "10.0.0.2", "site": "lyon"}]}
    said = refused(clusters=[cluster])
    assert said == ["clusters.0.nodes.1.site: cannot be set for a node: set it for the cluster"]


def test_a_node_that_stands_under_hosts_too_is_refused() -> None:
    twice = {"hosts": [{"name": "lab", "address": "HV01.example.net"}]}
    assert refused(**twice) == ["clusters.0.nodes.0: lab under hosts is the same machine: leave it out there"]
    assert made(hosts=[{"name": "hv01", "address": "hv01.other.example"}]).hosts
