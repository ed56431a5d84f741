"""The one message of a run: a line when all went well, a list when not. Values in, a `Reply` out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.changes.outcome import Outcome
from bot.ledger import ChangeState, RunNotes, Stage, Wanted
from bot.schedules.skips import AGAIN
from commands.base import Actions, Button, Heading, Left, Paragraph, Part, Reply, Schedule, Tree, name
from commands.kit.words import say_count, say_names

MOST_LINES = 40
"""Lines of what did not go as it should; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a run so far."""

    schedule: Schedule
    notes: RunNotes
    outcomes: Mapping[str, Outcome]
    """By the VM's id."""
    denied: Mapping[str, str]
    """Why a VM was not taken at all, by its id."""
    names: Mapping[str, str]
    """Of the VMs, by their ids."""
    deletes: Sequence[Wanted]
    new: Sequence[Left]
    """What is told for the first time."""
    occurrence: str
    late: bool = False
    """It is told before all is over."""

    @property
    def planned(self) -> tuple[str, ...]:
        return tuple(vm_id for some in self.notes.planned.values() for vm_id in some)

    @property
    def taken(self) -> tuple[str, ...]:
        return tuple(id for id in self.planned if id in self.outcomes and _is_taken(self.outcomes[id]))

    @property
    def failed(self) -> tuple[str, ...]:
        """The VMs that should have been taken and were not, and what passes or can be mended."""
        passing = [one.vm_id for one in self.left if one.key in AGAIN]
        return (*(id for id in self.planned if id not in self.taken and id not in passing), *passing)

    @property
    def left(self) -> tuple[Left, ...]:
        """Those that were left out, also where the host found out only when it came to it."""
        return (*self.notes.left, *found_full(self.outcomes))

    @property
    def outcome(self) -> str:
        """How it went, in a few words."""
        if self.notes.refused:
            return "it did not run"
        whole = len(self.planned) + sum(one.key in AGAIN for one in self.notes.left)
        taken = len(self.taken)
        return f"{taken} taken" if taken == whole else f"{taken} of {whole} taken"


def found_full(outcomes: Mapping[str, Outcome]) -> tuple[Left, ...]:
    """The VMs for which the host had too little room when it came to them."""
    return tuple(
        Left(one.vm_id, one.vm_name, "room", "there is too little room for a checkpoint")
        for one in outcomes.values()
        if one.key == "DiskFull" and one.unchanged
    )


def message(report: Report) -> Reply:
    """One line, or a list with a button that runs it again for what failed."""
    title = name(report.schedule.name)
    if report.notes.refused:
        return Reply((Paragraph(f"⏸️ {report.notes.refused}"),))
    lines = list(_lines(report))
    if not lines:
        return Reply((Paragraph(f"✅ {title}: {_summary(report)}"),))
    wrong = (
        bool(report.failed or report.notes.unknown)
        or any(one.stage is Stage.FAILED for one in report.deletes)
        or report.late
    )
    shown = [*lines[:MOST_LINES], *([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])]
    parts: list[Part] = [
        Heading(f"{'⚠️' if wrong else '✅'} {title}: {report.outcome}"),
        Paragraph(_capital(_summary(report))),
    ]
    parts.append(Tree(tuple(shown)))
    if report.failed:
        parts.append(Actions((Button("Run again for what failed", "run_failed", report.schedule.id),)))
    return Reply(tuple(parts))


def _summary(report: Report) -> str:
    said = [_what_was_taken(report)]
    gone = sum(one.stage in (Stage.MERGING, Stage.DONE) for one in report.deletes)
    waiting = sum(one.stage in (Stage.WAITING, Stage.DELETING) for one in report.deletes)
    if waiting:
        said.append(f"{say_count(waiting + gone, 'older one')} {'goes' if waiting + gone == 1 else 'go'}.")
    elif gone:
        said.append(f"{say_count(gone, 'older one')} deleted.")
    before = len(report.left) - sum(not one.checkpoint_id for one in report.new)
    if before > 0:
        said.append(f"{say_count(before, 'VM')} left out for a reason told before.")
    return " ".join(said)


def _what_was_taken(report: Report) -> str:
    names = [report.names[id] for id in report.taken]
    if not names:
        return "Nothing was taken." if report.left or report.planned else "No VM that there is fits it."
    of = say_names(names) if len(names) <= 3 else say_count(len(names), "VM")
    return f"took {name(report.notes.name)} of {of}."


def _lines(report: Report) -> Iterator[str]:
    told = {one.vm_id for one in report.new if not one.checkpoint_id}
    for id in report.planned:
        outcome = report.outcomes.get(id)
        if outcome is not None and _is_taken(outcome):
            if outcome.warning:
                yield outcome.sentence
        elif outcome is not None and not (outcome.key == "DiskFull" and outcome.unchanged):
            yield f"{name(report.names[id])}: {outcome.sentence}"
        elif outcome is None:
            yield f"{name(report.names[id])}: {report.denied.get(id) or 'it is under way still'}"
    for host in report.notes.unknown:
        yield f"{name(host)} does not answer, and has shown nothing since I was started: what it has is not taken."
    for one in report.new:
        if one.checkpoint_id:
            yield f"{name(one.checkpoint_name)} of {name(one.vm_name)} stays: {one.why}"
        elif one.vm_id in told:
            yield f"{name(one.vm_name)} was left out: {one.why}"
    for delete in report.deletes:
        if delete.stage is Stage.FAILED:
            yield f"{name(delete.checkpoint_name)} of {name(delete.vm_name)} could not be deleted: {delete.why}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _is_taken(outcome: Outcome) -> bool:
    return outcome.state is ChangeState.SUCCEEDED
