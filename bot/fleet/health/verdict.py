"""The verdict on a VM: a function of its signs and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backends.base import VMState
from bot.fleet.health import chain, events
from bot.fleet.health.events import Means, Names, Sign
from bot.fleet.health.signs import Signs
from commands.base.health import ORDER, Reason, Verdict, VMHealth, gravest
from commands.kit.words import say_time

WINDOW: Final = timedelta(days=7)
"""How long an event counts (Microsoft's example looks back 168 hours)."""

BEFORE: Final = timedelta(minutes=30)
"""A checkpoint that fails to be taken does so about when it was created."""


def judge(signs: Signs) -> VMHealth:
    """The verdict with everything that it rests on, the gravest first."""
    found = tuple(_reasons(signs))
    vm = signs.seen.vm
    ordered = sorted(found, key=lambda reason: ORDER.index(reason.verdict))
    return VMHealth(vm.id, vm.name, vm.host, gravest(r.verdict for r in found), tuple(ordered), signs.at)


def needed_from(signs: Signs) -> datetime:
    """From when on the logs have to be known, so that no event means that nothing happened: since before its oldest
    checkpoint, and a week at least."""
    oldest = min((one.created for one in signs.seen.checkpoints), default=signs.at)
    return min(oldest - BEFORE, signs.at - WINDOW)


def seen_from(signs: Signs) -> datetime | None:
    """From when on the logs were read without a gap, by this look and those before it; None where one was not read."""
    if not signs.readings or any(one.seen_from is None for one in signs.readings):
        return None
    last = max(one.seen_from for one in signs.readings if one.seen_from is not None)
    watched = signs.watched
    return watched.since if watched and watched.since <= last <= watched.until else last


@dataclass(frozen=True, slots=True)
class _Case:
    """The events that count, beside what the disks say."""

    signs: Signs
    told: tuple[Sign, ...]
    disks: tuple[Reason, ...]

    @property
    def unsound(self) -> bool:
        return chain.is_unsound(self.disks)


def _reasons(signs: Signs) -> Iterator[Reason]:
    told = events.of_vm(signs.events, signs.seen)
    disks = tuple(chain.reasons(signs.seen, signs.orphans, signs.at, signs.creating_since))
    case = _Case(signs, told, _while_merging(disks, told, signs.at))
    yield from case.disks
    yield from _forks(case)
    for sign in told:
        if sign.event.at >= signs.at - WINDOW:
            yield from _of_event(sign, case)
    yield from _stalled(case)
    yield from _gaps(case)


def _while_merging(disks: tuple[Reason, ...], told: Sequence[Sign], at: datetime) -> tuple[Reason, ...]:
    """A merge that has just begun explains its layer, though the VM's status does not show it yet."""
    merges = [s for s in told if s.means in events.MERGES]
    fresh = merges and merges[-1].means is Means.MERGE_STARTED and at - merges[-1].event.at <= events.MERGES_AGAIN
    if not fresh:
        return disks
    note = Reason("merging", Verdict.FINE, "Its disks are being merged.")
    return tuple(note if one.key == "layer without checkpoint" else one for one in disks)


# ---------------------------------------------------------------- a fork that was not committed


def _forks(case: _Case) -> Iterator[Reason]:
    """Nothing clears it but the absence of layers, confirmed by a person: while the VM runs it writes to files that its
    configuration does not name, and its next start is from the old ones."""
    signs = case.signs
    failed = [s for s in case.told if s.means is Means.FORK_FAILED and not _is_settled(s.event.at, signs)]
    surely = [s for s in failed if s.names is Names.SURELY]
    last = max((s.event.at for s in surely), default=None)
    remembered = signs.forked if signs.forked and not _is_settled(signs.forked, signs) else None
    if last is None and remembered is None:
        yield from (_perhaps(sign) for sign in failed)
        return
    at = max(moment for moment in (last, remembered) if moment is not None)
    source = _source([sign for sign in surely if abs(sign.event.at - at) <= timedelta(minutes=1)])
    if _may_lose(signs, at):
        yield Reason(
            "fork failed",
            Verdict.HOLD,
            f"At {say_time(at)} a checkpoint failed half-way ({source}): what it writes now is in files that its "
            "configuration may not name. Its next start may put it back to the old disk, and all that was written "
            "since would be lost.",
            at,
        )
    else:
        yield Reason(
            "fork failed before",
            Verdict.LOOK,
            f"At {say_time(at)} a checkpoint failed half-way ({source}), and no layer is left now. Somebody has to "
            "make sure that nothing was lost.",
            at,
        )


def _source(signs: Sequence[Sign]) -> str:
    """The event that says it best: that of the switch itself, where there is one."""
    best = [sign for sign in signs if sign.event.id == events.FORK_SWITCH] or list(signs)
    return best[-1].told if best else "an event that was seen then"


def _may_lose(signs: Signs, failed_at: datetime) -> bool:
    """Whether something may be lost at the next start: a layer or a checkpoint stands, or beside a VM that has not
    been started since an orphan lies, or may lie. Its configuration may show the old disks alone."""
    seen = signs.seen
    if chain.has_layers(seen) or seen.disks is None:
        return True
    started = signs.at - timedelta(seconds=seen.vm.uptime)
    runs_since = seen.vm.state is not VMState.OFF and (not seen.vm.uptime or started <= failed_at)
    return bool(signs.orphans or signs.unseen) and runs_since


def _perhaps(sign: Sign) -> Reason:
    return Reason(
        "fork failed perhaps",
        Verdict.LOOK,
        f"At {say_time(sign.event.at)} a checkpoint failed half-way ({sign.told}), and only a name in its text says "
        "that it was of this VM.",
        sign.event.at,
    )


def _is_settled(at: datetime, signs: Signs) -> bool:
    return signs.acknowledged is not None and at <= signs.acknowledged


# ---------------------------------------------------------------- other events


def _of_event(sign: Sign, case: _Case) -> Iterator[Reason]:
    """What one event within the window comes to."""
    at = sign.event.at
    when = say_time(at)

    def reason(key: str, verdict: Verdict, sentence: str) -> Reason:
        settled = verdict is Verdict.LOOK and _is_settled(at, case.signs)
        return Reason(key, Verdict.FINE if settled else verdict, sentence, at)

    match sign.means:
        case Means.CHECKPOINT_FAILED:
            yield reason("checkpoint failed", Verdict.LOOK, f"A checkpoint failed at {when} ({sign.told}).")
        case Means.CONFIGURATION_LOST:
            yield reason(
                "configuration", Verdict.LOOK, f"Its configuration could not be loaded at {when} ({sign.told})."
            )
        case Means.TRACKING_FAILED:
            said = f"Replica lost track of its changes at {when} ({sign.told}), which may go before worse."
            yield reason("tracking", Verdict.LOOK, said)
        case Means.MERGE_FAILED | Means.MERGE_INTERRUPTED:
            yield reason(*_merge(sign, case))
        case Means.DISK_TROUBLE:
            verdict = Verdict.LOOK if case.unsound or chain.layers(case.signs.seen) else Verdict.FINE
            yield reason("disk trouble", verdict, f"One of its disks was in trouble at {when} ({sign.told}).")
        case Means.CANCELLED:
            yield reason("cancelled", Verdict.FINE, f"A checkpoint was cancelled at {when} ({sign.told}).")
        case _:
            return


def _merge(sign: Sign, case: _Case) -> tuple[str, Verdict, str]:
    """A merge that did not get to its end: cleared by the one that did soon after, if nothing of it is left."""
    failed = "failed" if sign.means is Means.MERGE_FAILED else "was interrupted"
    said = f"A merge {failed} at {say_time(sign.event.at)} ({sign.told})"
    later = events.is_cleared(sign, case.told)
    if later and not case.unsound:
        sure = "" if events.same_disk(sign, later) else "apparently "
        return "merge recovered", Verdict.FINE, f"{said}, and {sure}went through at {say_time(later.event.at)}."
    again = sign.means is Means.MERGE_INTERRUPTED and case.signs.at - sign.event.at <= events.MERGES_AGAIN
    if again and not later:
        return "merge interrupted", Verdict.FINE, f"{said}: Hyper-V tries again by itself."
    why = "something of it is left" if later else "none went through in the half hour after"
    return "merge failed", Verdict.LOOK, f"{said}, and {why}."


def _stalled(case: _Case) -> Iterator[Reason]:
    """A merge that began, and of whose end nothing is heard."""
    merges = [sign for sign in case.told if sign.means in events.MERGES | {Means.MERGE_INTERRUPTED}]
    if not merges or merges[-1].means is not Means.MERGE_STARTED:
        return
    begun = merges[-1].event.at
    old = events.MERGES_AGAIN < case.signs.at - begun <= WINDOW
    if old and not case.signs.seen.vm.merging and case.unsound and not _is_settled(begun, case.signs):
        said = f"A merge began at {say_time(begun)}, and nothing tells of its end."
        yield Reason("merge stalled", Verdict.LOOK, said, begun)


# ---------------------------------------------------------------- what could not be seen


def _gaps(case: _Case) -> Iterator[Reason]:
    signs = case.signs

    def gap(key: str, sentence: str) -> Reason:
        return Reason(key, Verdict.CANNOT_TELL, sentence)

    for reading in signs.readings:
        if reading.trouble is not None:
            yield gap("log unread", f"The log {reading.log} of {reading.host} was not read: {reading.trouble}.")
    if not signs.readings:
        yield gap("log unread", "The event logs of its host were not read.")
    since = seen_from(signs)
    if since is not None and since > needed_from(signs) and _is_at_stake(case):
        yield gap(
            "log too short",
            f"The event logs reach back to {say_time(since)}, and would have to reach back to "
            f"{say_time(needed_from(signs))}.",
        )
    yield from (gap("unseen", sentence) for sentence in signs.unseen)


def _is_at_stake(case: _Case) -> bool:
    """Whether there is anything that a checkpoint which failed could have left. A VM that writes to its base disks,
    with no differencing file in its folders, has nothing to lose by one."""
    signs = case.signs
    return bool(chain.has_layers(signs.seen) or signs.seen.disks is None or signs.orphans or signs.unseen)
