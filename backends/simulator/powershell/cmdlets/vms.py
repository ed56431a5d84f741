"""Get-VM, Set-VM, Get-VMIntegrationService, Get-VMReplication, Measure-VM."""

from __future__ import annotations

from collections.abc import Iterator

from backends.base import CheckpointType
from backends.simulator.model import settings
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import matching, named_vms, target_vms
from backends.simulator.powershell.objects.checkpoints import CheckpointObject
from backends.simulator.powershell.objects.hosts import ReplicationObject
from backends.simulator.powershell.objects.machines import VMObject, vm_objects
from backends.simulator.powershell.objects.services import ServiceObject, service_objects
from backends.simulator.powershell.runtime import Call


@cmdlet("Get-VM")
def get_vms(call: Call) -> Iterator[VMObject]:
    """Without a name all; a name is a pattern. Only this cmdlet calls an unknown name an invalid parameter."""
    if call.parameter_set == "Id":
        yield VMObject(call.host, _by_id(call, call.guids("Id")[0]))
    elif not call.given("Name"):
        yield from vm_objects(call.host)
    else:
        for name in call.texts("Name"):
            yield from (VMObject(call.host, vm) for vm in named_vms(call, name, Case.VM_NAME_INVALID))


def _by_id(call: Call, vm_id: str) -> SimulatedVM:
    """As for a name: that Get-VM calls an unknown id a bad argument too is likely, and not published."""
    try:
        return call.host.vm(vm_id)
    except HostError as error:
        raise HostError(Case.VM_ID_INVALID, id=vm_id) from error


@cmdlet("Set-VM")
def set_vms(call: Call) -> Iterator[VMObject]:
    """Takes up what the model knows: checkpoint type, automatic checkpoints, name, notes, processors, start-up memory.
    Other parameters bind and change nothing."""
    number = call.number("CheckpointType")
    wanted = settings.Settings(
        checkpoint_type=None if number is None else CheckpointType(number),
        automatic_checkpoints=call.flag("AutomaticCheckpointsEnabled")
        if call.given("AutomaticCheckpointsEnabled")
        else None,
        name=call.text("NewVMName"),
        notes=call.text("Notes"),
        processors=call.number("ProcessorCount"),
        memory=call.number("MemoryStartupBytes"),
    )
    for vm in list(target_vms(call, "Name")):
        if not call.should_process():
            continue
        try:
            settings.configure(call.host, vm.id, wanted)
        except HostError as error:
            call.fail(error, target=vm.name)
            continue
        if call.flag("Passthru"):
            yield VMObject(call.host, vm)


@cmdlet("Get-VMIntegrationService")
def get_services(call: Call) -> Iterator[ServiceObject]:
    """Names are in the host's language."""
    vms = [one.vm for one in call.objects("VMSnapshot", CheckpointObject)] or list(target_vms(call))
    patterns = call.texts("Name")
    for vm in vms:
        services = service_objects(call.host, vm)
        yield from (one for one in services if not patterns or any(matching(p, one.name) for p in patterns))


@cmdlet("Get-VMReplication")
def get_replication(call: Call) -> Iterator[ReplicationObject]:
    asked = call.given("VMName") or call.given("VM")
    vms = list(target_vms(call)) if asked else call.host.all()
    for vm in vms:
        if vm.replication is not ReplicationState.DISABLED:
            yield ReplicationObject(call.host, vm)
        elif asked:
            call.fail(HostError(Case.INVALID_STATE), target=vm.name)


@cmdlet("Measure-VM")
def measure(call: Call) -> Iterator[object]:
    """Resource metering is off on every simulated VM."""
    for vm in target_vms(call, "Name"):
        call.fail(HostError(Case.INVALID_STATE), target=vm.name)
    yield from ()
