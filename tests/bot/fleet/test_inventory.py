"""The fleet as last seen."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import (
    VM,
    Checkpoint,
    HostInventory,
    NotFound,
    Part,
    ReplicationMode,
    SnapshotType,
    TimedOut,
    Unreachable,
    Unseen,
    VMInventory,
    VMState,
)
from bot.dispatch.grammar import normalise_name
from bot.fleet.elapsed import Elapsed
from bot.fleet.inventory import FEW, SCAN, Inventory
from bot.fleet.view import FleetView
from commands.base import NotKnown, UsageError, unmarked
from tests.support.waiting import DEADLINE, wait_until

START = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
LONG = DEADLINE
SOON = 0.3
"""Seconds in which somebody who does not wait would be done."""


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += timedelta(seconds=seconds)


class Host:
    """A host that shows what it holds, counts how often it is asked, and hangs or fails when told to."""

    def __init__(self, name, clock):
        self.host = name
        self.clock = clock
        self.vms = {}
        self.asked = []
        self.failure = None
        self.unreadable = self.cannot_show = ()
        self.gate = threading.Event()
        self.gate.set()
        self.slow_disks = threading.Event()
        self.slow_disks.set()
        self.reached = threading.Semaphore(0)

    def put(self, name, number, *, state=VMState.RUNNING, checkpoints=(), mode=ReplicationMode.NONE):
        vm = VM(f"{number:08x}-0000-4000-8000-000000000000", name, self.host, state, replication_mode=mode)
        self.vms[vm.id] = VMInventory(vm, tuple(replace(one, vm_id=vm.id) for one in checkpoints))
        return vm

    def inventory(self, *, disks=False):
        self.asked.append(disks)
        shown = tuple(replace(one, disks=() if disks else None) for one in self.vms.values())
        self.reached.release()
        assert self.gate.wait(LONG)
        assert not disks or self.slow_disks.wait(LONG)
        if self.failure:
            raise self.failure
        return HostInventory(self.host, self.clock(), shown, unreadable=self.unreadable, cannot_show=self.cannot_show)

    def vm(self, vm_id, *, disks=False):
        if self.failure:
            raise self.failure
        if vm_id not in self.vms:
            raise NotFound("There is no such VM.")
        return self.vms[vm_id]


class Fleet:
    def __init__(self, *names, timeout=LONG):
        self.clock = Clock()
        self.hosts = {name: Host(name, self.clock) for name in names}
        self.inventory = Inventory(self.hosts, self.clock, timeout=timedelta(seconds=timeout))
        self.hidden = set()
        self.sets = {"shop": ("web*", "sql01"), "empty": ("nas*",)}

    def __getitem__(self, name):
        return self.hosts[name]

    @property
    def view(self):
        return FleetView(self.inventory, lambda vm: vm.name not in self.hidden, normalise_name, sets=self.sets)

    def names(self):
        return sorted(one.vm.name for one in self.inventory.seen())

    def close(self):
        for host in self.hosts.values():
            host.gate.set()
            host.slow_disks.set()
        self.inventory.close()


@pytest.fixture
def make():
    made = []

    def one(*names, **options):
        made.append(Fleet(*names, **options))
        return made[-1]

    yield one
    for fleet in made:
        fleet.close()


def checkpoint(name="before", *, number=9, kind=SnapshotType.STANDARD):
    return Checkpoint(f"{number:08x}-1111-4000-8000-000000000000", name, "", START, snapshot_type=kind)


# ---------------------------------------------------------------- asking


def test_all_hosts_are_asked_at_the_same_time(make):
    fleet = make("hv01", "hv02")
    for host in fleet.hosts.values():
        host.gate.clear()
    asking = threading.Thread(target=fleet.inventory.refresh)
    asking.start()
    assert fleet["hv01"].reached.acquire(timeout=LONG)
    assert fleet["hv02"].reached.acquire(timeout=LONG)
    for host in fleet.hosts.values():
        host.gate.set()
    asking.join(LONG)
    assert not asking.is_alive()


def test_a_question_that_somebody_else_put_when_an_older_one_had_ended_is_waited_for(make):
    fleet = make("hv01", "hv02")
    for host in fleet.hosts.values():
        host.gate.clear()
    older = fleet.inventory.begin("hv01")
    assert fleet["hv01"].reached.acquire(timeout=LONG)
    fleet["hv01"].put("new", 1)
    fleet.clock.pass_(60)
    asking = threading.Thread(target=fleet.inventory.renew)
    asking.start()
    assert fleet["hv02"].reached.acquire(timeout=LONG)

    fleet["hv01"].gate.set()
    older.result(LONG)
    fleet["hv01"].gate.clear()
    fleet.inventory.begin("hv01")
    assert fleet["hv01"].reached.acquire(timeout=LONG)
    fleet["hv02"].gate.set()
    asking.join(SOON)
    assert asking.is_alive()
    fleet["hv01"].gate.set()
    asking.join(LONG)

    assert fleet.names() == ["new"]


def test_a_question_under_way_is_joined(make):
    fleet = make("hv01", timeout=0.05)
    fleet["hv01"].gate.clear()
    fleet.inventory.refresh()
    fleet.inventory.refresh()
    assert fleet["hv01"].asked == [False]


def test_a_host_that_hangs_keeps_nobody_longer_than_the_patience_and_the_others_are_seen(make):
    fleet = make("hv01", "hv02", timeout=0.05)
    fleet["hv01"].put("web01", 1)
    fleet["hv02"].put("web02", 2)
    fleet.inventory.refresh()
    fleet["hv01"].gate.clear()
    fleet["hv01"].vms.clear()
    fleet["hv02"].put("web03", 3)
    fleet.clock.pass_(60)
    fleet.inventory.refresh()
    wait_until(lambda: fleet.names() == ["web01", "web02", "web03"])
    wait_until(lambda: not fleet.inventory.hosts()[0].reachable)
    (hung, well) = fleet.inventory.hosts()
    assert hung.problem == "It has not answered since 14:06:00 UTC."
    assert (hung.seen_at, well.reachable) == (START, True)


def test_who_has_more_patience_waits_longer(make):
    fleet = make("hv01", timeout=0.05)
    host = fleet["hv01"]
    host.put("web01", 1)
    host.gate.clear()
    fleet.inventory.refresh(disks=True)
    waiting = threading.Thread(target=fleet.inventory.renew, kwargs={"disks": True, "timeout": timedelta(seconds=LONG)})
    waiting.start()
    host.gate.set()
    waiting.join(LONG)
    assert fleet.names() == ["web01"]
    assert host.asked == [True]


def test_a_late_answer_counts_when_it_comes(make):
    fleet = make("hv01", timeout=0.05)
    fleet["hv01"].put("web01", 1)
    fleet["hv01"].gate.clear()
    fleet.inventory.refresh()
    assert fleet.names() == []
    fleet["hv01"].gate.set()
    wait_until(lambda: fleet.names() == ["web01"])


@pytest.mark.parametrize("disks", [False, True])
def test_a_clock_that_is_set_while_a_host_is_asked_makes_its_answer_no_later(make, disks):
    """A machine that boots or wakes has its clock set forward: no host has kept anybody waiting for it."""
    fleet = make("hv01")
    host = fleet["hv01"]
    host.put("web01", 1)
    host.gate.clear()
    asking = threading.Thread(target=fleet.inventory.refresh, kwargs={"disks": disks})
    asking.start()
    assert host.reached.acquire(timeout=LONG)
    fleet.clock.pass_(8 * 3600)
    assert fleet.inventory.hosts(disks=disks)[0].problem == "It was not asked yet."
    found = []
    looking = threading.Thread(target=lambda: found.extend(fleet.view.find("web01")))
    looking.start()

    host.gate.set()
    for thread in (asking, looking):
        thread.join(LONG)

    assert [vm.name for vm in found] == ["web01"]


def test_a_long_look_at_the_disks_keeps_nobody_waiting_who_asks_for_none(make):
    fleet = make("hv01", timeout=0.05)
    host = fleet["hv01"]
    host.put("web01", 1)
    host.slow_disks.clear()
    fleet.inventory.refresh(disks=True)

    fleet.inventory.refresh(timeout=timedelta(seconds=LONG))

    assert fleet.names() == ["web01"]
    assert fleet.inventory.hosts()[0].reachable
    wait_until(lambda: "has not answered" in fleet.inventory.hosts(disks=True)[0].problem)
    host.failure = TimedOut("hv01 did not answer within 180 s.")
    host.slow_disks.set()
    wait_until(lambda: "within 180 s" in fleet.inventory.hosts(disks=True)[0].problem)
    assert fleet.inventory.hosts()[0].reachable


def test_a_clock_that_is_set_back_makes_nothing_fresh_again(make):
    now = [0.0]
    fleet = make("hv01")
    fleet.inventory._now = Elapsed(fleet.clock, lambda: now[0])
    host = fleet["hv01"]
    host.put("web01", 1)
    fleet.inventory.refresh()
    host.put("web02", 2)

    fleet.clock.pass_(-3600)
    now[0] += 6
    assert fleet.inventory.hosts()[0].age == timedelta(seconds=6)
    fleet.inventory.renew()

    assert fleet.names() == ["web01", "web02"]


def test_time_passes_by_whichever_clock_goes_on():
    clock, now = Clock(), [0.0]
    elapsed = Elapsed(clock, lambda: now[0])
    clock.pass_(-3600)
    now[0] += 5
    assert elapsed() == 5
    clock.pass_(8 * 3600)  # asleep, while the machine's own clock stood still
    assert elapsed() == 5 + 8 * 3600


def test_a_host_says_what_it_did_not_show(make):
    fleet = make("hv01")
    host = fleet["hv01"]
    web = host.put("web01", 1)
    host.unreadable = (Unseen(Part.CHECKPOINTS, "denied", web.id), Unseen(Part.DISKS, "denied"))
    host.cannot_show = (Unseen(Part.VOLUMES, "no module"),)
    fleet.inventory.refresh()

    (status,) = fleet.inventory.hosts()

    assert status.reachable
    assert tuple(map(unmarked, status.gaps)) == (
        "Part of its checkpoints could not be read (web01).",
        "Part of its disks could not be read.",
        "It does not show volumes to this account or endpoint.",
    )


def test_a_look_without_disks_does_not_stand_for_one_with_them(make):
    fleet = make("hv01")
    host = fleet["hv01"]
    host.failure = Unreachable("hv01 does not answer.")
    fleet.inventory.refresh(disks=True)
    host.failure = None
    fleet.inventory.refresh()

    assert fleet.inventory.hosts()[0].reachable
    assert fleet.inventory.hosts(disks=True)[0].problem == "hv01 does not answer."


def test_a_host_that_is_down_keeps_what_was_last_seen_and_says_why(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1, checkpoints=[checkpoint()])
    fleet.inventory.refresh()
    fleet["hv01"].failure = Unreachable("hv01 does not answer.")
    fleet.clock.pass_(60)
    fleet.inventory.refresh()
    (status,) = fleet.inventory.hosts()
    assert (status.reachable, status.problem, status.seen_at) == (False, "hv01 does not answer.", START)
    assert (status.vms, status.checkpoints) == (1, 1)
    assert fleet.names() == ["web01"]


def test_a_host_that_was_never_asked_says_so(make):
    (status,) = make("hv01").inventory.hosts()
    assert (status.reachable, status.seen_at, status.problem) == (False, None, "It was not asked yet.")


def test_a_defect_reaches_whoever_waits_and_the_next_question_is_put(make):
    fleet = make("hv01")
    fleet["hv01"].failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        fleet.inventory.refresh()
    assert "ZeroDivisionError" in fleet.inventory.hosts()[0].problem
    fleet["hv01"].failure = None
    fleet.inventory.refresh()
    assert fleet.inventory.hosts()[0].reachable


def test_what_was_seen_just_now_is_not_asked_again(make):
    fleet = make("hv01")
    assert fleet.inventory.renew()
    assert not fleet.inventory.renew()
    fleet.clock.pass_(5)
    assert fleet.inventory.renew()
    assert fleet["hv01"].asked == [False, False]


def test_an_answer_with_disks_does_for_both_and_one_without_only_for_itself(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    fleet.inventory.renew(disks=True)
    assert not fleet.inventory.renew()
    fleet.clock.pass_(60)
    fleet.inventory.renew()
    assert fleet.inventory.renew(disks=True)
    assert fleet.inventory.seen(disks=True)[0].disks == ()


def test_a_change_makes_what_was_seen_old(make):
    fleet = make("hv01", "hv02")
    fleet.inventory.renew()
    fleet.inventory.forget("hv01")
    fleet.clock.pass_(0.1)
    assert fleet.inventory.renew()
    assert (len(fleet["hv01"].asked), len(fleet["hv02"].asked)) == (2, 1)


def test_a_question_that_a_change_overtook_is_put_again(make):
    fleet = make("hv01")
    host = fleet["hv01"]
    host.gate.clear()
    asking = threading.Thread(target=fleet.inventory.refresh)
    asking.start()
    assert host.reached.acquire(timeout=LONG)
    host.put("web01", 1)
    fleet.clock.pass_(1)
    fleet.inventory.forget("hv01")
    fleet.clock.pass_(1)
    host.gate.set()
    asking.join(LONG)
    assert fleet.names() == ["web01"]


def test_a_vm_that_came_while_a_slow_question_was_under_way_is_found(make):
    fleet = make("hv01")
    host = fleet["hv01"]
    host.gate.clear()
    asking = threading.Thread(target=fleet.inventory.refresh)
    asking.start()
    assert host.reached.acquire(timeout=LONG)
    fleet.clock.pass_(8)
    host.put("web01", 1)
    renewing = threading.Thread(target=fleet.inventory.renew)
    renewing.start()
    host.gate.set()
    for thread in (asking, renewing):
        thread.join(LONG)
    assert fleet.names() == ["web01"]


def test_a_vm_that_two_hosts_show_is_given_once_from_where_it_runs(make):
    fleet = make("hv01", "hv02", "hv03")
    fleet["hv01"].put("web01", 1, state=VMState.OFF)
    fleet["hv02"].put("web01", 1)
    fleet["hv03"].put("web01", 1, state=VMState.OFF, checkpoints=[checkpoint(kind=SnapshotType.REPLICA)])
    fleet.inventory.refresh()
    (one,) = fleet.inventory.seen()
    assert one.vm.host == "hv02"


def test_a_replica_is_never_taken_for_the_vm_itself(make):
    fleet = make("hv01", "hv02")
    fleet["hv01"].put("web01", 1, state=VMState.OFF)
    fleet["hv02"].put("web01", 1, state=VMState.OFF, checkpoints=[checkpoint(kind=SnapshotType.REPLICA)])
    fleet.inventory.refresh()
    fleet.clock.pass_(60)
    fleet.inventory.refresh(["hv02"])
    assert fleet.inventory.seen()[0].vm.host == "hv01"


@pytest.mark.parametrize("mode", [ReplicationMode.REPLICA, ReplicationMode.EXTENDED_REPLICA])
def test_where_the_host_of_a_vm_is_down_its_replica_is_left_alone_and_the_answer_says_where_it_lives(make, mode):
    fleet = make("hv01", "hv02")
    fleet["hv01"].put("web01", 1)
    fleet["hv02"].put("web01", 1, state=VMState.OFF, mode=mode)
    fleet.inventory.refresh()
    fleet["hv01"].failure = Unreachable("hv01 does not answer.")
    fleet.clock.pass_(60)
    fleet.inventory.refresh()

    (vm,) = fleet.view.find("web01")
    with pytest.raises(Unreachable) as told:
        fleet.view.look(vm)

    assert vm.host == "hv01"
    assert unmarked(told.value.sentence) == (
        "web01 lives on hv01, and hv02 has only a replica of it, which is left alone. hv01 does not answer."
    )
    fleet["hv02"].put("web01", 1, mode=mode)
    assert fleet.view.look(vm).vm.host == "hv02", "it was failed over to"


def test_a_checkpoint_is_found_by_its_guid_and_hosts_are_asked_for_one_never_seen(make):
    fleet = make("hv01")
    one = checkpoint()
    vm = fleet["hv01"].put("web01", 1, checkpoints=[one])
    found = fleet.inventory.find_checkpoint(one.id)
    assert (found.id, found.vm_id) == (one.id, vm.id)
    assert fleet.inventory.find_checkpoint("nothing") is None


# ---------------------------------------------------------------- looking at one VM


def test_a_look_asks_the_host(make):
    fleet = make("hv01")
    vm = fleet["hv01"].put("web01", 1)
    fleet.inventory.refresh()
    fleet["hv01"].put("web01", 1, state=VMState.OFF)
    assert fleet.inventory.look(vm.id).vm.state is VMState.OFF


def test_a_vm_that_moved_is_found_on_its_new_host(make):
    fleet = make("hv01", "hv02")
    vm = fleet["hv01"].put("web01", 1)
    fleet.inventory.refresh()
    fleet["hv01"].vms.clear()
    fleet["hv02"].put("web01", 1)
    assert fleet.inventory.look(vm.id).vm.host == "hv02"


def test_a_vm_whose_host_failed_is_found_where_the_cluster_started_it(make):
    fleet = make("hv01", "hv02")
    vm = fleet["hv01"].put("web01", 1)
    fleet.inventory.refresh()
    fleet["hv01"].failure = Unreachable("hv01 does not answer.")
    fleet["hv02"].put("web01", 1)
    assert fleet.inventory.look(vm.id).vm.host == "hv02"


def test_a_vm_that_is_gone_or_whose_host_is_down_raises_what_its_host_said(make):
    fleet = make("hv01", "hv02")
    vm = fleet["hv01"].put("web01", 1)
    fleet.inventory.refresh()
    fleet["hv01"].failure = Unreachable("hv01 does not answer.")
    with pytest.raises(Unreachable):
        fleet.inventory.look(vm.id)
    fleet["hv01"].failure = None
    fleet["hv01"].vms.clear()
    with pytest.raises(NotFound):
        fleet.inventory.look(vm.id)
    with pytest.raises(NotFound):
        fleet.inventory.look("unheard of")


def test_a_vm_that_was_not_seen_yet_is_not_said_to_be_gone_while_a_host_is_down(make):
    fleet = make("hv01", "hv02")
    vm = fleet["hv01"].put("web01", 1)
    fleet["hv01"].failure = Unreachable("hv01 does not answer.")
    with pytest.raises(Unreachable, match=r"hv01.* could not be asked, and no other host has that VM"):
        fleet.inventory.look(vm.id)


def test_several_are_looked_at_in_their_order(make):
    fleet = make("hv01", "hv02")
    vms = [fleet[f"hv0{1 + n % 2}"].put(f"web{n}", n) for n in range(20)]
    fleet.inventory.refresh()
    assert [one.vm.name for one in fleet.view.look_all(vms)] == [vm.name for vm in vms]


def test_a_vm_that_has_another_name_by_now_is_refused(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    (vm,) = fleet.view.find("web01")
    fleet["hv01"].put("web01-old", 1)
    fleet["hv01"].put("web01", 2)
    with pytest.raises(UsageError, match="web01 is called web01-old now"):
        fleet.view.look(vm)
    assert fleet.view.look(fleet.view.find("web01")[0]).vm.id.startswith("00000002")


# ---------------------------------------------------------------- finding


def test_a_name_a_short_id_a_guid_and_a_list_name_vms(make):
    fleet = make("hv01")
    one, two = fleet["hv01"].put("web01", 0xABCDEF01), fleet["hv01"].put("web02", 0xABCDEF02)
    view = fleet.view
    assert view.find("WEB01") == (one,)
    assert view.find("abcdef02") == (two,)
    assert view.find(two.id.upper()) == (two,)
    assert view.find("web02, web01,web02,") == (two, one)


def test_a_pattern_names_vms_and_brackets_in_it_mean_themselves(make):
    fleet = make("hv01")
    for number, name in enumerate(["web1", "web2", "web[1]", "web[1]b", "db1"]):
        fleet["hv01"].put(name, number)
    assert [vm.name for vm in fleet.view.find("web?")] == ["web1", "web2"]
    assert [vm.name for vm in fleet.view.find("WEB[1]*")] == ["web[1]", "web[1]b"]
    assert [vm.name for vm in fleet.view.find("web[1]")] == ["web[1]"]


@pytest.mark.parametrize("name", ["a,b", "web*", "w?b", "a, b*"])
def test_a_vm_whose_name_has_a_comma_or_a_star_in_it_is_found_by_its_name(make, name):
    fleet = make("hv01")
    wanted = fleet["hv01"].put(name, 1)
    for number, other in enumerate(["a", "b", "web01", "wab"], start=2):
        fleet["hv01"].put(other, number)
    assert fleet.view.find(name) == (wanted,)


def test_a_pattern_sees_vms_that_are_new(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    fleet.inventory.refresh()
    fleet["hv01"].put("web02", 2)
    fleet.clock.pass_(60)
    assert [vm.name for vm in fleet.view.find("web*")] == ["web01", "web02"]


def test_a_set_names_its_vms_in_sight_alone_or_in_a_list(make):
    fleet = make("hv01")
    for number, name in enumerate(["web01", "web02", "SQL01", "sql02", "db1"]):
        fleet["hv01"].put(name, number)
    fleet.hidden.add("web02")
    assert [vm.name for vm in fleet.view.find("@shop")] == ["SQL01", "web01"]
    assert [vm.name for vm in fleet.view.find("db1, @Shop")] == ["db1", "SQL01", "web01"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("@shpo", "There is no set called @shpo. Did you mean @shop?"),
        ("@payroll", "There is no set called @payroll. There are @shop and @empty."),
        ("@empty", "No VM in sight is in the set @empty. /checkpoint list shows all VMs in sight."),
    ],
)
def test_a_set_that_there_is_not_is_told_with_those_that_there_are(make, typed, told):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    with pytest.raises(NotKnown) as unknown:
        fleet.view.find(typed)
    assert unmarked(f"{unknown.value.sentence} {unknown.value.hint}") == told


class AskedByAnother(Inventory):
    """Somebody else asks the hosts right before."""

    def renew(self, hosts=None, *, disks=False, timeout=None):
        self.refresh(hosts, disks=disks)
        return super().renew(hosts, disks=disks, timeout=timeout)


def test_a_new_vm_is_found_though_somebody_else_asked_the_hosts_in_the_meantime(make):
    fleet = make("hv01")
    inventory = AskedByAnother(fleet.hosts, fleet.clock)
    new = fleet["hv01"].put("web01", 1)
    assert FleetView(inventory, lambda vm: True, normalise_name).find("web01") == (new,)
    inventory.close()


def test_two_vms_of_one_name_are_asked_about_with_their_short_ids(make):
    fleet = make("hv01", "hv02")
    fleet["hv01"].put("web01", 0xAAAA0001)
    fleet["hv02"].put("Web01", 0xBBBB0002, state=VMState.OFF)
    with pytest.raises(UsageError) as asked:
        fleet.view.find("web01")
    assert "aaaa0001 (web01 on hv01, running)" in unmarked(asked.value.hint)
    assert "bbbb0002 (Web01 on hv02, off)" in unmarked(asked.value.hint)


def test_names_that_differ_by_what_phones_do_to_text_are_asked_about(make):
    fleet = make("hv01")
    fleet["hv01"].put("DB–01", 1)
    assert fleet.view.find("db-01")[0].name == "DB–01"
    fleet["hv01"].put("DB-01", 2)
    fleet.inventory.refresh()
    for typed in ("DB–01", "DB-01"):
        with pytest.raises(UsageError, match="may be 2 VMs"):
            fleet.view.find(typed)


def test_an_unknown_name_gets_the_nearest_ones_that_the_person_may_see(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    fleet["hv01"].put("web02", 2)
    fleet.hidden.add("web02")
    with pytest.raises(NotKnown) as unknown:
        fleet.view.find("web03")
    assert "web01" in unknown.value.hint
    assert "web02" not in unknown.value.hint


def test_an_unknown_name_says_which_host_it_may_be_on(make):
    fleet = make("hv01", "hv02")
    fleet["hv02"].failure = Unreachable("hv02 does not answer.")
    with pytest.raises(NotKnown) as unknown:
        fleet.view.find("web01")
    assert "hv02 could not be asked, so it may be there." in unmarked(unknown.value.hint)


def test_an_unknown_name_asks_the_hosts_once_more_and_not_over_and_over(make):
    fleet = make("hv01")
    fleet.inventory.refresh()
    fleet.clock.pass_(60)
    vm = fleet["hv01"].put("web01", 1)
    assert fleet.view.find("web01") == (vm,)
    for _ in range(3):
        with pytest.raises(NotKnown):
            fleet.view.find("web09")
    assert len(fleet["hv01"].asked) == 2


@pytest.mark.parametrize("typed", ["", " ", ",", ",,", "*"])
def test_naming_nothing_finds_nothing(make, typed):
    with pytest.raises(NotKnown):
        make("hv01").view.find(typed)


def test_a_vm_that_may_not_be_seen_is_answered_like_one_that_is_not_there(make):
    fleet = make("hv01")
    fleet["hv01"].put("secret", 1)
    fleet["hv01"].put("web01", 2)
    fleet.hidden.add("secret")
    for typed in ("secret", "web01,secret", "00000001"):
        with pytest.raises(NotKnown):
            fleet.view.find(typed)
    assert [vm.name for vm in fleet.view.find("*")] == ["web01"]
    assert [one.vm.name for one in fleet.view.all()] == ["web01"]


def test_where_one_vm_is_wanted_several_are_refused(make):
    fleet = make("hv01")
    fleet["hv01"].put("web01", 1)
    fleet["hv01"].put("web02", 2)
    with pytest.raises(UsageError, match="web01 and web02"):
        fleet.view.find_one("web*")
    assert fleet.view.find_one("web02").name == "web02"


def test_one_hosts_vms_can_be_had_alone(make):
    fleet = make("hv01", "hv02")
    fleet["hv01"].put("web01", 1)
    fleet["hv02"].put("web02", 2)
    assert [one.vm.name for one in fleet.view.all(host="hv02", disks=True)] == ["web02"]
    assert fleet["hv01"].asked == []


vm_names = st.text(st.sampled_from("aAbB01-–—*?[],' “é\u0301"), min_size=1, max_size=8)


@given(st.lists(vm_names, min_size=1, max_size=5), st.data())
def test_a_vms_own_name_finds_it_alone_or_is_asked_about(names, data):
    fleet = Fleet("hv01")
    try:
        vms = [fleet["hv01"].put(name, 0xF0000000 + number) for number, name in enumerate(names)]
        wanted = data.draw(st.sampled_from(vms))
        alike = [vm for vm in vms if normalise_name(vm.name) == normalise_name(wanted.name)]
        if len(alike) == 1 and normalise_name(wanted.name):
            assert fleet.view.find(wanted.name) == (wanted,)
        elif normalise_name(wanted.name):
            with pytest.raises(UsageError):
                fleet.view.find(wanted.name)
        assert fleet.view.find(wanted.id) == (wanted,)
    finally:
        fleet.close()


# ---------------------------------------------------------------- a large fleet


def test_an_answer_about_a_large_fleet_asks_only_what_is_older_than_a_scan_and_some_at_a_time(make):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 4)))
    hosts = list(fleet.hosts.values())
    fleet.inventory.refresh()
    fleet.clock.pass_(60)
    fleet.view.all()
    assert [len(host.asked) for host in hosts] == [1] * (FEW + 4)

    fleet.inventory.forget(hosts[7].host)
    fleet.clock.pass_(10)
    fleet.view.all()
    assert [host.host for host in hosts if len(host.asked) > 1] == [hosts[7].host]

    fleet.clock.pass_(SCAN.total_seconds())
    fleet.view.all()
    fleet.view.hosts()  # asked just now
    assert sum(len(host.asked) for host in hosts) == FEW + 4 + 1 + FEW


def test_an_answer_about_a_large_fleet_does_not_wait_for_a_host_that_hangs(make):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 1)))
    for number, host in enumerate(fleet.hosts.values(), 1):
        host.put(f"web{number:02}", number)
    fleet.inventory.refresh()
    fleet.clock.pass_(2 * SCAN.total_seconds())
    fleet["hv00"].gate.clear()
    try:
        assert len(fleet.view.all()) == FEW + 1
    finally:
        fleet["hv00"].gate.set()


def test_an_unknown_name_asks_every_host_of_a_large_fleet(make):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 1)))
    fleet.inventory.refresh()
    fleet.clock.pass_(10)
    new = fleet["hv03"].put("new01", 1)

    assert fleet.view.find("new01") == (new,)


@pytest.mark.parametrize("typed", ["web*", "@shop", "db1,@shop"])
def test_for_a_change_of_a_pattern_every_host_of_a_large_fleet_is_asked_that_was_not_seen_since_a_scan(make, typed):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 4)))
    hosts = list(fleet.hosts.values())
    hosts[0].put("db1", 1)
    hosts[1].put("web01", 2)
    fleet.inventory.refresh()
    fleet.clock.pass_(SCAN.total_seconds() + 1)
    fleet.inventory.refresh([host.host for host in hosts[:2]])
    hosts[-1].put("web02", 3)

    assert "web02" in [vm.name for vm in fleet.view.find(typed, afresh=True)]
    assert [len(host.asked) for host in hosts] == [2] * (FEW + 4)


def test_for_a_change_a_host_that_hangs_is_waited_for_as_long_as_a_person_waits(make):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 1)), timeout=0.8)
    fleet["hv00"].put("web01", 1)
    fleet["hv01"].put("web02", 2)
    fleet.inventory.refresh(timeout=timedelta(seconds=LONG))
    fleet.clock.pass_(SCAN.total_seconds() + 1)
    fleet["hv01"].gate.clear()
    began = time.monotonic()
    assert [vm.name for vm in fleet.view.find("web*", afresh=True)] == ["web01", "web02"]
    assert time.monotonic() - began >= 0.8


def test_an_answer_about_a_large_fleet_asks_again_for_disks_that_could_not_be_read(make):
    fleet = make(*(f"hv{number:02}" for number in range(FEW + 1)))
    fleet["hv03"].failure = Unreachable("hv03 does not answer.")
    fleet.inventory.refresh(disks=True)
    fleet["hv03"].failure = None
    fleet.clock.pass_(SCAN.total_seconds() + 1)

    fleet.view.all(disks=True)

    assert [host.host for host in fleet.hosts.values() if len(host.asked) > 1] == ["hv03"]
