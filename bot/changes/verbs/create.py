"""Takes a checkpoint, of the VM's own type or of the one that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from backends.base import (
    VM,
    BackendError,
    Checkpoint,
    CheckpointType,
    OperationFailed,
    Progress,
    UnknownOutcome,
    Unreachable,
    VMInventory,
    VMState,
)
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, told, vms_of
from bot.changes.verbs.configure import attempt as configure
from bot.fleet import space
from bot.fleet.growth import KnownGrowth
from commands.base import Create, Target
from commands.base.names import name as called
from commands.kit.words import typed

Kind = Literal["production", "standard", "unknown"]


def perform(execution: Execution, seen: VMInventory, action: Create) -> Outcome:
    taken, kind = take_as(execution, seen, action.name, action.checkpoint_type, "create")
    keep = timedelta(seconds=action.keep) if action.keep else None
    until = execution.steps.step(
        "remember",
        lambda: remember(
            execution,
            seen.vm,
            taken,
            kind=kind,
            reason=action.note,
            keep=keep,
            until=action.until,
            safety=False,
            pinned=action.forever,
        ),
    )
    fell_back = _fell_back(kind, seen.vm, action.checkpoint_type or seen.vm.checkpoint_type)
    done = execution.done(
        "created",
        f"Took {called(taken.name)} of {called(seen.vm.name)}{_kind_words(kind, seen.vm, fell_back)}.",
        {
            "checkpoint": taken.name,
            "kind": kind,
            "fell_back": int(fell_back),
            "until": until.isoformat() if until else None,
        },
        checkpoint_id=taken.id,
    )
    return replace(done, warning=fell_back)


def again(action: Create, targets: Sequence[Target]) -> Words:
    return ("create", *_options(action), "--", vms_of(targets), action.name)


def take_as(
    execution: Execution, seen: VMInventory, name: str, wanted: CheckpointType | None, key: str
) -> tuple[Checkpoint, Kind]:
    """Take a checkpoint of the wanted type. Hyper-V has no parameter for the type: the VM's own policy is set for the
    time, and set back whatever happens in between."""
    policy = seen.vm.checkpoint_type
    execution.steps.step(f"{key}: is there room", lambda: _check_space(execution, seen.vm, wanted or policy))
    if wanted in (None, policy):
        return _take(execution, seen, name, key)
    execution.carry_out(configure(seen.vm.id, f"{key}: set type", checkpoint_type=wanted), seen)
    try:
        return _take(execution, seen, name, key)
    finally:
        _set_type_back(execution, _with_type(seen, wanted), policy, f"{key}: set type back")


def take(before: VMInventory, name: str, key: str, on_progress: Progress | None = None) -> Attempt:
    """Found again by being new since `before`."""
    return Attempt(
        key,
        lambda host: host.create(before.vm.id, name, on_progress=on_progress),
        lambda now: new_checkpoint(before, now, name) is not None,
    )


def new_checkpoint(before: VMInventory, now: VMInventory, name: str) -> Checkpoint | None:
    """The checkpoint that was taken since: the one of that name, or the only new one of a person's kind (naming is not
    atomic: when the host fails half-way, a checkpoint with a default name is left)."""
    known = {c.id for c in before.checkpoints}
    new = [c for c in now.checkpoints if c.id not in known and c.managed_by is None]
    named = [c for c in new if c.name == name]
    found = named or new
    return found[-1] if found else None


def kind_of(before: VMState, taken: Checkpoint) -> Kind:
    """Told by the VM's state before: a checkpoint of a running VM that has no memory is a production one (VMSnapshot's
    own type covers both)."""
    if taken.has_memory:
        return "standard"
    return "production" if before == VMState.RUNNING else "unknown"


def remember(
    execution: Execution,
    vm: VM,
    taken: Checkpoint,
    *,
    kind: Kind,
    reason: str,
    keep: timedelta | None,
    safety: bool,
    pinned: bool = False,
    until: datetime | None = None,
) -> datetime | None:
    """Note in the ledger what the host does not know of a checkpoint. Until when it is kept, where that is said: a
    moment that was named goes before a span."""
    until = until or (execution.now() + keep if keep else None)
    execution.env.ledger.checkpoints.remember(
        taken,
        host=vm.host,
        vm_name=vm.name,
        owner=execution.change.person_id,
        reason=reason,
        kind=kind,
        state_before=vm.state,
        keep_until=until,
        pinned=pinned,
        safety=safety,
        change_id=execution.change.id,
    )
    return until


def _set_type_back(execution: Execution, seen: VMInventory, policy: CheckpointType, key: str) -> None:
    vm = seen.vm
    try:
        execution.set_right(configure(vm.id, key, checkpoint_type=policy), seen)
    except BackendError as error:
        raise told(
            error,
            f"The checkpoint type of {called(vm.name)} is {vm.checkpoint_type.label} now and could not be set back to"
            f" {policy.label}",
            f"Set it by hand; {typed('list', vm.name)} shows whether the checkpoint was taken.",
        ) from error


def _check_space(execution: Execution, vm: VM, checkpoint_type: CheckpointType) -> None:
    volumes = execution.env.backends[vm.host].volumes_of(vm.id)
    rate = KnownGrowth(execution.env.ledger, execution.now).of_vms([vm.id]).get(vm.id)
    space.check(vm, checkpoint_type, volumes, rate.per_day if rate else None)


def _take(execution: Execution, seen: VMInventory, name: str, key: str) -> tuple[Checkpoint, Kind]:
    try:
        after = execution.carry_out(take(seen, name, key, execution.on_progress), seen)
    except (UnknownOutcome, Unreachable):
        raise
    except BackendError as error:
        raise _with_what_is_left(execution, seen, error, name, key) from error
    taken = new_checkpoint(seen, after, name)
    if taken is None:
        raise OperationFailed(
            f"{called(seen.vm.host)} reported no error, but {called(seen.vm.name)} has no new checkpoint.",
            "Checkpoint-VM gave nothing",
        )
    return taken, kind_of(seen.vm.state, taken)


def _with_what_is_left(
    execution: Execution, seen: VMInventory, error: BackendError, name: str, key: str
) -> BackendError:
    """Hyper-V names a checkpoint after it has taken it. Where that failed, it is there under a name of Hyper-V's."""
    try:
        now = execution.look(f"{key}: what is left")
    except UnknownOutcome as unseen:
        return unseen
    except BackendError:
        return error
    left = new_checkpoint(seen, now, name)
    if left is None:
        return error
    return told(
        error,
        f"{called(seen.vm.host)} did not take {called(name)} of {called(seen.vm.name)} as it was asked to",
        f"There is a new checkpoint {called(left.name)}, though, which may be what is left of it.",
    )


