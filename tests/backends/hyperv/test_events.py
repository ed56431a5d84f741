"""Events, logs and folders of a host, on a plain endpoint and on the bot's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backends.base import Backend, EventLog, LogTrouble, OperationFailed
from backends.hyperv import events
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.logs import failure
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import GB, DiskFile, VolumeSpace
from backends.simulator.model.texts import Language
from tests.backends.hyperv import hosts

WAYS = {"plain": hosts.in_process, "JEA": hosts.in_process_restricted}


@pytest.fixture
def host() -> SimulatedHost:
    return hosts.instant_host()


@pytest.fixture
def vm(host: SimulatedHost) -> SimulatedVM:
    return add_vm(host, "web01", past=[Past("old", 9 * DAY, 5 * GB), Past("middle", 4 * DAY), Past("new", DAY)])


@pytest.fixture(params=WAYS)
def backend(request: pytest.FixtureRequest, host: SimulatedHost) -> Iterator[Backend]:
    with WAYS[request.param](hosts.powershell(host)) as made:
        yield made


def test_events_come_with_codes_and_guids_and_with_how_far_back_the_logs_reach(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    now = host.clock()
    host.tell(EventLog.VMMS, 19100, vm, *failure(0x80070020), at=now - 60)
    host.tell(EventLog.WORKER, 3216, vm, *failure(0x80048102), at=now - 30)
    host.tell(EventLog.VMMS, 18012, vm, at=now - 9 * DAY)
    told = backend.events(datetime.fromtimestamp(now - DAY, UTC))
    assert [(one.log, one.id) for one in told.events] == [(EventLog.VMMS, 19100), (EventLog.WORKER, 3216)]
    assert [one.guids for one in told.events] == [frozenset({vm.id})] * 2
    assert [one.codes for one in told.events] == [frozenset({0x80070020}), frozenset({0x80048102})]
    assert {one.log for one in told.readings} == set(EventLog)
    installed = datetime.fromtimestamp(now - 2 * 365 * DAY, UTC)
    assert all(one.trouble is None and one.seen_from == installed for one in told.readings)


def test_a_host_on_which_nothing_happened_has_no_events_and_no_trouble(backend: Backend, host: SimulatedHost) -> None:
    told = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC))
    assert (told.events, [one.trouble for one in told.readings]) == ((), [None, None])


def test_a_log_that_tells_nothing_says_why(backend: Backend, host: SimulatedHost) -> None:
    host.logs[EventLog.VMMS].enabled = False
    host.logs[EventLog.WORKER].readable = False
    since = datetime.fromtimestamp(host.clock() - DAY, UTC)
    assert [one.trouble for one in backend.events(since).readings] == [LogTrouble.DISABLED, LogTrouble.NO_ACCESS]
    host.logs[EventLog.VMMS].exists = False
    assert backend.events(since).readings[0].trouble is LogTrouble.NO_LOG


@pytest.mark.parametrize(("code", "trouble"), [(0x80070005, LogTrouble.NO_ACCESS), (0x80041010, LogTrouble.GAVE_ERROR)])
def test_a_host_that_answers_with_an_error_is_not_said_to_be_silent(
    backend: Backend, host: SimulatedHost, code: int, trouble: LogTrouble
) -> None:
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-WinEvent", times=None, code=code))
    read = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC)).readings
    assert {one.trouble for one in read} == {trouble}


def test_what_a_log_holds_is_a_sign_also_where_it_is_switched_off_by_now(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    now = host.clock()
    host.tell(EventLog.WORKER, 3216, vm, *failure(0x80048102), at=now - 60)
    host.logs[EventLog.WORKER].enabled = False
    told = backend.events(datetime.fromtimestamp(now - DAY, UTC))
    assert [one.id for one in told.events] == [3216]
    assert told.readings[1].trouble is LogTrouble.DISABLED


def test_a_log_that_wrapped_is_known_from_its_first_event_on(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    now = host.clock()
    host.tell(EventLog.VMMS, 18012, vm, at=now - 60)
    host.logs[EventLog.VMMS].wrap(now - DAY)
    reading = backend.events(datetime.fromtimestamp(now - 7 * DAY, UTC)).readings[0]
    assert reading.seen_from == datetime.fromtimestamp(now - DAY, UTC)


def test_the_files_of_folders_are_all_there_and_nothing_else_is(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    folder = f"{vm.folder}\\Virtual Hard Disks"
    lost = DiskFile(f"{folder}\\lost.avhdx", 9, 5, "", created=host.clock() - DAY)
    host.storage.add(lost)
    found = backend.folder_files((folder,))
    layers = {file.path for file in host.storage.owned_by(vm.id) if file.parent}
    assert {file.path for file in found.files} == {*layers, lost.path}
    shown = next(file for file in found.files if file.path == lost.path)
    assert (shown.size, shown.created) == (5, datetime.fromtimestamp(host.clock() - DAY, UTC))
    assert (found.unread, found.not_offered) == ((), False)


def test_a_folder_that_may_not_be_read_is_said_to_be_unread(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    folder = f"{vm.folder}\\Virtual Hard Disks"
    host.hidden_folders.add(folder.casefold())
    assert backend.folder_files((folder,)).unread == (folder,)


def test_a_file_that_is_missing_and_one_that_stands_on_another_are_faults_with_their_codes(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    base, *_, leaf = sorted(host.storage.owned_by(vm.id), key=lambda file: len(_below(host, file)))
    leaf.mismatched = True
    host.storage.remove(base.path)
    for seen in (backend.vm(vm.id, disks=True), backend.inventory(disks=True).vms[0]):
        assert {one.path: one.code for one in seen.faults} == {base.path: 0x80070002, leaf.path: 0xC03A000E}


def test_a_checkpoint_that_fails_half_way_fails_and_is_in_the_logs(
    backend: Backend, host: SimulatedHost, vm: SimulatedVM
) -> None:
    host.faults.arm(Fault(FaultKind.FORK))
    with pytest.raises(OperationFailed):
        backend.create(vm.id, "half-way")
    told = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC))
    assert {one.id for one in told.events if 0x80048102 in one.codes} == {3216, 18012}
    assert len(backend.vm(vm.id).checkpoints) == 3
    assert vm.forked


@pytest.mark.parametrize("language", Language)
def test_hosts_of_every_language_tell_the_same(language: Language) -> None:
    host = hosts.instant_host(language=language)
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.FORK))
    with hosts.in_process(hosts.powershell(host)) as backend:
        with pytest.raises(OperationFailed):
            backend.create(vm.id, "half-way")
        told = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC))
    assert [(one.id, one.codes, one.guids) for one in sorted(told.events, key=lambda one: one.id)] == [
        (id, frozenset({0x80048102}), frozenset({vm.id})) for id in (3216, 18012)
    ]


def test_events_cross_the_wire_as_they_are(host: SimulatedHost, vm: SimulatedVM) -> None:
    host.tell(EventLog.VMMS, 19100, vm, *failure(0x80070020), "更新前 <&> 'x'", at=host.clock() - 60)
    with hosts.over_winrm(hosts.powershell(host)) as backend:
        (told,) = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC)).events
        assert told.values == ("web01", vm.id.upper(), "%%2147942432", "0x80070020", "更新前 <&> 'x'")
        assert backend.folder_files((f"{vm.folder}\\Virtual Hard Disks",)).unread == ()


def test_more_events_than_are_asked_for_make_the_log_shorter(
    host: SimulatedHost, vm: SimulatedVM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 3)
    for minutes in range(10, 0, -1):
        host.tell(EventLog.VMMS, 18012, vm, at=host.clock() - 60 * minutes)
    with hosts.in_process(hosts.powershell(host)) as backend:
        told = backend.events(datetime.fromtimestamp(host.clock() - DAY, UTC))
    assert told.readings[0].seen_from == datetime.fromtimestamp(host.clock() - 180, UTC)


def test_a_dvd_is_no_volume_that_is_full(host: SimulatedHost, vm: SimulatedVM) -> None:
    host.storage.volumes.append(VolumeSpace("E:\\", 4 * GB, other=4 * GB, drive_type=5))
    with hosts.in_process(hosts.powershell(host)) as backend:
        assert {one.path for one in backend.inventory(disks=True).volumes or ()} == {"C:\\", "D:\\"}


def _below(host: SimulatedHost, file: DiskFile) -> list[str]:
    """The files that it stands on."""
    found: list[str] = []
    while file.parent and (parent := host.storage.find(file.parent)):
        found.append(parent.path)
        file = parent
    return found
