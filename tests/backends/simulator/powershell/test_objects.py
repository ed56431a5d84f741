"""What cmdlets give: objects with all their properties, disks, volumes, services, in the host's language."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType, OperationalStatus
from backends.remoting import ErrorRecord
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import Drive, Vss
from backends.simulator.model.storage import GB
from backends.simulator.model.texts import Language
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.objects.base import HostObject
from backends.simulator.powershell.objects.checkpoints import checkpoint_objects
from backends.simulator.powershell.objects.machines import VMObject
from backends.simulator.powershell.session import _Run
from backends.simulator.powershell.shell import Command, Parameter
from tests.backends.simulator.host_console import Console, command
from tests.support.waiting import DEADLINE

COMMANDS = "Microsoft.HyperV.PowerShell.Commands."


def kind(error: ErrorRecord) -> tuple[str, str, str]:
    return error.error_id, error.category, error.command.removeprefix(COMMANDS)


def test_drives_of_a_checkpoint_are_those_it_froze(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", DAY)])

    now = console.values("Path", "Get-VM", "Get-VMHardDiskDrive")
    then = console.values("Path", "Get-VM", "Get-VMSnapshot", "Get-VMHardDiskDrive")

    assert (now, then) == ([vm.drives[0].path], [vm.ordered()[0].drives[0].path])
    assert console.values("ParentPath", command("Get-VHD", Path=str(now[0]))) == then


def test_a_missing_file_and_a_passed_through_disk_are_errors_and_the_rest_is_given(
    console: Console, host: SimulatedHost
) -> None:
    vm = add_vm(host, "web01", disks=[GB, GB])
    host.storage.remove(vm.drives[0].path or "")
    vm.drives.append(Drive(None, location=2, disk_number=3))

    result = console("Get-VM", "Get-VMHardDiskDrive", "Get-VHD")

    assert len(result.output) == 1
    assert [(one.error_id, one.hresult) for one in result.errors] == [("ObjectNotFound", 0x80070002)] * 2


def test_volumes_show_what_is_free(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01", disks=[100 * GB])
    wanted = ("Name", "Capacity", "FreeSpace")

    volumes = console.json(
        command("Get-CimInstance", ClassName="Win32_Volume", Property=wanted), command("Select-Object", Property=wanted)
    )

    assert isinstance(volumes, list)
    assert volumes[1] == {"Name": "D:\\", "Capacity": 8192 * GB, "FreeSpace": 8142 * GB}


def test_properties_that_were_not_asked_of_cim_are_null(console: Console) -> None:
    ask = command("Get-CimInstance", ClassName="Win32_Volume", Namespace="root\\cimv2", Property="Name")

    assert console.values("FreeSpace", ask) == [None, None]


def test_another_cim_class_is_not_there(console: Console) -> None:
    assert console.error(command("Get-CimInstance", ClassName="Win32_Process")).error_id == "HRESULT 0x80041010"


def test_integration_services_tell_whether_the_guest_answers(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "linux01", vss=Vss.NO_CONTACT)
    ask = command("Get-VMIntegrationService", VMName="linux01", Name="VSS")

    assert console.values("PrimaryOperationalStatus", ask) == [12]


def test_only_replicas_show_replication(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")
    add_vm(host, "erp01").replication = ReplicationState.REPLICATING

    assert console.values("VMName", "Get-VMReplication") == ["erp01"]
    assert console.error(command("Get-VMReplication", VMName="web01")).error_id == "InvalidState"


def test_metering_is_refused(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    assert console.error(command("Measure-VM", Name="web01")).error_id == "InvalidState"


def test_every_property_of_every_object_has_a_value_to_give(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01", past=[Past("a", DAY), Past("b", DAY, has_memory=True)])

    vm = console("Get-VM").output[0]
    checkpoint = console("Get-VM", "Get-VMSnapshot").output[0]

    assert isinstance(vm, dict)
    assert isinstance(checkpoint, dict)
    assert (len(vm), len(checkpoint)) == (71, 38)
    assert vm["OperationalStatus"] == [OperationalStatus.OK]
    assert console("Get-VMHost").output[0]["Name"] == "HV01"  # type: ignore[index]
    assert len(console("Get-VM", "Get-VMIntegrationService").output) == 6


def test_expensive_properties_cost_a_host_its_time(clock: ManualClock) -> None:
    host = new_host("hv01", clock=clock, durations=Durations(costly_property=0.15))
    for number in range(10):
        add_vm(host, f"web{number}")
    console, began = Console(host), clock()

    console("Get-VM", command("Select-Object", Property=("Name", "State")))
    cheap = clock() - began
    console("Get-VM", command("Select-Object", Property=("Name", "ProcessorCount")))

    assert cheap == 0
    assert clock() - began == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("language", "word"), [(Language.EN, "unable"), (Language.FR, "pas trouvé"), (Language.JA, "見つかりません")]
)
def test_texts_are_in_the_hosts_language_and_ids_are_not(clock: ManualClock, language: Language, word: str) -> None:
    error = Console(new_host("hv01", clock=clock, language=language)).error(command("Get-VM", Name="nope"))

    assert word in error.message
    assert kind(error) == ("InvalidParameter", "InvalidArgument", "GetVM")


@pytest.mark.parametrize("language", list(Language))
def test_a_state_is_the_same_number_in_every_language(clock: ManualClock, language: Language) -> None:
    host = new_host("hv01", clock=clock, language=language)
    add_vm(host, "web01")
    console = Console(host)

    assert console.json("Get-VM", command("Select-Object", Property=("State", "OperationalStatus"))) == {
        "State": 2,
        "OperationalStatus": [2],
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [(Language.EN, "Backing up"), (Language.FR, "Sauvegarde"), (Language.JA, "バックアップしています")],
)
def test_a_status_has_a_text_in_the_hosts_language(clock: ManualClock, language: Language, words: str) -> None:
    host = new_host("hv01", clock=clock, language=language)
    add_vm(host, "mail01").busy_with = OperationalStatus.BACKING_UP

    assert Console(host).values("Status", "Get-VM") == [words]


def test_parent_and_child_sets_walk_the_tree(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 2 * DAY), Past("b", DAY)])
    first, second = checkpoint_objects(host, vm)

    def asked(parameter: str, value: HostObject) -> list[object]:
        get = Command("Get-VMSnapshot", (Parameter(parameter, value),))
        run = _Run(
            console.shell, (get, Command("Select-Object", (Parameter("ExpandProperty", "Name"),))), PLAIN_NAME, None
        )
        assert run.wait(DEADLINE)
        return list(run.result().output)

    assert asked("ParentOf", VMObject(host, vm)) == ["b"]
    assert asked("ParentOf", second) == ["a"]
    assert asked("ChildOf", first) == ["b"]
    assert asked("ChildOf", second) == []


def test_a_failed_job_says_so_in_paragraphs_and_of_which_vm(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "off limits", checkpoint_type=CheckpointType.DISABLED)
    told = console.error(command("Checkpoint-VM", Name="off limits")).message.split("\n\n")
    assert len(told) == 3
    assert "disabled" in told[1]
    assert vm.id in told[2]
