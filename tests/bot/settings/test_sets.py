"""Named sets of VMs: what `@shop` stands for in the settings, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.people import access
from bot.settings import (
    AccessSettings,
    ApprovalSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    Settings,
)
from bot.settings.problems import explain
from bot.settings.sets import expanded
from commands.base import Person
from tests.support.settings import NO_SLACK

ADA = Person("U0ADA", "ada")
SETS = {"shop": ("web*", "sql01"), "Tools": ("build*",)}


def made(folder: Path, *vms: str) -> Settings:
    return Settings(
        slack=NO_SLACK,
        data_dir=folder,
        sets=SETS,
        access=AccessSettings(
            grants=(GrantSettings(to=("U0ADA",), role="owner", vms=vms),),
            approvals=(ApprovalSettings(vms=("@tools",), actions=("apply",), by=("U0BOB",)),),
            production_only=("@shop", "dc*"),
        ),
        digest=DigestSettings(channels=(DigestChannelSettings(channel="C0123", vms=("old01", "@shop")),)),
    )


def problems(folder: Path, *vms: str, sets: dict[str, tuple[str, ...]]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Settings(
            slack=NO_SLACK,
            data_dir=folder,
            sets=sets,
            access=AccessSettings(grants=(GrantSettings(to=("U0ADA",), role="owner", vms=vms),)),
        )
    return explain(refused.value, Settings)


@pytest.mark.parametrize(("vm", "may"), [("web07", True), ("SQL01", True), ("sql02", False), ("build01", False)])
def test_a_grant_to_a_set_covers_its_vms_and_no_others(tmp_path: Path, vm: str, may: bool) -> None:
    assert access.may(made(tmp_path, "@shop").access, ADA, "delete", vm, "C0123") is may


def test_they_stand_wherever_the_settings_name_vms(tmp_path: Path) -> None:
    settings = made(tmp_path, "@SHOP", "mail01")

    assert settings.access.grants[0].vms == ("web*", "sql01", "mail01")
    assert settings.access.approvals[0].vms == ("build*",)
    assert settings.policy.production_only == ("web*", "sql01", "dc*")
    assert settings.digest.channels[0].vms == ("old01", "web*", "sql01")


def test_a_set_that_there_is_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert problems(tmp_path, "web01", "@shpo", sets=SETS) == [
        "access.grants.0.vms.1: there is no set @shpo; did you mean shop?"
    ]


def test_a_set_of_sets_is_refused(tmp_path: Path) -> None:
    (problem, *_) = problems(tmp_path, "web01", sets={"shop": ("web*",), "all": ("@shop",)})

    assert problem == "sets.all.0: a set names VMs, and no other set"


def test_each_pattern_is_there_once() -> None:
    assert expanded(["web*", "@shop", "@gone"], SETS) == ("web*", "sql01")
