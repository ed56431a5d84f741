"""`VMSnapshot`: a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backends.base import VMState
from backends.simulator.model.enums import HYPERV, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedCheckpoint, SimulatedVM
from backends.simulator.model.storage import CONFIGURATION_FILES
from backends.simulator.powershell.objects.base import Getters, guid, state
from backends.simulator.powershell.objects.shared import BASE_GETTERS, BASE_TYPES, VirtualMachineBase


@dataclass(frozen=True, slots=True)
class OwnedCheckpoint:
    vm: SimulatedVM
    checkpoint: SimulatedCheckpoint


class CheckpointObject(VirtualMachineBase[OwnedCheckpoint]):
    """`Microsoft.HyperV.PowerShell.VMSnapshot`."""

    type_names: ClassVar[tuple[str, ...]] = (HYPERV + "VMSnapshot", *BASE_TYPES)

    @property
    def vm(self) -> SimulatedVM:
        return self.model.vm

    @property
    def checkpoint(self) -> SimulatedCheckpoint:
        return self.model.checkpoint

    @property
    def frozen(self) -> SimulatedCheckpoint:
        return self.model.checkpoint

    @property
    def text(self) -> str:
        return f"VMSnapshot (Name = '{self.checkpoint.name}') [Id = '{self.checkpoint.id}', VMId = '{self.vm.id}']"


CHECKPOINT_GETTERS: Getters[CheckpointObject] = {
    "SnapshotType": lambda o: enum_value(HYPERV + "SnapshotType", o.checkpoint.type),
    "IsAutomaticCheckpoint": lambda o: o.checkpoint.automatic,
    "VMId": lambda o: guid(o.vm.id),
    "VMName": lambda o: o.vm.name,
    "State": lambda o: state(VMState.SAVED if o.checkpoint.has_memory else VMState.OFF),
    "SizeOfSystemFiles": lambda o: CONFIGURATION_FILES + o.checkpoint.memory,
    "Id": lambda o: guid(o.checkpoint.id),
    "Name": lambda o: o.checkpoint.name,
    "IsDeleted": lambda o: o.checkpoint.id not in o.vm.checkpoints,
}

CheckpointObject.getters = {**CHECKPOINT_GETTERS, **BASE_GETTERS}


def checkpoint_objects(host: SimulatedHost, vm: SimulatedVM) -> list[CheckpointObject]:
    """A VM's checkpoints, oldest first."""
    with host.moment():
        return [CheckpointObject(host, OwnedCheckpoint(vm, one)) for one in vm.ordered()]
