"""Verdicts as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.base import Acknowledge, Plan
from commands.base.health import Acknowledgement, Reason, Verdict, VMHealth
from tests.support.memory import NOW

FORK = Reason("fork failed", Verdict.HOLD, "A checkpoint failed half-way.", NOW)
ORPHAN = Reason("orphan", Verdict.LOOK, "A file belongs to no chain.")
NOTE = Reason("cancelled", Verdict.FINE, "A checkpoint was cancelled.")


class Judged:
    """Verdicts that say what they were told to say."""

    def __init__(self):
        self.of = {}

    def kept(self, vms):
        return {vm.id: self.verdict(vm) for vm in vms}

    def judge(self, seen):
        return self.verdict(seen.vm)

    def verdict(self, vm):
        verdict, *reasons = self.of.get(vm.name, (Verdict.FINE,))
        return VMHealth(vm.id, vm.name, vm.host, verdict, tuple(reasons), at=NOW, since=NOW)


@pytest.fixture
def judged(world):
    world.health = Judged()
    return world.health


def test_a_vm_that_is_fine_is_said_to_be_with_its_notes(world, judged):
    world.vm("web01")
    judged.of["web01"] = Verdict.FINE, NOTE
    told = world.run("health", "web01").text
    assert "✅ Fine since 2026-11-22 14:05 UTC" in told
    assert "A checkpoint was cancelled." in told
    assert "support case" not in told


def test_of_many_those_that_are_not_fine_are_listed_the_gravest_first(world, judged):
    for name in ("web01", "web02", "web03", "web04"):
        world.vm(name)
    judged.of |= {"web02": (Verdict.CANNOT_TELL,), "web03": (Verdict.LOOK, ORPHAN), "web04": (Verdict.HOLD, FORK)}
    told = world.run("health").text
    assert "4 VMs: 1 Hold, 1 Look, 1 Cannot tell, 1 Fine" in told
    assert told.index("web04") < told.index("web03") < told.index("web02")
    assert "web01" not in told


def test_what_may_not_be_seen_is_not_told(world, judged):
    world.vm("web01")
    world.hidden.add("web01")
    judged.of["web01"] = Verdict.HOLD, FORK
    assert "web01" not in world.run("health").text


def test_a_hold_says_what_to_do_first_and_what_not(world, judged):
    world.vm("web01")
    judged.of["web01"] = Verdict.HOLD, FORK
    told = world.run("health", "web01").text
    assert "backup from inside the guest" in told
    assert "Do not restart" in told
    assert "For a support case:" in told


def test_an_acknowledgement_is_a_change_with_its_reason(world, judged):
    world.vm("web01")
    judged.of["web01"] = Verdict.LOOK, ORPHAN
    plan = world.run("health", "web01", "--acknowledge", "moved away")
    assert isinstance(plan, Plan)
    assert plan.action == Acknowledge("moved away")
    assert "A file belongs to no chain." in plan.consequences


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.HOLD, "by no word of anybody"),
        (Verdict.FINE, "is Fine"),
        (Verdict.CANNOT_TELL, "Nobody can tell how web01 is"),
    ],
)
def test_what_cannot_be_acknowledged_says_why(world, judged, verdict, said):
    world.vm("web01")
    judged.of["web01"] = (verdict,)
    assert said in world.refuse("health", "web01", "--acknowledge", "x")


def test_an_acknowledgement_needs_a_vm_and_a_reason(world, judged):
    world.vm("web01")
    assert "why is it well?" in world.refuse("health", "web01", "--acknowledge", " ")
    assert "why is it well?" in world.refuse("health", "--acknowledge", "x")


def test_list_and_show_say_it_too(world, judged):
    world.checkpoint(world.vm("web01"), "first")
    world.vm("web02")
    judged.of |= {"web01": (Verdict.HOLD, FORK), "web02": (Verdict.LOOK, ORPHAN)}
    assert "⛔ web01 is on Hold" in world.run("list").text
    assert "⚠️ web02 is to be looked at" in world.run("list").text
    assert "⛔ Hold since" in world.run("show", "web01", "first").text


def test_a_verdict_that_nobody_can_tell_is_said_in_the_list_and_one_never_made_is_not(world, judged):
    world.vm("web01")
    world.vm("web02")
    judged.of["web01"] = (Verdict.CANNOT_TELL,)
    assert "❔ Nobody can tell how sound web01 may be." in world.run("list").text


def test_a_vm_is_looked_at_once(world, judged):
    vm = world.vm("web01")
    judged.of["web01"] = Verdict.HOLD, FORK
    looks = []
    host = world.hosts["hv01"]
    plain = host.vm
    host.vm = lambda vm_id, *, disks=False: looks.append(vm_id) or plain(vm_id, disks=disks)
    assert "For a support case:" in world.run("health", "web01").text
    assert looks == [vm.id]


def test_who_has_looked_is_named(world, judged):
    vm = world.vm("web01")
    seen = replace(judged.verdict(vm), acknowledged=Acknowledgement("U0BOB", "bob", "it was the backup", NOW))
    judged.judge = lambda _seen: seen
    assert "bob looked at 2026-11-22 14:05 UTC: it was the backup" in world.run("health", "web01").text
