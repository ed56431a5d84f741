"""Carries out a change on one VM: check, the steps of its verb, what the ledger should know, what to say of it.

Nothing here knows how durable steps are kept: a `Journal` runs each of them once, also over a crash. So the order of
the steps stands here, and is tested without any database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from backends.base import (
    VM,
    Backend,
    BackendError,
    Checkpoint,
    CheckpointType,
    OperationFailed,
    UnknownOutcome,
    VMInventory,
    VMState,
)
from bot import steps
from bot.ledger import ChangeRow, ChangeState, IllegalMove, Ledger
from commands.base import Apply, Configure, Create, Delete, Export, Keep, Picture, Plan, Rename, Target

T = TypeVar("T")

EXACT = frozenset({"apply", "delete"})
"""Verbs that are carried out only on the very picture that was confirmed."""


Awaits = Literal["confirmation", "approval"]
"""Whose answer a change needs: the person's own, or somebody else's."""

CANCELLED = "Cancelled before it began. Nothing was changed."


class Denial(Exception):
    """The change is not allowed. `sentence` is for the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def plan_of(row: ChangeRow) -> Plan:
    """The plan of a change that was asked for with one. Raises LookupError for a refusal without any."""
    if row.plan is None:
        raise LookupError(f"change {row.id} has no plan")
    return row.plan


class Journal(Protocol):
    """Runs steps durably: a step that has ended gives the same result, or the same error, when it is run again."""

    def step(self, name: str, act: Callable[[], T]) -> T: ...

    def sleep(self, seconds: float) -> None: ...


class Looks(Protocol):
    """Where a VM is looked up as it is now, wherever in the fleet it lives by now."""

    def look(self, vm_id: str, *, disks: bool = False) -> VMInventory: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change on one VM."""

    vm_id: str
    vm_name: str
    state: ChangeState
    sentence: str
    cause: str = ""
    checkpoint_id: str | None = None
    safety_id: str | None = None
    """The checkpoint that was taken before an apply."""


class NotNow(Exception):
    """The change may not be carried out on this VM any more; nothing was touched."""

    def __init__(self, state: ChangeState, sentence: str) -> None:
        super().__init__(state, sentence)
        self.state = state
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Performer:
    """Carries out changes on single VMs."""

    backends: Mapping[str, Backend]
    fleet: Looks
    ledger: Ledger
    clock: Callable[[], datetime]
    authorise: Callable[[ChangeRow], Awaits | None]
    """Raises `Denial` when the change is not allowed any more."""
    show: Callable[[str], None]
    """Bring the change's message up to date."""
    progress: Callable[[str, str, int], None]
    """Told change id, VM id and percentage."""
    patience: float = steps.PATIENCE

    def perform(self, journal: Journal, change_id: str, target: Target) -> Outcome:
        """Carry out the change on one VM. Never raises for what a host did: that is in the outcome."""

        def ended(state: ChangeState, sentence: str, cause: str = "") -> Outcome:
            return Outcome(target.vm_id, target.vm_name, state, sentence, cause)

        try:
            seen = journal.step("check", lambda: self._check(change_id, target))
            return self._act(_Work(self, journal, change_id, target), seen)
        except NotNow as reason:
            return ended(reason.state, reason.sentence)
        except UnknownOutcome as lost:
            return ended(ChangeState.UNKNOWN, lost.sentence, lost.cause)
        except BackendError as error:
            return ended(ChangeState.FAILED, error.sentence, error.cause)

    def _check(self, change_id: str, target: Target) -> VMInventory:
        row = self._row(change_id)
        if row.state == ChangeState.CANCELLED:
            raise NotNow(ChangeState.CANCELLED, CANCELLED)
        try:
            self.authorise(row)
        except Denial as denial:
            raise NotNow(ChangeState.DENIED, denial.sentence) from denial
        seen = self.fleet.look(target.vm_id)
        _compare(row, target, seen)
        self._begin(change_id, target)
        return seen

    def _begin(self, change_id: str, target: Target) -> None:
        """From here on the change cannot be cancelled. Of several VMs the first one begins it for all."""
        if self._row(change_id).state != ChangeState.QUEUED:
            return
        try:
            self.ledger.move(change_id, ChangeState.RUNNING, by="bot", why=f"began on {target.vm_name}")
        except IllegalMove:
            if self._row(change_id).state == ChangeState.CANCELLED:
                raise NotNow(ChangeState.CANCELLED, CANCELLED) from None
            raise

    def _act(self, work: _Work, seen: VMInventory) -> Outcome:
        match plan_of(self._row(work.change_id)).action:
            case Create() as action:
                return _create(work, seen, action)
            case Apply() as action:
                return _apply(work, seen, action)
            case Delete() as action:
                return _delete(work, seen, action)
            case Rename() as action:
                return _rename(work, seen, action)
            case Export() as action:
                return _export(work, seen, action)
            case Configure() as action:
                return _configure(work, seen, action)
            case Keep() as action:
                return _keep(work, action)

    def _row(self, change_id: str) -> ChangeRow:
        row = self.ledger.change(change_id)
        if row is None:
            raise LookupError(f"the ledger has no change {change_id}")
        return row


