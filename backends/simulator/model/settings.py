"""What can be set on a simulated VM."""

from __future__ import annotations

from dataclasses import dataclass

from backends.base import CheckpointType, VMState
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.host import HostState
from backends.simulator.model.requirements import require_free, require_state


@dataclass(frozen=True, slots=True)
class Settings:
    """New values; None leaves the old one."""

    checkpoint_type: CheckpointType | None = None
    automatic_checkpoints: bool | None = None
    name: str | None = None
    notes: str | None = None
    processors: int | None = None
    memory: int | None = None


def configure(host: HostState, vm_id: str, settings: Settings) -> None:
    """Works on a running VM, but for processors and memory. Raises `HostError`."""
    with host.moment():
        vm = host.vm(vm_id)
        require_free(vm)
        if settings.processors is not None or settings.memory is not None:
            require_state(vm, VMState.OFF)
        if settings.processors is not None and settings.processors < 1:
            raise HostError(Case.INVALID_PARAMETER, detail="ProcessorCount")
        vm.checkpoint_type = settings.checkpoint_type or vm.checkpoint_type
        vm.name = settings.name or vm.name
        vm.processors = settings.processors or vm.processors
        vm.memory = settings.memory or vm.memory
        if settings.automatic_checkpoints is not None:
            vm.automatic_checkpoints = settings.automatic_checkpoints
        if settings.notes is not None:
            vm.notes = settings.notes
        host.revision += 1
