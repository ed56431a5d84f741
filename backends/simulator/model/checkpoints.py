"""What Hyper-V does with checkpoints: create, apply, remove, rename, export.

Each operation checks under the host's lock, then begins a job; the `complete_` functions carry it out at its end.
Sources: Hyper-V's reference of the cmdlets, and its published rules on production checkpoints.
"""

from __future__ import annotations

import ntpath
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backends.base import MAX_CHECKPOINTS, MAX_NAME, CheckpointType, SnapshotType, VMState
from backends.simulator.model import forks, merging
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.host import HostState
from backends.simulator.model.machines import Drive, Job, JobKind, SimulatedCheckpoint, SimulatedVM, Vss
from backends.simulator.model.requirements import require_files, require_free, require_name, require_room, require_state
from backends.simulator.model.storage import NEW_DIFFERENCING, DiskFile
from backends.simulator.model.texts import text

SETTLED_STATES = (VMState.RUNNING, VMState.OFF, VMState.SAVED, VMState.PAUSED)


def create(host: HostState, vm_id: str, name: str | None = None) -> Job:
    """Take a checkpoint; without a name it gets Hyper-V's own. The job's `checkpoint_id` is the new one's.

    Raises `HostError`: disabled, busy, wrong state, 50 reached, pass-through disk, no production checkpoint to be had
    where only that is allowed, no room.
    """
    with host.moment() as now:
        vm = host.vm(vm_id)
        if vm.checkpoint_type is CheckpointType.DISABLED:
            raise HostError(Case.DISABLED, name=vm.name, id=vm.id)
        require_free(vm)
        require_state(vm, *SETTLED_STATES)
        if len(vm.checkpoints) >= MAX_CHECKPOINTS:
            raise HostError(Case.LIMIT, name=vm.name)
        if any(drive.disk_number is not None for drive in vm.drives):
            raise HostError(Case.PASS_THROUGH, name=vm.name)
        require_name(name)
        has_memory = _with_memory(host, vm)
        memory = vm.memory if has_memory else 0
        require_room(host, vm, memory + NEW_DIFFERENCING * len(vm.drives), "Checkpoint-VM")
        fork = host.faults.take(FaultKind.FORK, "Checkpoint-VM") if vm.running else None
        took = host.seconds(host.durations.create + memory / host.durations.memory_rate)
        job = Job(
            JobKind.CREATE,
            now,
            now + took,
            checkpoint_id=host.new_id(),
            name=name or default_name(host, vm, "default-name", now),
            has_memory=has_memory,
            fails=(fork.code or forks.COMMIT_FORKS) if fork else 0,
        )
        return host.begin(vm, job)


def complete_create(host: HostState, vm: SimulatedVM, job: Job) -> None:
    forks.roll_back(host, vm, "create")
    if job.fails:
        forks.fail(host, vm, [_over(host, drive) for drive in vm.drives], job.ends, job.fails)
        return
    freeze(host, vm, job.checkpoint_id, job.name, job.started, has_memory=job.has_memory)


def apply(host: HostState, checkpoint_id: str) -> Job:
    """Put the VM back. A running or paused one is saved first, which takes time and room.

    Raises `HostError`: not found, busy, disks being merged, wrong state, no room.
    """
    with host.moment() as now:
        vm, checkpoint = host.checkpoint(checkpoint_id)
        require_free(vm)
        require_state(vm, *SETTLED_STATES)
        if vm.merge:
            raise HostError(Case.MERGE_PENDING, name=vm.name)
        require_files(host, vm, checkpoint)
        saves = vm.memory if vm.state in (VMState.RUNNING, VMState.PAUSED) else 0
        require_room(host, vm, saves + NEW_DIFFERENCING * len(vm.drives), "Restore-VMSnapshot")
        took = host.seconds(host.durations.apply + saves / host.durations.memory_rate)
        job = Job(JobKind.APPLY, now, now + took, checkpoint_id=checkpoint.id, state_before=vm.state)
        if saves:
            vm.state = VMState.SAVING
        return host.begin(vm, job)


def complete_apply(host: HostState, vm: SimulatedVM, job: Job) -> None:
    """Throw the present disks away for new ones over the frozen ones, and take up the state that the table says:
    running again only when the VM was running and the checkpoint has its memory."""
    checkpoint = vm.checkpoints[job.checkpoint_id]
    forks.roll_back(host, vm, "apply")
    for drive in vm.drives:
        if drive.path:
            host.storage.remove(drive.path)
    vm.drives = [_over(host, drive) for drive in checkpoint.drives]
    vm.parent_id = checkpoint.id
    if not checkpoint.has_memory:
        vm.state = VMState.OFF
    elif job.state_before is VMState.RUNNING:
        vm.state = VMState.RUNNING
    else:
        vm.state = VMState.SAVED
    vm.started = job.ends if vm.running else None
    host.storage.take(vm.id, vm.folder, checkpoint.memory if vm.state is VMState.SAVED else 0)
    merging.plan(host, vm, job.ends)


def remove(host: HostState, checkpoint_id: str, *, subtree: bool = False) -> Job:
    """Remove it, and with `subtree` all under it; its children move up. The merge follows in the background.

    Raises `HostError`: not found, busy, a disk of it missing.
    """
    with host.moment() as now:
        vm, checkpoint = host.checkpoint(checkpoint_id)
        require_free(vm)
        require_files(host, vm, checkpoint)
        ends = now + host.seconds(host.durations.remove)
        return host.begin(vm, Job(JobKind.REMOVE, now, ends, checkpoint_id=checkpoint.id, subtree=subtree))


