"""Schedules: each run once when it is due, with its owner's rights of that moment, told in one message.

`look` begins what is due and comes back when the next is. A run is a workflow under an id made from the schedule and
the time, and is claimed in the ledger, so it runs once however many look. It takes checkpoints as ordinary changes, one
for each host. When one is over, what the schedule keeps no longer on these VMs is queued in the housekeeping; when all
are, the run is told. Which checkpoints are its own, the ledger says: those of its changes.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock

from cachetools import LRUCache

from backends.base import BackendError, CheckpointType, VMInventory
from bot.changes.outcome import OUTCOME, Outcome, outcomes
from bot.changes.unrecorded import Unrecorded
from bot.fleet.inventory import Inventory
from bot.ledger import ChangeRow, ChangeState, Ledger, LedgerError, RunNotes, RunRow, Stage, Wanted, is_by_hand
from bot.messages import Announcer, AnnouncerError, MessageGone, MessageRef, Origin
from bot.people.identity import Refusal
from bot.schedules import due, report
from bot.schedules.housekeeping import GONE, Housekeeping, Later, Submits
from bot.schedules.picking import Picker, Picks, name_of
from bot.settings import Settings
from commands.base import Create, Left, Person, Plan, Reply, Schedule, Target, name, say
from commands.kit.words import say_names, typed

log = logging.getLogger(__name__)

NAMESPACE = uuid.UUID("0c2e8b64-59a3-4b0e-8d0c-0a3f7a3f6a1e")
"""The ids of a run's changes are made under this, so that a run that is taken up again finds its own."""