def _compare(row: ChangeRow, target: Target, seen: VMInventory) -> None:
    if row.verb in EXACT:
        moved = difference(target.picture, Picture.of(seen))
        if moved:
            raise NotNow(
                ChangeState.VOID, f"{target.vm_name} is not as it was when you asked: {moved}. Nothing was done."
            )
    if target.checkpoint_id and seen.checkpoint(target.checkpoint_id) is None:
        raise NotNow(
            ChangeState.VOID, f"The checkpoint {target.checkpoint_name} of {target.vm_name} has gone. Nothing was done."
        )


def difference(asked: Picture, now: Picture) -> str:
    """What moved between two pictures, as a clause; empty when nothing did."""
    return "; ".join(_differences(asked, now))


def _differences(asked: Picture, now: Picture) -> Iterator[str]:
    if asked.host != now.host:
        yield f"it moved from {asked.host} to {now.host}"
    if asked.state != now.state:
        yield f"it was {VMState(asked.state).label} and is {VMState(now.state).label} now"
    before = {id: (parent, name) for id, parent, name in asked.tree}
    after = {id: (parent, name) for id, parent, name in now.tree}
    for id, (_, name) in before.items():
        if id not in after:
            yield f"the checkpoint {name} has gone"
        elif after[id][1] != name:
            yield f"the checkpoint {name} is called {after[id][1]} now"
        elif after[id][0] != before[id][0]:
            yield f"the checkpoint {name} hangs under another one now"
    for id, (_, name) in after.items():
        if id not in before:
            yield f"there is a new checkpoint {name}"


# ---------------------------------------------------------------- one VM's work


