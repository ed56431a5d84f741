"""What each verb does on a VM, step by step, and what is said of it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from backends.base import (
    MAX_NAME,
    VM,
    BackendError,
    Checkpoint,
    CheckpointType,
    OperationFailed,
    UnknownOutcome,
    Unreachable,
    VMInventory,
    VMState,
)
from bot.changes import attempt as steps
from bot.changes.outcome import Outcome, Work
from bot.fleet import space as room
from bot.ledger import ChangeState
from commands.base import Action, Apply, Configure, Create, Delete, Export, Keep, Rename

GROWTH_OVER = timedelta(days=7)
"""The time over which a VM's growth is taken."""

Kind = Literal["production", "standard", "unknown"]


def carry_out(work: Work, seen: VMInventory, action: Action) -> Outcome:
    """Do what the plan says to the VM that was `seen`. Raises `BackendError`."""
    match action:
        case Create():
            outcome = create(work, seen, action)
        case Apply():
            outcome = apply(work, seen, action)
        case Delete():
            outcome = delete(work, seen, action)
        case Rename():
            outcome = rename(work, seen, action)
        case Export():
            outcome = export(work, seen, action)
        case Configure():
            outcome = configure(work, seen, action)
        case Keep():
            outcome = keep(work, action)
    return outcome


def create(work: Work, seen: VMInventory, action: Create) -> Outcome:
    taken, kind = _take_as(work, seen, action.name, action.checkpoint_type, "create")
    keep = timedelta(seconds=action.keep) if action.keep else None
    work.journal.step(
        "remember", lambda: _remember(work, seen.vm, taken, kind=kind, reason=action.note, keep=keep, safety=False)
    )
    wanted = action.checkpoint_type or seen.vm.checkpoint_type
    return work.done(
        f"Took {taken.name} of {seen.vm.name}{_kind_words(kind, seen.vm, wanted)}.", checkpoint_id=taken.id
    )


def _take_as(
    work: Work, seen: VMInventory, name: str, wanted: CheckpointType | None, key: str
) -> tuple[Checkpoint, Kind]:
    """Take a checkpoint of the wanted type. Hyper-V has no parameter for the type: the VM's own policy is set for the
    time, and set back whatever happens in between."""
    policy = seen.vm.checkpoint_type
    work.journal.step(f"{key}: is there room", lambda: _check_room(work, seen.vm, wanted or policy))
    if wanted in (None, policy):
        return _take(work, seen, name, key)
    work.carry_out(steps.configure(seen.vm.id, f"{key}: set type", checkpoint_type=wanted), seen)
    try:
        return _take(work, seen, name, key)
    finally:
        _set_type_back(work, _with_type(seen, wanted), policy, f"{key}: set type back")


def _set_type_back(work: Work, seen: VMInventory, policy: CheckpointType, key: str) -> None:
    vm = seen.vm
    try:
        work.set_right(steps.configure(vm.id, key, checkpoint_type=policy), seen)
    except BackendError as error:
        raise _told(
            error,
            f"The checkpoint type of {vm.name} is {vm.checkpoint_type.label} now and could not be set back to"
            f" {policy.label}",
            f"Set it by hand; /checkpoint list {vm.name} shows whether the checkpoint was taken.",
        ) from error


def _told(error: BackendError, before: str, after: str) -> BackendError:
    """The same error where something had been changed before it."""
    return type(error)(f"{before}: {error.sentence.replace(' Nothing was changed.', '')} {after}", error.cause)


def _check_room(work: Work, vm: VM, checkpoint_type: CheckpointType) -> None:
    volumes = work.means.backends[vm.host].volumes_of(vm.id)
    growth = work.means.ledger.samples.growth(work.now() - GROWTH_OVER, [vm.id]).get(vm.id)
    room.check(vm, checkpoint_type, volumes, growth.bytes_per_day if growth else None)


