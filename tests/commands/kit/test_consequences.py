"""What cards and answers say that follows from a checkpoint's age and from what a VM is, each with its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backends.base import Disk, OperationalStatus, ReplicationMode, SnapshotType
from commands.base import unmarked
from commands.kit.consequences import SOURCES


def told(plan, words):
    return [one for one in map(unmarked, plan.cautions) if words in one]


@pytest.mark.parametrize(("days", "said"), [(29, False), (31, True)])
def test_an_apply_older_than_a_machine_password_may_lose_the_domain(world, days, said):
    world.checkpoint(world.vm("web01"), "old", days=days)
    found = told(world.run("apply", "web01", "old"), "Test-ComputerSecureChannel -Repair")
    assert bool(found) is said
    assert not said or found[0].endswith("(Microsoft on machine account passwords).")


def test_a_domain_controller_is_known_from_the_settings(world):
    world.policy = replace(world.policy, production_only=("dc*",))
    for name in ("dc01", "web01"):
        world.checkpoint(world.vm(name), "before")
    (found,) = told(world.run("apply", "dc01,web01", "before"), "drops its RID pool")
    assert "care with dc01:" in found
    assert found.endswith("(Microsoft on virtual domain controllers).")


def test_a_replicated_vm_and_a_node_of_a_guest_cluster_are_known_from_the_host(world):
    vm, node = world.vm("web01", replication_mode=ReplicationMode.PRIMARY), world.vm("node01")
    for one in (vm, node):
        world.checkpoint(one, "before")
    shared = Disk("C:\\shared.vhds", 10, 10, attached=True)
    world.hosts["hv01"].vms[node.id] = replace(world.seen(node), disks=(shared,))
    assert told(world.run("apply", "web01", "before"), "Hyper-V Replica copies web01 to another host")
    assert told(world.run("apply", "node01", "before"), "node01 shares a disk with other VMs")


def test_a_plain_vm_and_a_young_checkpoint_get_nothing_said(world):
    world.checkpoint(world.vm("web01"), "before")
    assert world.run("apply", "web01", "before").cautions == ()


@pytest.mark.parametrize(("there", "said"), [(2, False), (3, True)])
def test_a_chain_of_more_than_three_is_told_when_it_is_made_and_where_it_is_shown(world, there, said):
    vm = world.vm("web01")
    for number in range(there):
        world.checkpoint(vm, f"step {number}")
    outlook = " ".join(world.run("create", "web01", "another").outlook)
    assert ("more than 3 checkpoints stand in a row on web01" in outlook) is said
    world.checkpoint(vm, "another")
    shown = world.run("show", "web01", "another").text
    assert (f"{there + 1} checkpoints stand in a row" in shown) is said


def test_branches_elsewhere_are_no_part_of_the_row(world):
    vm = world.vm("web01")
    root = world.checkpoint(vm, "root")
    for number in range(4):
        world.checkpoint(vm, f"side {number}", parent_id=root.id)
    assert world.run("create", "web01", "another").outlook == ()


def test_show_says_that_no_disk_can_be_grown_meanwhile(world):
    world.checkpoint(world.vm("web01"), "before")
    shown = world.run("show", "web01", "before").text
    assert "No disk of the VM can be made larger while a checkpoint stands" in shown


OLDER = "It is older than the last backup"


@pytest.mark.parametrize(
    ("at", "days", "said"),
    [(time(13, 0), 0.01, False), (time(13, 0), 0.1, True), (time(16, 0), 0.8, False), (time(16, 0), 1, True)],
)
def test_a_checkpoint_older_than_the_last_backup_is_said_to_be_by_the_settings(world, at, days, said):
    """It is 14:05 UTC, which is 15:05 in Paris."""
    world.checkpoint(world.vm("web01"), "before", days=days)
    assert OLDER not in world.run("show", "web01", "before").text
    world.policy = replace(world.policy, backup_at=at, zone=ZoneInfo("Europe/Paris"))
    assert (OLDER in world.run("show", "web01", "before").text) is said


def test_a_backup_that_runs_or_left_its_point_tells_it_too(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "before", days=3)
    world.checkpoint(vm, "after", days=0.1)
    world.checkpoint(vm, "point", days=1, snapshot_type=SnapshotType.RECOVERY)
    assert OLDER in world.run("show", "web01", "before").text
    assert OLDER not in world.run("show", "web01", "after").text
    world.change(vm, operational_status=(OperationalStatus.BACKING_UP,))
    assert OLDER in world.run("show", "web01", "after").text


def test_every_source_has_its_address_in_the_readme():
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert [one.words for one in SOURCES if one.address not in readme] == []
