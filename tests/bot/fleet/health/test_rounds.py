"""Looks at the health of simulated hosts: what is judged, what it costs, and stories in which nobody loses data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from backends.base import BackendError, EventLog, HostEvents, Unreachable, VMState
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import DAY, Past, new_host
from backends.simulator.model import power
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.errors import HostError
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost, move
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import DiskFile
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.changes.soundness import Soundness
from bot.fleet.health.rounds import Health
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger
from commands.base.health import Verdict
from tests.support.hosts import Hosts

HOLD, LOOK, FINE, CANNOT_TELL = Verdict.HOLD, Verdict.LOOK, Verdict.FINE, Verdict.CANNOT_TELL


class Ward(Hosts):
    """Hosts whose time stands still, and who looks at their VMs."""

    def __init__(self, folder: Path, hosts: int = 2) -> None:
        self.time = ManualClock()
        quick, names = Durations(scale=0), [f"hv{number:02}" for number in range(1, hosts + 1)]
        super().__init__(new_host(name, clock=self.time, durations=quick) for name in names)
        self.backends = {
            name: HyperVBackend(name, SimulatedSession(shell), now=self.now) for name, shell in self.shells.items()
        }
        self.ledger = Ledger(folder / "ledger.db", clock=self.now)
        self.inventory = Inventory(self.backends, self.now, fresh_for=timedelta(0))
        self.health = Health(self.inventory, self.backends, self.ledger, self.now)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def look(self) -> None:
        self.inventory.refresh(disks=True)
        self.health.look_around()

    def verdict(self, vm: SimulatedVM) -> Verdict:
        found = self.ledger.verdicts.of([vm.id])
        return found[vm.id].verdict

    def why(self, vm: SimulatedVM) -> set[str]:
        return {reason.key for reason in self.ledger.verdicts.of([vm.id])[vm.id].why}

    def fork(self, vm: SimulatedVM, host: str = "hv01") -> None:
        self.hosts[host].faults.arm(Fault(FaultKind.FORK))
        with pytest.raises(BackendError):
            self.backends[host].create(vm.id, "half-way")

    def restart(self, vm: SimulatedVM, host: str = "hv01") -> None:
        model = self.hosts[host]
        power.stop(model, vm.id, turn_off=True)
        model.all()
        power.start(model, vm.id)
        model.all()

    def close(self) -> None:
        self.inventory.close()
        self.ledger.close()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    yield made
    made.close()


def test_a_fleet_that_is_well_is_fine(ward: Ward) -> None:
    vms = [ward.put("web01"), ward.put("web02", Past("old", 9 * DAY), Past("new", DAY))]
    ward.look()
    assert [ward.verdict(vm) for vm in vms] == [FINE, FINE]


def test_disks_that_were_read_long_ago_say_nothing_of_how_they_are(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.look()
    ward.time.advance(2 * 3600 + 60)
    ward.inventory.refresh()
    ward.health.look_around()
    assert (ward.verdict(vm), ward.why(vm)) == (CANNOT_TELL, {"unseen"})
    (why,) = ward.ledger.verdicts.of([vm.id])[vm.id].why
    assert why.sentence == "Its disks were last read 2 hours ago."

    assert ward.health.judge(ward.inventory.look(vm.id, disks=True)).verdict is FINE
    ward.look()
    assert ward.verdict(vm) is FINE


def test_a_fork_holds_its_vm_and_no_other(ward: Ward) -> None:
    vm, other = ward.put("web01", Past("old", DAY)), ward.put("web02", Past("old", DAY))
    ward.fork(vm)
    ward.look()
    assert (ward.verdict(vm), ward.verdict(other)) == (HOLD, FINE)


def test_a_fork_of_a_vm_without_any_checkpoint_holds_it_by_the_file_in_its_folder(ward: Ward) -> None:
    vm = ward.put("web01")
    ward.fork(vm)
    ward.look()
    assert (ward.verdict(vm), ward.why(vm)) == (HOLD, {"fork failed"})
    ward.time.advance(60)
    ward.restart(vm)
    ward.time.advance(3 * 3600)
    ward.look()
    assert (ward.verdict(vm), vm.lost) == (LOOK, "start")
    assert {"orphan", "fork failed before"} <= ward.why(vm)


def test_a_hold_stays_when_the_log_has_forgotten_why(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.fork(vm)
    ward.look()
    ward.time.advance(30 * DAY)
    for log in ward.host().logs.values():
        log.wrap(ward.time())
    ward.look()
    assert ward.verdict(vm) is HOLD


def test_a_log_that_wraps_between_two_looks_leaves_no_gap(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", 90 * DAY))
    ward.look()
    for _ in range(3):
        ward.time.advance(DAY)
        for log in ward.host().logs.values():
            log.wrap(ward.time() - 1.5 * DAY)
        ward.look()
    assert ward.verdict(vm) is FINE
    ward.time.advance(9 * DAY)
    for log in ward.host().logs.values():
        log.wrap(ward.time() - DAY)
    ward.look()
    assert (ward.verdict(vm), ward.why(vm)) == (CANNOT_TELL, {"log too short"})


class TestBetweenTwoRounds:
    """Right before a change the logs are read anew, from shortly before what is known of them."""

    @pytest.fixture
    def vm(self, ward: Ward) -> SimulatedVM:
        """On a host that has a busy day behind it, at which was looked a minute ago."""
        made = ward.put("web01", Past("old", DAY))
        for number in range(40):
            ward.host().tell(EventLog.VMMS, (19070, 19080)[number % 2], made, at=ward.time() - DAY + number)
        ward.look()
        ward.time.advance(60)
        return made

    @pytest.fixture
    def told(self, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """How many events the host gave, each time that it was asked."""
        found, ask = list[int](), ward.backends["hv01"].events

        def events(since: datetime) -> HostEvents:
            answer = ask(since)
            found.append(len(answer.events))
            return answer

        monkeypatch.setattr(ward.backends["hv01"], "events", events)
        return found

    def verdict(self, ward: Ward, vm: SimulatedVM) -> Verdict:
        return ward.health.before_touching(ward.backends["hv01"].vm(vm.id).vm).verdict

    def test_the_events_of_a_whole_week_are_not_read_again(self, ward: Ward, vm: SimulatedVM, told: list[int]) -> None:
        for _ in range(3):
            ward.host().tell(EventLog.VMMS, 19080, vm, at=ward.time())
            assert self.verdict(ward, vm) is FINE
            ward.time.advance(2 * 3600)
        assert told == [41, 2, 2]

    def test_a_fork_holds_the_vm_and_is_not_forgotten(self, ward: Ward, vm: SimulatedVM) -> None:
        ward.fork(vm)
        for _ in range(3):
            ward.time.advance(20 * 60)
            assert self.verdict(ward, vm) is HOLD

    def test_a_fork_is_seen_on_a_host_whose_clock_was_set_back(self, ward: Ward, vm: SimulatedVM) -> None:
        ward.host().tell(EventLog.VMMS, 19080, vm, at=ward.time())
        assert self.verdict(ward, vm) is FINE
        ward.time.advance(60)
        ward.host().tell(EventLog.WORKER, 3216, vm, at=ward.time() - 1800)
        assert self.verdict(ward, vm) is HOLD

    def test_a_log_that_was_not_read_for_a_while_is_read_as_a_whole(self, ward: Ward, vm: SimulatedVM) -> None:
        log = ward.host().logs[EventLog.WORKER]
        log.enabled = False
        ward.host().tell(EventLog.VMMS, 19080, vm, at=ward.time())
        assert ward.health.judge(ward.inventory.look(vm.id, disks=True)).verdict is CANNOT_TELL
        log.enabled = True
        ward.time.advance(60)
        ward.host().tell(EventLog.WORKER, 3216, vm, at=ward.time() - 2 * 3600)
        assert self.verdict(ward, vm) is HOLD


def test_a_vm_that_came_from_another_host_needs_that_ones_logs_too(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY), host="hv02")
    other = ward.put("web02", Past("old", DAY))
    move(vm.id, ward.host("hv02"), ward.host("hv01"))
    ward.look()
    assert ward.verdict(vm) is FINE
    ward.host("hv02").logs[EventLog.WORKER].enabled = False
    ward.look()
    assert (ward.verdict(vm), ward.verdict(other)) == (CANNOT_TELL, FINE)


def test_an_orphan_belongs_to_the_vm_whose_disk_it_was_made_over(ward: Ward) -> None:
    vm, other = ward.put("web01", Past("old", DAY)), ward.put("web02", Past("old", DAY))
    path = f"{vm.folder}\\Virtual Hard Disks\\web01_LOST.avhdx"
    ward.host().storage.add(DiskFile(path, 9, 5, "", created=ward.time() - DAY))
    ward.look()
    assert (ward.verdict(vm), ward.why(vm), ward.verdict(other)) == (LOOK, {"orphan"}, FINE)


def test_a_folder_that_may_not_be_read_leaves_it_open(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.host().hidden_folders.add(f"{vm.folder}\\Virtual Hard Disks".casefold())
    ward.look()
    assert (ward.verdict(vm), ward.why(vm)) == (CANNOT_TELL, {"unseen"})


def test_a_host_that_does_not_answer_leaves_it_open(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.look()
    ward.arm(FaultKind.REFUSE_CONNECTION, times=None)
    ward.time.advance(60)
    ward.look()
    assert ward.verdict(vm) is CANNOT_TELL


@pytest.mark.parametrize("kind", [FaultKind.MERGE_REFUSED, FaultKind.MERGE_OFF])
def test_a_merge_that_does_not_happen_is_to_be_looked_at(ward: Ward, kind: FaultKind) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.arm(kind, times=None)
    ward.backends["hv01"].delete(vm.ordered()[0].id)
    ward.look()
    assert ward.verdict(vm) is LOOK
    assert "layer without checkpoint" in ward.why(vm)


def test_an_endpoint_of_the_older_version_says_so_and_all_else_works(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    shell = SimulatedPowerShell(ward.host(), [bot_configuration(version=2)])
    old = HyperVBackend("hv01", SimulatedSession(shell, configuration=NAME), find_endpoint=True, now=ward.now)
    inventory = Inventory({"hv01": old}, ward.now, fresh_for=timedelta(0))
    inventory.refresh(disks=True)
    Health(inventory, {"hv01": old}, ward.ledger, ward.now).look_around()
    assert (ward.verdict(vm), ward.why(vm)) == (CANNOT_TELL, {"log unread"})
    assert old.create(vm.id, "still works").name == "still works"
    inventory.close()


def test_a_round_takes_as_many_requests_however_many_vms_there_are(ward: Ward) -> None:
    asked = []
    for many in (1, 30):
        for number in range(many):
            ward.put(f"vm{many}-{number}", Past("old", DAY))
        ward.inventory.refresh(disks=True)
        ward.time.advance(2 * 3600)
        before = ward.commands().pipelines
        ward.health.look_around()
        asked.append(ward.commands().pipelines - before)
    assert asked[0] == asked[1] <= 7


def test_rounds_are_as_far_apart_as_the_settings_say(ward: Ward) -> None:
    looked = []
    for _ in range(4):
        looked.append(ward.health.look_if_due())
        ward.time.advance(600)
    assert looked == [True, False, True, False]


def test_right_before_a_change_only_the_logs_are_asked_unless_they_speak(ward: Ward) -> None:
    vm = ward.put("web01", Past("old", DAY))
    ward.look()
    seen = ward.backends["hv01"].vm(vm.id).vm
    ward.time.advance(60)
    before = ward.ran("Get-VHD")
    assert Soundness(ward.health).held(seen) == ""
    assert ward.ran("Get-VHD") == before
    ward.fork(vm)
    ward.time.advance(60)
    assert "web01" in Soundness(ward.health).held(seen)
    assert Soundness(None).held(seen) == ""


# ---------------------------------------------------------------- stories


class Story:
    """People and hosts do things at random; the bot acts only where its gate lets it."""

    def __init__(self, ward: Ward, random: Random) -> None:
        self.ward, self.random = ward, random
        self.gate = Soundness(ward.health)
        self.by_the_bot: list[str] = []
        self.vms = [ward.put(f"s{random.getrandbits(32):08x}{n}", *self._past()) for n in range(2)]

    def _past(self) -> list[Past]:
        return [Past(f"p{n}", (9 - n) * DAY) for n in range(self.random.randrange(3))]

    def step(self) -> None:
        vm = self.random.choice(self.vms)
        act = self.random.choice((self.fail, self.take, self.apply, self.delete, self.look, self.wait, self.others))
        act(vm)

    def fail(self, vm: SimulatedVM) -> None:
        """Somebody else's checkpoint, or the bot's own, fails half-way."""
        self.ward.host().faults.arm(Fault(FaultKind.FORK))
        self.take(vm)
        self.ward.host().faults.disarm(FaultKind.FORK)

    def take(self, vm: SimulatedVM) -> None:
        self._as_bot(vm, lambda backend: backend.create(vm.id, "c"))

    def apply(self, vm: SimulatedVM) -> None:
        if vm.checkpoints:
            one = self.random.choice(vm.ordered())
            self._as_bot(vm, lambda backend: backend.apply(one.id))
            if vm.state is VMState.OFF:
                self._as_bot(vm, lambda backend: backend.start(vm.id))

    def delete(self, vm: SimulatedVM) -> None:
        if vm.checkpoints:
            one = self.random.choice(vm.ordered())
            self._as_bot(vm, lambda backend: backend.delete(one.id))

    def look(self, _vm: SimulatedVM) -> None:
        self.ward.look()

    def wait(self, _vm: SimulatedVM) -> None:
        self.ward.time.advance(self.random.choice((20, 3600, DAY)))

    def others(self, vm: SimulatedVM) -> None:
        """The host restarts it. What is lost by that is not the bot's doing, and the VM starts anew."""
        try:
            self.ward.restart(vm)
        except HostError:
            return
        vm.lost = ""

    def _as_bot(self, vm: SimulatedVM, act: Callable[[HyperVBackend], object]) -> None:
        self.ward.time.advance(20)
        backend = self.ward.backends["hv01"]
        forked = bool(vm.forked)
        why = self.gate.held(backend.vm(vm.id).vm)
        assert why or not forked, f"{vm.name} would lose data at its next restart and is not on Hold"
        if why:
            return
        with suppress(BackendError):
            act(backend)
        if vm.lost:
            self.by_the_bot.append(vm.name)