def _take(work: Work, seen: VMInventory, name: str, key: str) -> tuple[Checkpoint, Kind]:
    try:
        after = work.carry_out(steps.take(seen, name, key, work.on_progress), seen)
    except (UnknownOutcome, Unreachable):
        raise
    except BackendError as error:
        raise _with_what_is_left(work, seen, error, name, key) from error
    taken = steps.new_checkpoint(seen, after, name)
    if taken is None:
        raise OperationFailed(
            f"{seen.vm.host} reported no error, but {seen.vm.name} has no new checkpoint.", "Checkpoint-VM gave nothing"
        )
    return taken, kind_of(seen.vm.state, taken)


def _with_what_is_left(work: Work, seen: VMInventory, error: BackendError, name: str, key: str) -> BackendError:
    """Hyper-V names a checkpoint after it has taken it. Where that failed, it is there under a name of Hyper-V's."""
    try:
        now = work.look(f"{key}: what is left")
    except UnknownOutcome as unseen:
        return unseen
    except BackendError:
        return error
    left = steps.new_checkpoint(seen, now, name)
    if left is None:
        return error
    return _told(
        error,
        f"{seen.vm.host} did not take {name} of {seen.vm.name} as it was asked to",
        f"There is a new checkpoint {left.name}, though, which may be what is left of it.",
    )


def kind_of(before: VMState, taken: Checkpoint) -> Kind:
    """Told by the VM's state before: a checkpoint of a running VM that has no memory is a production one (VMSnapshot's
    own type covers both)."""
    if taken.has_memory:
        return "standard"
    return "production" if before == VMState.RUNNING else "unknown"


def _kind_words(kind: str, vm: VM, wanted: CheckpointType | None) -> str:
    if kind == "standard" and wanted == CheckpointType.PRODUCTION and vm.state == VMState.RUNNING:
        return (
            " — as a standard checkpoint: Hyper-V could not take a production one and fell back without an error."
            " Look at VSS in the guest before you rely on it"
        )
    return f" ({kind})" if kind != "unknown" else f" (the VM was {vm.state.label})"


def _with_type(seen: VMInventory, checkpoint_type: CheckpointType | None) -> VMInventory:
    return replace(seen, vm=replace(seen.vm, checkpoint_type=checkpoint_type or seen.vm.checkpoint_type))


def apply(work: Work, seen: VMInventory, action: Apply) -> Outcome:
    target, vm = work.target, seen.vm
    was_running = vm.state == VMState.RUNNING
    safety = _take_safety(work, seen, action) if action.safety else None
    after = _put_back(work, vm, safety)
    kept = f" What it was before is kept as {safety.name}." if safety else ""
    back = work.done("", safety_id=safety.id if safety else None)
    if was_running and action.start and after.vm.state in (VMState.OFF, VMState.SAVED):
        try:
            after = _start_again(work, after)
        except BackendError as error:
            state = ChangeState.UNKNOWN if isinstance(error, UnknownOutcome) else ChangeState.FAILED
            return replace(back, state=state, sentence=f"{error.sentence}{kept}", cause=error.cause)
    return replace(
        back, sentence=f"{vm.name} is back at {target.checkpoint_name}, and is {after.vm.state.label}.{kept}"
    )


def _put_back(work: Work, vm: VM, safety: Checkpoint | None) -> VMInventory:
    try:
        before = work.journal.step("look before", lambda: work.means.fleet.look(vm.id, disks=True))
        return work.carry_out(steps.apply(before, work.checkpoint_id(), work.on_progress), before)
    except UnknownOutcome as lost:
        if safety is None:
            raise
        raise type(lost)(f"{lost.sentence} The safety checkpoint {safety.name} had been taken.", lost.cause) from lost
    except BackendError as error:
        if safety is None:
            raise
        raise _told(
            error,
            f"{vm.name} was not put back to {work.target.checkpoint_name}",
            f"The safety checkpoint {safety.name} had been taken, and stays.",
        ) from error