SETTLE_PAUSES = (5.0, 10.0, 30.0, *(60.0,) * 10, *(300.0,) * 280)
"""Seconds between looks at a host after an action was lost there: a day in all. Meanwhile nothing else runs on the VM."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What the steps on one VM share."""

    performer: Performer
    journal: Journal
    change_id: str
    target: Target

    @property
    def row(self) -> ChangeRow:
        return self.performer._row(self.change_id)

    def now(self) -> datetime:
        return self.performer.clock()

    def on_progress(self, percent: int) -> None:
        self.performer.progress(self.change_id, self.target.vm_id, percent)

    def done(self, sentence: str, *, checkpoint_id: str | None = None, safety_id: str | None = None) -> Outcome:
        target = self.target
        return Outcome(
            target.vm_id,
            target.vm_name,
            ChangeState.SUCCEEDED,
            sentence,
            checkpoint_id=checkpoint_id or target.checkpoint_id,
            safety_id=safety_id,
        )

    def checkpoint_id(self) -> str:
        if self.target.checkpoint_id is None:
            raise LookupError(f"the plan of change {self.change_id} names no checkpoint")
        return self.target.checkpoint_id

    def carry_out(self, step: steps.Step, seen: VMInventory) -> VMInventory:
        """One step on the host; when its answer is lost, say so, and go on looking until the host shows what happened."""
        backend = self.performer.backends[seen.vm.host]
        patience = self.performer.patience
        try:
            return self.journal.step(step.name, lambda: steps.run(step, backend, seen, self.sent, patience=patience))
        except UnknownOutcome as lost:
            cause = lost.cause
            self.journal.step(f"{step.name}: outcome unknown", lambda: self._say_unknown(cause))
            if isinstance(lost, steps.Inconclusive):
                raise
        for attempt, pause in enumerate(SETTLE_PAUSES):
            self.journal.sleep(pause)
            try:
                found = self.journal.step(
                    f"{step.name}: look {attempt}", lambda: steps.settle(step, backend, seen.vm.id, patience=0.0)
                )
            except steps.Inconclusive:
                raise
            except UnknownOutcome:
                continue
            if found is None:
                raise OperationFailed(
                    f"The connection to {backend.host} was lost in the middle. I looked again: it did not happen.",
                    cause,
                )
            return found
        raise UnknownOutcome(f"{backend.host} has not answered for a day. Look at {seen.vm.name} by hand.", cause)

    def _say_unknown(self, cause: str) -> None:
        row = self.row
        if row.state == ChangeState.RUNNING:
            self.performer.ledger.move(
                self.change_id, ChangeState.UNKNOWN, by="bot", why=f"no answer about {self.target.vm_name}: {cause}"
            )
        self.performer.show(self.change_id)

    @property
    def sent(self) -> _SentInLedger:
        return _SentInLedger(self.performer.ledger, self.change_id, self.target.vm_id)


@dataclass(frozen=True, slots=True)
class _SentInLedger:
    ledger: Ledger
    change_id: str
    vm_id: str

    def already(self, step: str) -> bool:
        return any(
            e.detail.get("step") == step and e.detail.get("vm_id") == self.vm_id
            for e in self.ledger.events(self.change_id)
        )

    def mark(self, step: str) -> None:
        if not self.already(step):
            detail = {"step": step, "vm_id": self.vm_id}
            self.ledger.note(self.change_id, "sent", by="bot", why=f"sending {step}", detail=detail)


# ---------------------------------------------------------------- the verbs


def _create(work: _Work, seen: VMInventory, action: Create) -> Outcome:
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
    work: _Work, seen: VMInventory, name: str, wanted: CheckpointType | None, key: str
) -> tuple[Checkpoint, Literal["production", "standard", "unknown"]]:
    """Take a checkpoint of the wanted type. Hyper-V has no parameter for the type: the VM's own policy is set for the
    time, and set back whatever happens in between."""
    policy = seen.vm.checkpoint_type
    if wanted in (None, policy):
        return _take(work, seen, name, key)
    work.carry_out(steps.configure(seen.vm.id, f"{key}: set type", checkpoint_type=wanted), seen)
    try:
        return _take(work, seen, name, key)
    finally:
        changed = _with_type(seen, wanted)
        work.carry_out(steps.configure(seen.vm.id, f"{key}: set type back", checkpoint_type=policy), changed)


def _take(
    work: _Work, seen: VMInventory, name: str, key: str
) -> tuple[Checkpoint, Literal["production", "standard", "unknown"]]:
    after = work.carry_out(steps.take(seen, name, key, work.on_progress), seen)
    taken = steps.new_checkpoint(seen, after, name)
    if taken is None:
        raise OperationFailed(
            f"{seen.vm.host} reported no error, but {seen.vm.name} has no new checkpoint.", "Checkpoint-VM gave nothing"
        )
    return taken, kind_of(seen.vm.state, taken)


def kind_of(before: VMState, taken: Checkpoint) -> Literal["production", "standard", "unknown"]:
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