def _fell_back(kind: Kind, vm: VM, wanted: CheckpointType) -> bool:
    return kind == "standard" and wanted == CheckpointType.PRODUCTION and vm.state == VMState.RUNNING


def _kind_words(kind: Kind, vm: VM, fell_back: bool) -> str:
    if fell_back:
        return (
            " — as a standard checkpoint: Hyper-V could not take a production one and fell back without an error."
            " Look at VSS in the guest before you rely on it"
        )
    return f" ({kind})" if kind != "unknown" else f" (the VM was {vm.state.label})"


def _with_type(seen: VMInventory, checkpoint_type: CheckpointType | None) -> VMInventory:
    return replace(seen, vm=replace(seen.vm, checkpoint_type=checkpoint_type or seen.vm.checkpoint_type))


def _options(action: Create) -> Words:
    """Production or nothing is none of them: it comes from the settings."""
    kind = action.checkpoint_type
    options = [f"--type={kind.label}"] if kind in (CheckpointType.PRODUCTION, CheckpointType.STANDARD) else []
    if action.until:
        options.append(f"--keep={action.until.astimezone(UTC):%Y-%m-%dT%H:%MZ}")
    elif action.keep:
        days, seconds = divmod(int(action.keep), 86400)
        options.append(f"--keep={days}d{seconds}s")
    if action.forever:
        options.append("--keep=forever")
    return *options, *([f"--note={action.note}"] if action.note else [])


verb = Verb(Create, "take checkpoints of", perform, again)
