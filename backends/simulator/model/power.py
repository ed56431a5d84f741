"""What Hyper-V does with a VM's power: start, stop, save, pause, resume."""

from __future__ import annotations

from backends.base import CheckpointType, VMState
from backends.simulator.model import forks, merging
from backends.simulator.model.checkpoints import default_name, drop, freeze
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.host import HostState
from backends.simulator.model.machines import Job, JobKind, SimulatedVM, Vss
from backends.simulator.model.requirements import require_free, require_room, require_state


def start(host: HostState, vm_id: str) -> Job | None:
    """Start it, from its saved state if it has one. None when it runs already. Raises `HostError`."""
    with host.moment() as now:
        vm = host.vm(vm_id)
        if vm.running:
            return None
        require_free(vm)
        require_state(vm, VMState.OFF, VMState.SAVED)
        ends = now + host.seconds(host.durations.start)
        job = Job(JobKind.START, now, ends, state_before=vm.state)
        vm.state = VMState.STARTING
        return host.begin(vm, job)


def complete_start(host: HostState, vm: SimulatedVM, job: Job) -> None:
    forks.roll_back(host, vm, "start")
    vm.state = VMState.RUNNING
    vm.started = job.ends
    host.storage.give_back(vm.id)
    wanted = vm.automatic_checkpoints and vm.checkpoint_type is not CheckpointType.DISABLED
    if wanted and job.state_before is VMState.OFF:
        name = default_name(host, vm, "automatic-name", job.ends)
        freeze(host, vm, host.new_id(), name, job.ends, automatic=True)


def stop(host: HostState, vm_id: str, *, turn_off: bool = False) -> Job | None:
    """Shut the guest down, or pull its plug. None when it is off already. Raises `HostError`."""
    with host.moment() as now:
        vm = host.vm(vm_id)
        if vm.state is VMState.OFF:
            return None
        require_free(vm)
        if not turn_off:
            require_state(vm, VMState.RUNNING)
            if vm.vss is Vss.NO_CONTACT:
                raise HostError(Case.NO_CONTACT, name=vm.name)
        ends = now + (0.0 if turn_off else host.seconds(host.durations.stop))
        job = Job(JobKind.STOP, now, ends, state_before=vm.state)
        vm.state = VMState.STOPPING
        return host.begin(vm, job)


def complete_stop(host: HostState, vm: SimulatedVM, job: Job) -> None:
    vm.state = VMState.OFF
    vm.started = None
    host.storage.give_back(vm.id)
    for checkpoint in [one for one in vm.checkpoints.values() if one.automatic]:
        drop(host, vm, checkpoint)
    merging.plan(host, vm, job.ends)


def save(host: HostState, vm_id: str) -> Job | None:
    """Save its memory and stop it there. None when it is saved already. Raises `HostError`."""
    with host.moment() as now:
        vm = host.vm(vm_id)
        if vm.state is VMState.SAVED:
            return None
        require_free(vm)
        require_state(vm, VMState.RUNNING, VMState.PAUSED)
        require_room(host, vm, vm.memory, "Save-VM")
        ends = now + host.seconds(vm.memory / host.durations.memory_rate)
        job = Job(JobKind.SAVE, now, ends, state_before=vm.state)
        vm.state = VMState.SAVING
        return host.begin(vm, job)


def complete_save(host: HostState, vm: SimulatedVM, _job: Job) -> None:
    vm.state = VMState.SAVED
    vm.started = None
    host.storage.take(vm.id, vm.folder, vm.memory)


def suspend(host: HostState, vm_id: str) -> bool:
    """Pause it. False when it is paused already. Raises `HostError`."""
    return _switch(host, vm_id, VMState.RUNNING, VMState.PAUSED)


def resume(host: HostState, vm_id: str) -> bool:
    """Let a paused VM run. False when it runs already. Raises `HostError`."""
    return _switch(host, vm_id, VMState.PAUSED, VMState.RUNNING)


def discard_saved_state(host: HostState, vm_id: str) -> None:
    """Throw away the saved memory: a saved VM is off then, and another is left alone. Raises `HostError`."""
    with host.moment():
        vm = host.vm(vm_id)
        require_free(vm)
        if vm.state is VMState.SAVED:
            vm.state = VMState.OFF
            host.storage.give_back(vm.id)
            host.revision += 1


def _switch(host: HostState, vm_id: str, before: VMState, after: VMState) -> bool:
    with host.moment():
        vm = host.vm(vm_id)
        if vm.state is after:
            return False
        require_free(vm)
        require_state(vm, before)
        vm.state = after
        host.revision += 1
        return True