PAUSES = (60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds before each further try while the workspace does not say who the owner is, or shows no message."""

THAW = 300.0
"""Seconds between looks at whether everything is still frozen: it may be lifted on the bot's machine."""

LATE = 3600.0
"""Seconds after which a run is told that is not over yet."""


@dataclass(slots=True)
class Recurring:
    """Hears of its changes as `ByTheClock`, and asks for deletes as `Asker`. Safe to use from many threads."""

    settings: Settings
    picker: Picker
    inventory: Inventory
    ledger: Ledger
    changes: Submits
    housekeeping: Housekeeping
    announcer: Announcer
    durable: Later
    clock: Callable[[], datetime]
    new_token: Callable[[], str] = lambda: str(uuid.uuid4())
    word: str = "schedule"
    _telling: RLock = field(default_factory=RLock)
    _unrecorded: Unrecorded = field(default_factory=Unrecorded)
    _shown: LRUCache[str, Reply] = field(default_factory=lambda: LRUCache(256))
    _look: Callable[..., None] = field(init=False)
    _run: Callable[..., None] = field(init=False)
    _again: Callable[..., None] = field(init=False)
    _late: Callable[..., None] = field(init=False)

    def declare(self) -> None:
        """Declare the workflows, before DBOS is launched."""
        step = self.durable.step

        @self.durable.workflow("schedules")
        def look(at: str = "") -> None:
            if not at:
                step("look", lambda: self.durable.apart(self.look))
                return
            moment = datetime.fromisoformat(at)
            left: float | None = step("wait", lambda: max(0.0, self._until(moment)))
            while left is not None:
                self.durable.sleep(left)
                left = step("look", lambda: self.durable.apart(lambda: self._look_at(moment)))

        @self.durable.workflow("schedule")
        def run(occurrence: str, schedule_id: str, due_at: str, token: str, only: list[str] | None) -> None:
            at, chosen = datetime.fromisoformat(due_at), None if only is None else tuple(only)
            if step("claim", lambda: self.ledger.schedules.claim(occurrence, schedule_id, at, token, chosen)):
                step("take", lambda: self._guarded(occurrence, lambda: self._take(occurrence, 0)))

        @self.durable.workflow("schedule again")
        def again(occurrence: str, tries: int) -> None:
            step("take", lambda: self._guarded(occurrence, lambda: self._take(occurrence, tries)))

        @self.durable.workflow("schedule told")
        def late(occurrence: str, tries: int) -> None:
            step("tell", lambda: self._guarded(occurrence, lambda: self._tell(occurrence, tries, late=True)))

        self._look, self._run, self._again, self._late = look, run, again, late

    # ------------------------------------------------------------ what is due

    def start(self) -> None:
        """Begin what was asked for when the bot last stopped, and what came due since; after a freeze, the same."""
        for run in () if self._is_frozen() else self.ledger.schedules.asked_for():
            schedule = self.ledger.schedules.get(run.schedule_id)
            if schedule is not None:
                only = self.ledger.schedules.only(run.occurrence)
                self._begin(schedule, run.occurrence, run.due_at, only)
        self.look()

    def look(self) -> None:
        """Begin what is due, and come back when the next is. Harmless at any time. While everything is frozen nothing
        is begun, and it is looked again whether it still is: what was missed is made up by one run."""
        now, zone = self.clock(), self.settings.digest.timezone
        if self._is_frozen():
            thawed = datetime.fromtimestamp((now.timestamp() // THAW + 1) * THAW, now.tzinfo)
            self._come_back(thawed)
            return
        waiting = [one for one in self.ledger.schedules.all() if not one.paused]
        for one in waiting:
            missed = due.last_due(one, self.ledger.schedules.last_due(one.id), now, zone)
            if missed is not None:
                self._begin(one, self.ledger.schedules.occurrence(one.id, missed), missed, None)
        if waiting:
            self._come_back(min(due.next_run(one, now, zone) for one in waiting))

    def _is_frozen(self) -> bool:
        return self.ledger.freezes.current() is not None

    def _come_back(self, at: datetime) -> None:
        """Once at that time, however many ask for it."""
        self.durable.start_later(self._until(at), f"schedules-{at.isoformat()}", self._look, at.isoformat())

    def _look_at(self, moment: datetime) -> float | None:
        """Look, and no sooner than then: nothing else looks at that time, and the clock may have been set back. The
        seconds that are left of it; None where it was looked."""
        left = self._until(moment)
        if left > 0:
            return left
        self.start()
        return None

    def _until(self, moment: datetime) -> float:
        return (moment - self.clock()).total_seconds()

    def run_now(self, schedule: Schedule, only: Sequence[str] | None, change_id: str) -> None:
        """Because somebody asks for it, by that change, which is in the ledger."""
        occurrence = self.ledger.schedules.occurrence(schedule.id, change_id)
        self._begin(schedule, occurrence, self.clock(), only)

    def _begin(self, schedule: Schedule, occurrence: str, at: datetime, only: Sequence[str] | None) -> None:
        chosen = None if only is None else list(only)
        token = self.new_token()
        run = f"schedule-{occurrence}"
        self.durable.start_apart(run, self._run, occurrence, schedule.id, at.isoformat(), token, chosen)

    # ------------------------------------------------------------ a run

    def _take(self, occurrence: str, tries: int) -> None:
        run = self.ledger.schedules.run(occurrence)
        schedule = self.ledger.schedules.get(run.schedule_id)
        if schedule is None or not self.ledger.schedules.is_there(run.schedule_id):
            return
        notes = run.notes or self._decide(schedule, run, tries)
        if notes is None:
            return
        self._submit(schedule, occurrence, notes)
        self.durable.start_later(LATE, f"schedule-{occurrence}-late", self._late, occurrence, 0)
        self._tell(occurrence)

    def _decide(self, schedule: Schedule, run: RunRow, tries: int) -> RunNotes | None:
        """What the run does, which is kept; None where it is tried again later."""
        only, by_hand = self.ledger.schedules.only(run.occurrence), is_by_hand(run.occurrence)
        try:
            picks = self.picker.pick(schedule, only, by_hand=by_hand)
        except Refusal as refusal:
            if refusal.passing and tries < len(PAUSES):
                again = f"schedule-{run.occurrence}-again-{tries}"
                self.durable.start_later(PAUSES[tries], again, self._again, run.occurrence, tries + 1)
                return None
            notes = RunNotes(refused=self._refused(schedule, refusal))
        else:
            notes = RunNotes(
                name_of(schedule, run.due_at, self.settings, exact=by_hand),
                _changes(run.occurrence, picks),
                picks.left,
                unknown=() if only else picks.unknown,
                only=only,
            )
        self.ledger.schedules.note(run.occurrence, notes)
        return notes

    def _refused(self, schedule: Schedule, refusal: Refusal) -> str:
        """Why it does not run, for those who read its channel. Where that does not pass, it is paused."""
        said, who = name(schedule.name), name(schedule.owner_name)
        if refusal.passing:
            return f"The schedule {said} did not run: Slack did not tell me whether {who} may do this still."
        self.ledger.schedules.pause(schedule.id, "the bot", refusal.cause)
        resume = typed("schedule", "resume", schedule.name)
        return (
            f"The schedule {said} is paused: it runs with the rights of {who}, who may not do this any more "
            f"({refusal.cause}). When that is mended, {resume} lets it go on; else somebody else adds one of their own."
        )

    def _submit(self, schedule: Schedule, occurrence: str, notes: RunNotes) -> None:
        """Ask for the changes of the run, each once."""
        if notes.asked:
            return
        seen = {one.vm.id: one for one in self.inventory.seen(disks=True)}
        if notes.planned and not seen:  # the bot was started since
            self.inventory.renew(disks=True)
            seen = {one.vm.id: one for one in self.inventory.seen(disks=True)}
        for change_id, vm_ids in notes.planned.items():
            found = [seen[vm_id] for vm_id in vm_ids if vm_id in seen]
            if found and self.ledger.changes.get(change_id) is None:
                self._ask(schedule, change_id, notes.name, found)
        self.ledger.schedules.note(occurrence, replace(self._notes(occurrence), asked=True))

    def _ask(self, schedule: Schedule, change_id: str, called: str, found: Sequence[VMInventory]) -> None:
        kind = self.picker.type_of(schedule, found[0].vm)
        summary = f"take {name(called)} of {say_names([one.vm.name for one in found], most=3)}"
        clock = f"schedule {schedule.name}"
        plan = Plan(Create(called, kind), tuple(Target.of(one) for one in found), summary, clock=clock)
        origin = Origin(schedule.channel, schedule.owner)
        try:
            self.changes.submit(change_id, plan, Person(schedule.owner, schedule.owner_name), origin)
        except Refusal as refusal:  # it is in the ledger with its reason
            log.info("%s of the schedule %s was denied: %s", summary, schedule.name, refusal.cause)

    def _notes(self, occurrence: str) -> RunNotes:
        return self.ledger.schedules.run(occurrence).notes or RunNotes()

    # ------------------------------------------------------------ what becomes of it

    def concluded(self, change: ChangeRow) -> None:
        """A change by the clock is over. It may be somebody else's."""
        occurrence = self.ledger.schedules.run_of(change.id)
        if occurrence is not None:
            self._guarded(occurrence, lambda: self._concluded(occurrence, change))

    def _concluded(self, occurrence: str, change: ChangeRow) -> None:
        schedule = self.ledger.schedules.get(self.ledger.schedules.run(occurrence).schedule_id)
        done = outcomes(self.ledger.events.of(change.id, {OUTCOME}))
        taken = [one.vm_id for one in done if one.state is ChangeState.SUCCEEDED]
        if schedule is not None:
            self.ledger.schedules.went_well(schedule.id, taken)
            asked_about = self.picker.asked_about() if taken and schedule.retains else frozenset()
            for vm_id in taken if schedule.retains else ():
                self._retain(schedule, occurrence, vm_id, asked_about)
        self._tell(occurrence)

    def merged(self, change: ChangeRow, vm_id: str) -> None:
        """The housekeeping hears of these."""

    def _retain(self, schedule: Schedule, occurrence: str, vm_id: str, asked_about: frozenset[str]) -> None:
        """Queue what goes of a VM after it was taken. What cannot be looked at now goes after the next run."""
        try:
            seen = self.inventory.look(vm_id, disks=True)
        except BackendError as error:
            log.info("the old checkpoints of VM %s stay until the next run: %s", vm_id, error.cause)
            return
        found = self.picker.retain(schedule, seen, asked_about)
        self.ledger.schedules.stays(occurrence, found.stays)
        self.housekeeping.queue(
            *(
                Wanted(
                    str(uuid.uuid5(NAMESPACE, f"{occurrence} {checkpoint.id}")),
                    f"schedule {schedule.name}",
                    occurrence,
                    schedule.owner,
                    schedule.owner_name,
                    schedule.channel,
                    seen.vm.host,
                    vm_id,
                    seen.vm.name,
                    checkpoint.id,
                    checkpoint.name,
                    going.taken_at,
                )
                for checkpoint, going in found.going
            )
        )

    def still(self, wanted: Wanted, seen: VMInventory) -> str:
        """Why a checkpoint stays that was to go when the run was over: all of it is decided anew."""
        schedule_id = self.ledger.schedules.run(wanted.reference).schedule_id
        schedule = self.ledger.schedules.get(schedule_id)
        if schedule is None or not self.ledger.schedules.is_there(schedule_id):
            return "the schedule was removed"
        if schedule.paused:
            return "the schedule is paused"
        return self.picker.retain(schedule, seen, self.picker.asked_about()).why_it_stays(wanted.checkpoint_id)

    def no_room(self, wanted: Wanted, why: str) -> None:
        """The run says it as of any that stays."""

    def over(self, wanted: Wanted) -> None:
        """A delete has come further."""
        if wanted.stage is Stage.STAYS and wanted.why != GONE:
            left = Left(
                wanted.vm_id, wanted.vm_name, wanted.why, wanted.why, wanted.checkpoint_id, wanted.checkpoint_name
            )
            self.ledger.schedules.stays(wanted.reference, (left,))
        self._guarded(wanted.reference, lambda: self._tell(wanted.reference))

    # ------------------------------------------------------------ telling

    def _tell(self, occurrence: str, tries: int = 0, *, late: bool = False) -> None:
        """Say how the run went, once all of its changes are over, or when it is late; and bring that up to date."""
        with self._telling:
            run = self.ledger.schedules.run(occurrence)
            made = self._report(run, late=late)
            if made is None:
                return
            message = report.message(made)
            if run.message is not None and self._shown.get(occurrence) == message:
                return

            def record(ref: MessageRef | None) -> None:
                self.ledger.schedules.told(occurrence, ref, made.outcome, made.failed)

            if set(made.failed) != set(run.failed):  # first, since the message has a button for it
                self.ledger.schedules.told(occurrence, None, run.outcome, made.failed)
            try:
                _, shown = self._unrecorded.once(
                    (occurrence, run.message),
                    lambda: (self._show(run, made.schedule, message), message),
                    lambda done: record(done[0]),
                )
            except AnnouncerError as error:
                log.warning("the run %s could not be told: %s", occurrence, error)
                if not error.lasting and tries < len(PAUSES):
                    again = f"schedule-{occurrence}-told-{tries}-{self.new_token()}"
                    self.durable.start_later(PAUSES[tries], again, self._late, occurrence, tries + 1)
                record(None)
                return
            self._shown[occurrence] = shown
            if shown != message:  # it was shown before, when that could not be recorded
                self._tell(occurrence, tries, late=late)

    def _show(self, run: RunRow, schedule: Schedule, message: Reply) -> MessageRef | None:
        """Where it stands, where it is posted for the first time or anew; its owner alone is told where its channel is
        closed to the bot."""
        if run.message is not None:
            try:
                self.announcer.update(run.message, message)
            except MessageGone as gone:
                log.info("the message of the run %s is posted anew: %s", run.occurrence, gone)
            else:
                return None
        return self.announcer.post(Origin(schedule.channel, schedule.owner), message)

    def _report(self, run: RunRow, *, late: bool) -> report.Report | None:
        """What there is to tell; None while it is not over."""
        schedule, notes = self.ledger.schedules.get(run.schedule_id), run.notes
        if schedule is None or notes is None or not (notes.asked or notes.refused):
            return None
        changes = [(id, self.ledger.changes.get(id)) for id in notes.planned]
        is_over = all(change is None or change.state.final for _, change in changes)
        if not is_over and not late:
            return None
        done: dict[str, Outcome] = {}
        denied: dict[str, str] = {}
        names: dict[str, str] = {}
        for id, change in changes:
            if change is None:
                denied |= dict.fromkeys(notes.planned[id], "it was not seen any more")
                continue
            names |= {vm.id: vm.name for vm in change.vms}
            done |= {one.vm_id: one for one in outcomes(self.ledger.events.of(id, {OUTCOME}))}
            if change.state.final:
                denied |= dict.fromkeys(notes.planned[id], change.reason)
        names |= {id: id for id in denied if id not in names}
        told = (*notes.left, *report.found_full(done), *notes.stays)
        new = self.ledger.schedules.tell_once(schedule.id, told, run.occurrence)
        deletes = self.ledger.housekeeping.of(run.occurrence)
        return report.Report(schedule, notes, done, denied, names, deletes, new, run.occurrence, late=not is_over)

    def _guarded(self, occurrence: str, act: Callable[[], None]) -> None:
        """A defect ends the run with a word in its channel, and is in the log. What may pass is raised."""
        try:
            self.durable.apart(act)
        except LedgerError:
            raise
        except Exception:
            log.exception("the run %s met a defect", occurrence)
            run = self.ledger.schedules.run(occurrence)
            schedule = self.ledger.schedules.get(run.schedule_id)
            if schedule is not None and run.message is None and not run.outcome:
                self.ledger.schedules.told(occurrence, None, "it met a defect", ())
                sentence = f"⚠️ Something went wrong in the bot itself with the schedule {name(schedule.name)}."
                message = say(f"{sentence} Look in its log for {occurrence}.")
                try:
                    self.announcer.post(Origin(schedule.channel, schedule.owner), message)
                except AnnouncerError as error:
                    log.error("the defect of the run %s could not be told: %s", occurrence, error)


def _changes(occurrence: str, picks: Picks) -> dict[str, tuple[str, ...]]:
    """The VMs of a run by the ids of its changes: one for each host and type."""
    groups: dict[tuple[str, CheckpointType | None], list[str]] = {}
    for pick in picks.taken:
        groups.setdefault((pick.seen.vm.host, pick.checkpoint_type), []).append(pick.seen.vm.id)
    return {
        str(uuid.uuid5(NAMESPACE, f"{occurrence} {host} {kind}")): tuple(ids) for (host, kind), ids in groups.items()
    }