def _apply(work: _Work, seen: VMInventory, action: Apply) -> Outcome:
    target, vm = work.target, seen.vm
    checkpoint_id = work.checkpoint_id()
    was_running = vm.state == VMState.RUNNING
    safety = _take_safety(work, seen, action) if action.safety else None
    before = work.journal.step("look before", lambda: work.performer.fleet.look(vm.id, disks=True))
    after = work.carry_out(steps.apply(before, checkpoint_id, work.on_progress), before)
    if was_running and action.start and after.vm.state in (VMState.OFF, VMState.SAVED):
        after = _start_again(work, after)
    words = f"{vm.name} is back at {target.checkpoint_name}, and is {after.vm.state.label}."
    if safety is not None:
        words += f" What it was before is kept as {safety.name}."
    return work.done(words, safety_id=safety.id if safety else None)


def _take_safety(work: _Work, seen: VMInventory, action: Apply) -> Checkpoint:
    started = work.journal.step("name safety", lambda: work.now().isoformat())
    stamp = f"{datetime.fromisoformat(started):%Y-%m-%d %H:%M}"
    name = f"safety {stamp} before {work.target.checkpoint_name}"[:100].rstrip()
    try:
        taken, kind = _take(work, seen, name, "safety")
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


def _start_again(work: _Work, after: VMInventory) -> VMInventory:
    try:
        return work.carry_out(steps.start(after.vm.id), after)
    except BackendError as error:
        raise type(error)(
            f"{after.vm.name} is back at {work.target.checkpoint_name}, but it could not be started again and is"
            f" {after.vm.state.label}: {error.sentence} Start it by hand.",
            error.cause,
        ) from error


def _delete(work: _Work, seen: VMInventory, action: Delete) -> Outcome:
    checkpoint_id = work.checkpoint_id()
    gone = len(seen.subtree(checkpoint_id)) if action.subtree else 1
    after = work.carry_out(steps.delete(checkpoint_id, subtree=action.subtree, on_progress=work.on_progress), seen)
    more = f" and {gone - 1} under it" if gone > 1 else ""
    merging = " Its disks are being merged in the background." if after.vm.merging else ""
    return work.done(f"Deleted {work.target.checkpoint_name}{more} of {seen.vm.name}.{merging}")


def _rename(work: _Work, seen: VMInventory, action: Rename) -> Outcome:
    work.carry_out(steps.rename(work.checkpoint_id(), action.name), seen)
    return work.done(f"{work.target.checkpoint_name} of {seen.vm.name} is called {action.name} now.")


def _export(work: _Work, seen: VMInventory, action: Export) -> Outcome:
    work.carry_out(steps.export(work.checkpoint_id(), action.path, work.on_progress), seen)
    return work.done(f"Exported {work.target.checkpoint_name} of {seen.vm.name} to {action.path} on {seen.vm.host}.")


def _configure(work: _Work, seen: VMInventory, action: Configure) -> Outcome:
    step = steps.configure(seen.vm.id, "configure", checkpoint_type=action.checkpoint_type, automatic=action.automatic)
    vm = work.carry_out(step, seen).vm
    automatic = "on" if vm.automatic_checkpoints else "off"
    return work.done(f"{vm.name} takes {vm.checkpoint_type.label} checkpoints; automatic ones are {automatic}.")


def _keep(work: _Work, action: Keep) -> Outcome:
    target = work.target
    work.journal.step("keep", lambda: work.performer.ledger.keep(target, action.until))
    until = f"until {action.until:%Y-%m-%d %H:%M} UTC" if action.until else "forever"
    return work.done(f"{target.checkpoint_name} of {target.vm_name} is kept {until}.")


def _remember(
    work: _Work,
    vm: VM,
    taken: Checkpoint,
    *,
    kind: Literal["production", "standard", "unknown"],
    reason: str,
    keep: timedelta | None,
    safety: bool,
) -> None:
    row = work.row
    work.performer.ledger.remember(
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
