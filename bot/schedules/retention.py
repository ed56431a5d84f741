"""Which of its own checkpoints a schedule deletes. Functions of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backends.base import Checkpoint, VMInventory
from bot.ledger import Own
from commands.base import Going, Left, Schedule
from commands.kit.words import say_count, say_span

Taking = Literal["", "by the clock", "by hand"]
"""Whether one more is taken, and why."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What goes, oldest first, and what would go and stays for a reason."""

    going: tuple[tuple[Checkpoint, Going], ...] = ()
    stays: tuple[Left, ...] = ()

    def goes(self, checkpoint_id: str) -> bool:
        return any(one.id == checkpoint_id for one, _ in self.going)

    def why_it_stays(self, checkpoint_id: str) -> str:
        """As a clause; empty where it goes."""
        if self.goes(checkpoint_id):
            return ""
        return next(
            (one.why for one in self.stays if one.checkpoint_id == checkpoint_id), "the schedule wants it still"
        )


def decide(
    seen: VMInventory,
    own: Iterable[Own],
    schedule: Schedule,
    now: datetime,
    asked_about: Collection[str] = (),
    *,
    taking: Taking = "",
) -> Retention:
    """What goes of a VM's checkpoints: those of `own` that are older than the schedule keeps them, or beyond as many as
    it keeps. `asked_about` are those that a request which is not over is about. With `taking`, it is what goes when
    one more is taken.

    What somebody claimed is the schedule's no longer. The newest one that is whole never goes. What was taken by hand
    pushes none out: else whoever may run a schedule deletes what it keeps, unasked and at once.
    """
    checkpoints = {one.id: one for one in seen.checkpoints}
    there = sorted(
        {one.id: one for one in own if one.id in checkpoints}.values(), key=lambda one: (one.taken_at, one.id)
    )
    ours = [one for one in there if not one.claimed]
    newest = next((one.id for one in reversed(ours) if not checkpoints[one.id].missing), None)
    put_back = _put_back(seen)
    if taking:  # the new one is the newest then, and where the VM is
        newest = None
    elif seen.vm.current_id is not None:
        put_back.add(seen.vm.current_id)
    going, stays = [], []
    for one in there:
        checkpoint, why = checkpoints[one.id], _over(one, ours, schedule, now, more=int(taking == "by the clock"))
        if not why or one.id == newest:
            continue
        if key := _reason(seen, one, {own.id for own in ours}, asked_about, put_back):
            stays.append(Left(seen.vm.id, seen.vm.name, *key, checkpoint.id, checkpoint.name))
        else:
            going.append((checkpoint, Going(seen.vm.name, checkpoint.name, one.taken_at, why)))
    return Retention(tuple(going), tuple(stays))


def _put_back(seen: VMInventory) -> set[str]:
    """The checkpoints under which the tree forks: the VM was put back to them once, by whatever means."""
    here = seen.vm.current_id
    return {one.id for one in seen.checkpoints if len(seen.children(one.id)) + (one.id == here) > 1}


def _over(one: Own, ours: list[Own], schedule: Schedule, now: datetime, more: int) -> str:
    """Why its time is over, as a clause; empty while it is not."""
    if schedule.keep is not None and now - one.taken_at >= timedelta(seconds=schedule.keep):
        return f"older than {say_span(timedelta(seconds=schedule.keep))}"
    newer = sum(other.taken_at > one.taken_at and not other.by_hand for other in ours) + more
    if schedule.keep_last is not None and newer >= schedule.keep_last:
        return f"beyond the last {schedule.keep_last}"
    return ""


def _reason(
    seen: VMInventory,
    one: Own,
    ours: Collection[str],
    asked_about: Collection[str],
    put_back: Collection[str],
) -> tuple[str, str] | None:
    """Why it stays all the same: a key, and a clause."""
    checkpoint = seen.checkpoint(one.id)
    manager = checkpoint.managed_by if checkpoint else None
    others = [below for below in seen.subtree(one.id)[1:] if below.id not in ours]
    checks = (
        (one.claimed, "claimed", one.claimed),
        (one.kept, "kept", one.kept),
        (one.applied, "applied", one.applied),
        (one.id in asked_about, "asked about", "a request is about it"),
        (one.id in put_back, "current", f"{seen.vm.name} was put back to it"),
        (checkpoint is None or checkpoint.missing, "broken", "the host does not find its files"),
        (manager is not None, "managed", f"{manager} looks after it"),
        (
            bool(others),
            "parent",
            f"{say_count(len(others), 'checkpoint')} of others {'hangs' if len(others) == 1 else 'hang'} under it",
        ),
    )
    return next(((key, why) for holds, key, why in checks if holds), None)