def complete_remove(host: HostState, vm: SimulatedVM, job: Job) -> None:
    top = job.checkpoint_id
    forks.roll_back(host, vm, "remove")
    doomed = vm.subtree(top) if job.subtree else [vm.checkpoints[top]]
    for checkpoint in reversed(doomed):
        drop(host, vm, checkpoint)
    merging.plan(host, vm, job.ends)


def rename(host: HostState, checkpoint_id: str, name: str) -> None:
    """Raises `HostError`: not found, busy, a name that is empty or longer than 100 characters."""
    with host.moment():
        vm, checkpoint = host.checkpoint(checkpoint_id)
        require_free(vm)
        require_name(name)
        checkpoint.name = name
        host.revision += 1


def export(host: HostState, checkpoint_id: str, path: str) -> Job:
    """Copy it as a VM to a folder of its own under `path`.

    Raises `HostError`: not found, busy, disks being merged, the folder exists, no room.
    """
    with host.moment() as now:
        vm, checkpoint = host.checkpoint(checkpoint_id)
        require_free(vm)
        if vm.merge:
            raise HostError(Case.MERGE_PENDING, name=vm.name)
        folder = ntpath.join(path, vm.name)
        if host.storage.holds_folder(folder):
            raise HostError(Case.FILE_EXISTS, path=folder)
        size = export_size(host, checkpoint)
        require_room(host, vm, size, "Export-VMSnapshot", folder)
        ends = now + host.seconds(size / host.durations.copy_rate)
        return host.begin(vm, Job(JobKind.EXPORT, now, ends, checkpoint_id=checkpoint.id, path=folder))


def complete_export(host: HostState, vm: SimulatedVM, job: Job) -> None:
    size = export_size(host, vm.checkpoints[job.checkpoint_id])
    host.storage.take(f"export {job.checkpoint_id} {job.started}", job.path, size)


def export_size(host: HostState, checkpoint: SimulatedCheckpoint) -> int:
    """Bytes of the whole chains of its disks, and of its memory."""
    chains = [file for drive in checkpoint.drives for file in _chain(host, drive)]
    return checkpoint.memory + sum(file.file_size for file in chains)


def freeze(
    host: HostState,
    vm: SimulatedVM,
    checkpoint_id: str,
    name: str,
    at: float,
    *,
    has_memory: bool = False,
    automatic: bool = False,
    type: SnapshotType = SnapshotType.STANDARD,
) -> SimulatedCheckpoint:
    """Make the checkpoint at once: the present disks freeze, writes go to new files over them."""
    checkpoint = SimulatedCheckpoint(
        id=checkpoint_id,
        name=name,
        created=host.wall_time(at),
        parent_id=vm.parent_id,
        type=type,
        automatic=automatic,
        has_memory=has_memory,
        memory=vm.memory if has_memory else 0,
        drives=tuple(vm.drives),
    )
    vm.checkpoints[checkpoint.id] = checkpoint
    vm.parent_id = checkpoint.id
    vm.drives = [_over(host, drive) for drive in vm.drives]
    host.storage.take(checkpoint.id, vm.folder, checkpoint.memory)
    return checkpoint


def drop(host: HostState, vm: SimulatedVM, checkpoint: SimulatedCheckpoint) -> None:
    """Forget the checkpoint: what hung on it hangs on its parent. `merging.plan` sees to its disks."""
    for child in vm.children(checkpoint.id):
        child.parent_id = checkpoint.parent_id
    if vm.parent_id == checkpoint.id:
        vm.parent_id = checkpoint.parent_id
    host.storage.give_back(checkpoint.id)
    del vm.checkpoints[checkpoint.id]


def default_name(host: HostState, vm: SimulatedVM, key: str, at: float) -> str:
    """Hyper-V's own name for a checkpoint, in the host's language and local time."""
    moment = datetime.fromtimestamp(host.wall_time(at), UTC) + timedelta(minutes=host.spec.utc_offset)
    name = text(
        host.spec.language,
        key,
        name=vm.name,
        year=moment.year,
        month=moment.month,
        day=moment.day,
        hour=moment.hour,
        hour12=moment.hour % 12 or 12,
        half="AM" if moment.hour < 12 else "PM",
        minute=moment.minute,
        second=moment.second,
    )
    return name[:MAX_NAME]


def _with_memory(host: HostState, vm: SimulatedVM) -> bool:
    """Whether the new checkpoint holds memory: it does when it is a standard one of a VM that is not off. `PRODUCTION`
    falls back to that without a word when no production checkpoint can be had; `PRODUCTION_ONLY` fails."""
    if vm.state is VMState.OFF:
        return False
    if vm.checkpoint_type is not CheckpointType.STANDARD:
        if vm.running and vm.vss is Vss.OK and not host.faults.take(FaultKind.VSS, "Checkpoint-VM"):
            return False
        if vm.checkpoint_type is CheckpointType.PRODUCTION_ONLY:
            raise HostError(Case.PRODUCTION_FAILED, name=vm.name, id=vm.id)
    if vm.assigned_device:
        raise HostError(Case.ASSIGNED_DEVICE, name=vm.name)
    return True


def _over(host: HostState, drive: Drive) -> Drive:
    """The drive, writing to a new file over its frozen one."""
    frozen = host.storage.find(drive.path) if drive.path else None
    return replace(drive, path=host.storage.differencing(frozen, host.new_id(), host.clock()).path) if frozen else drive


def _chain(host: HostState, drive: Drive) -> list[DiskFile]:
    files: list[DiskFile] = []
    path = drive.path
    while path and (file := host.storage.find(path)):
        files.append(file)
        path = file.parent
    return files
