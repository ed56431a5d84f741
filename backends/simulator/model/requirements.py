"""What has to hold before Hyper-V begins with something; each raises the `HostError` of its case."""

from __future__ import annotations

from backends.base import MAX_NAME, VMState
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.host import HostState
from backends.simulator.model.machines import SimulatedCheckpoint, SimulatedVM


def require_free(vm: SimulatedVM) -> None:
    if vm.job or vm.busy_with is not None:
        raise HostError(Case.IN_USE, name=vm.name)


def require_state(vm: SimulatedVM, *states: VMState) -> None:
    if vm.state not in states:
        raise HostError(Case.INVALID_STATE)


def require_name(name: str | None) -> None:
    if name is not None and not 1 <= len(name) <= MAX_NAME:
        raise HostError(Case.NAME_TOO_LONG)


def require_room(host: HostState, vm: SimulatedVM, size: int, command: str, folder: str = "") -> None:
    """Room for `size` more bytes in the folder, or in the VM's own."""
    if host.storage.volume(folder or vm.folder).free < size or host.faults.take(FaultKind.DISK_FULL, command):
        raise HostError(Case.DISK_FULL, name=vm.name, id=vm.id)


def require_files(host: HostState, vm: SimulatedVM, checkpoint: SimulatedCheckpoint) -> None:
    paths = [drive.path for drive in checkpoint.drives if drive.path]
    if any(host.storage.find(path) is None for path in paths):
        raise HostError(Case.FILE_MISSING, name=vm.name, id=vm.id)
