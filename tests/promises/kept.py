"""What the ledger promises of a host where it has an outcome."""

from __future__ import annotations

from collections.abc import Iterator

from backends.base import VMState
from bot.changes.outcome import Outcome
from bot.ledger import ChangeState
from commands.base import Apply, Create, Delete, Plan, Rename, Target
from tests.support.watched import Effect


def effects_of(outcome: Outcome, plan: Plan, target: Target) -> Iterator[tuple[Effect, bool]]:
    """What took effect where this is the outcome, and whether it must have."""
    vm_id, checkpoint_id, done = target.vm_id, str(target.checkpoint_id), outcome.state == ChangeState.SUCCEEDED
    match plan.action:
        case Create(name=name) if done:
            yield Effect("create", vm_id, str(outcome.checkpoint_id)), True
            yield Effect("rename", vm_id, str(outcome.checkpoint_id), name), False
        case Apply():
            if outcome.safety_id:
                yield Effect("create", vm_id, outcome.safety_id), True
            if done:
                yield Effect("apply", vm_id, checkpoint_id), True
                yield Effect("start", vm_id), False
            elif outcome.state == ChangeState.UNKNOWN:
                yield Effect("apply", vm_id, checkpoint_id), False
        case Delete() if done:
            yield Effect("remove", vm_id, checkpoint_id), True
        case Rename(name=name) if done:
            yield Effect("rename", vm_id, checkpoint_id, name), True


def unkept(outcome: Outcome, plan: Plan, target: Target) -> Iterator[str]:
    """What a success must be besides, and is not."""
    match plan.action:
        case Apply(safety=safety, start=start) if outcome.state == ChangeState.SUCCEEDED:
            if safety and not outcome.safety_id:
                yield f"no safety checkpoint was taken: {outcome.sentence}"
            if start and target.picture.state == VMState.RUNNING and "and is running." not in outcome.sentence:
                yield f"it ran, and was not started again: {outcome.sentence}"