STORIES, STEPS = int(os.environ.get("STORIES", "8")), 6


def test_in_five_hundred_stories_the_bot_loses_nobodys_data(tmp_path: Path) -> None:
    """And a VM that would lose data at its next restart is on Hold before the bot would touch it."""
    ward = Ward(tmp_path)
    held = 0
    for number in range(STORIES):
        for host in ward.hosts.values():
            _empty(host)
        story = Story(ward, Random(number))
        for _ in range(STEPS):
            story.step()
        assert story.by_the_bot == [], number
        held += any(vm.forked for vm in story.vms)
    ward.close()
    assert held > STORIES // 10


def _empty(host: SimulatedHost) -> None:
    """A host with nothing on it."""
    host.vms.clear()
    for file in list(host.storage):
        host.storage.remove(file.path)
    for log in host.logs.values():
        del log.events[1:]


class TestALargeFleet:
    """More hosts than an answer asks for."""

    @pytest.fixture
    def ward(self, tmp_path: Path) -> Iterator[Ward]:
        made = Ward(tmp_path, hosts=20)
        for host in made.hosts:
            made.put(f"vm-{host}", Past("old", DAY), host=host)
        yield made
        made.close()

    def read_in_a_round(self, ward: Ward) -> set[str]:
        """The hosts whose logs are read in the next round."""
        before = {host: ward.ran("Get-WinEvent", host) for host in ward.hosts}
        ward.inventory.refresh(disks=True)
        ward.time.advance(15 * 60)
        assert ward.health.look_if_due()
        return {host for host in ward.hosts if ward.ran("Get-WinEvent", host) > before[host]}

    def test_is_looked_at_as_a_whole_first_and_each_quiet_host_once_an_hour_then(self, ward: Ward) -> None:
        everyone = set(ward.hosts)
        assert self.read_in_a_round(ward) == everyone
        rounds = [self.read_in_a_round(ward) for _ in range(8)]
        for some in (rounds[:4], rounds[4:]):
            assert set.union(*some) == everyone
            assert sum(len(one) for one in some) == len(everyone)
            assert max(len(one) for one in some) <= len(everyone) / 4

    def test_has_a_host_looked_at_in_the_next_round_on_which_something_happens(self, ward: Ward) -> None:
        self.read_in_a_round(ward)
        quiet = set(ward.hosts) - self.read_in_a_round(ward)
        host = sorted(quiet)[-1]
        seen = next(one for one in ward.inventory.seen() if one.vm.host == host)
        ward.backends[host].create(seen.vm.id, "new")
        assert host in self.read_in_a_round(ward)

    def test_has_a_host_looked_at_in_each_round_where_a_checkpoint_failed_half_way(self, ward: Ward) -> None:
        ill = sorted(ward.hosts)[-1]
        ward.fork(next(iter(ward.host(ill).vms.values())), ill)
        assert all(ill in self.read_in_a_round(ward) for _ in range(5))

    def test_has_a_host_looked_at_in_each_round_that_does_not_answer(
        self, ward: Ward, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        down, asked = sorted(ward.hosts)[-1], []

        def nothing(since: datetime) -> HostEvents:
            asked.append(since)
            raise Unreachable("hv20 does not answer.")

        monkeypatch.setattr(ward.backends[down], "events", nothing)
        for _ in range(5):
            self.read_in_a_round(ward)
        assert len(asked) == 5