def _take_safety(work: Work, seen: VMInventory, action: Apply) -> Checkpoint:
    name = safety_name(work.row.created_at, str(work.target.checkpoint_name))
    try:
        taken, kind = _take_as(work, seen, name, None, "safety")
    except UnknownOutcome:
        raise
    except BackendError as error:
        raise type(error)(
            f"The safety checkpoint of {seen.vm.name} could not be taken, so nothing was applied: {error.sentence}",
            error.cause,
        ) from error
    keep = timedelta(seconds=action.keep_safety)
    reason = f"before applying {work.target.checkpoint_name}"
    work.journal.step(
        "remember safety", lambda: _remember(work, seen.vm, taken, kind=kind, reason=reason, keep=keep, safety=True)
    )
    return taken


def safety_name(asked_at: datetime, checkpoint_name: str) -> str:
    """The same on every VM of a group, and within Hyper-V's limit also where that counts UTF-16 units."""
    name = f"safety {asked_at:%Y-%m-%d %H:%M:%S} before {checkpoint_name}"
    while len(name.encode("utf-16-le")) // 2 > MAX_NAME:
        name = name[:-1]
    return name.rstrip()


def _start_again(work: Work, after: VMInventory) -> VMInventory:
    try:
        return work.set_right(steps.start(after.vm.id), after)
    except BackendError as error:
        raise _told(
            error,
            f"{after.vm.name} is back at {work.target.checkpoint_name}, but it could not be started again and is"
            f" {after.vm.state.label}",
            "Start it by hand.",
        ) from error


def delete(work: Work, seen: VMInventory, action: Delete) -> Outcome:
    checkpoint_id = work.checkpoint_id()
    gone = len(seen.subtree(checkpoint_id)) if action.subtree else 1
    before = work.journal.step("look before", lambda: work.means.fleet.look(seen.vm.id, disks=True))
    after = work.carry_out(steps.delete(checkpoint_id, subtree=action.subtree, on_progress=work.on_progress), before)
    more = f" and {gone - 1} under it" if gone > 1 else ""
    merging = " Its disks are being merged in the background." if after.vm.merging else ""
    return replace(
        work.done(f"Deleted {work.target.checkpoint_name}{more} of {seen.vm.name}.{merging}"),
        bytes_before=bytes_on_disk(before),
    )


def bytes_on_disk(seen: VMInventory) -> int | None:
    """Bytes that the VM's files take, frozen ones included; None where they cannot be seen."""
    return sum(disk.file_size for disk in seen.disks) if seen.disks else None


def rename(work: Work, seen: VMInventory, action: Rename) -> Outcome:
    work.carry_out(steps.rename(work.checkpoint_id(), action.name), seen)
    return work.done(f"{work.target.checkpoint_name} of {seen.vm.name} is called {action.name} now.")


def export(work: Work, seen: VMInventory, action: Export) -> Outcome:
    work.carry_out(steps.export(work.checkpoint_id(), action.path, work.on_progress), seen)
    return work.done(f"Exported {work.target.checkpoint_name} of {seen.vm.name} to {action.path} on {seen.vm.host}.")


def configure(work: Work, seen: VMInventory, action: Configure) -> Outcome:
    step = steps.configure(seen.vm.id, "configure", checkpoint_type=action.checkpoint_type, automatic=action.automatic)
    vm = work.carry_out(step, seen).vm
    automatic = "on" if vm.automatic_checkpoints else "off"
    return work.done(f"{vm.name} takes {vm.checkpoint_type.label} checkpoints; automatic ones are {automatic}.")


def keep(work: Work, action: Keep) -> Outcome:
    target = work.target
    work.journal.step("keep", lambda: work.means.ledger.checkpoints.keep(target, action.until))
    until = f"until {action.until:%Y-%m-%d %H:%M} UTC" if action.until else "forever"
    return work.done(f"{target.checkpoint_name} of {target.vm_name} is kept {until}.")


def _remember(
    work: Work,
    vm: VM,
    taken: Checkpoint,
    *,
    kind: Kind,
    reason: str,
    keep: timedelta | None,
    safety: bool,
) -> None:
    row = work.row
    work.means.ledger.checkpoints.remember(
        taken,
        host=vm.host,
        vm_name=vm.name,
        owner=row.person_id,
        reason=reason,
        kind=kind,
        state_before=vm.state,
        keep_until=work.now() + keep if keep else None,
        safety=safety,
        change_id=work.change_id,
    )
