"""A plan's durable way: request, confirm, perform, record, report. DBOS keeps it; the ledger tells it.

Every stretch of the way is a workflow under an id made from the change's own, so it runs once however often it is
asked for, and goes on after a restart: `<change>` asks, `<change>-answer` takes the first answer, `<change>-expiry` is
due when nobody answers, `<change>-<n>` acts on the n-th VM, and the one that is done last concludes the change. While a
change waits for an answer or for its VM it holds no thread; one that waits for its turn on a host does (`turns`).
Workflow functions decide nothing by themselves: every look and every effect is a step, and the ledger's compare-and-set
settles races.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal, TypeVar

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from bot.changes import merges
from bot.changes.message import Showing
from bot.changes.outcome import OUTCOME, Outcome, conclusion, outcomes, row_of
from bot.changes.perform import Awaits, Denial, Performer, plan_of
from bot.durable import DBOSJournal
from bot.ledger import LEGAL, ChangeRow, ChangeState, IllegalMove, Ledger
from bot.messages import Origin
from commands.base import Person, Plan, Target
from commands.kit.words import say_names

log = logging.getLogger(__name__)
T = TypeVar("T")

APPLICATION_VERSION = "1"
"""Of the workflows, not of the program: raised only when their steps change, so that an upgrade takes up what waits."""

QUEUE, LATER = "vms", "later"
"""Queues: one workflow at a time for each VM; and what is due at a time."""

GIVEN_UP = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
"""How DBOS calls workflows that it does not take up again."""

LATE = timedelta(minutes=15)
"""A confirmation that could not be begun for longer than this is not carried out any more."""

SHOW_AGAIN = (5.0, 30.0, 120.0, 600.0, *(3600.0,) * 24)
"""Seconds before each further try to show what could not be shown: while Slack is away, for a day."""

NOBODY = "nobody answered in time"

Word = Literal["confirm", "approve", "cancel"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody pressed on the card."""

    word: Word
    person_id: str
    person_name: str
    at: datetime


class Changes:
    """Starts changes, passes answers on to them, and takes them up again after a restart."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        showing: Showing,
        authorise: Callable[[ChangeRow], Awaits | None],
        clock: Callable[[], datetime],
        polling: float = 0.05,
        show_again: Sequence[float] = SHOW_AGAIN,
    ) -> None:
        """`authorise` says whose answer a change needs, if any, and raises `Denial` when it is not allowed (any more).
        `polling` is how often the queues and answers are looked at, and `show_again` are the pauses before each further
        try to show what could not be shown, in seconds."""
        self._ledger = ledger
        self._showing = showing
        self._authorise = authorise
        self._clock = clock
        self._polling = polling
        self._show_again = show_again
        self._performer: Performer
        self._journal = DBOSJournal()
        self._placing = Lock()
        self._place = 0
        """Of the last change in the queues. What began first comes first after a crash too; by their time alone those
        of one second would have no order, since DBOS keeps it in seconds (seen with 3.4, on SQLite)."""

    # ------------------------------------------------------------ running

    def declare(self, database_url: str, performer: Performer) -> None:
        """Set up DBOS and declare the workflows. To be called once, before `launch`."""
        self._performer = performer
        DBOS(
            config=DBOSConfig(
                name="checkpointbot",
                system_database_url=database_url,
                application_version=APPLICATION_VERSION,
                executor_id="bot",
                log_level="WARNING",
                max_executor_threads=500,
                notification_listener_polling_interval_sec=self._polling,
                scheduler_polling_interval_sec=1.0,
            )
        )

        @DBOS.workflow(name="change")
        def change(change_id: str) -> None:
            self._guarded(change_id, lambda: self._begin(change_id))

        @DBOS.workflow(name="answer")
        def answered(change_id: str, answer: Answer) -> None:
            self._guarded(change_id, lambda: self._go_on(change_id, answer))

        @DBOS.workflow(name="expiry")
        def expiry(change_id: str) -> None:
            if self._journal.step("expire", lambda: self._expire(change_id)):
                self._report(change_id)

        @DBOS.workflow(name="change on one VM")
        def on_one_vm(change_id: str, index: int) -> None:
            self._safely(change_id, lambda: self._carry_one(change_id, index))
            with SetWorkflowID(f"{change_id}-{index}-shown"):
                # Not here: Slack may be slow, and the VM's next change waits for this one.
                DBOS.start_workflow(self._shown, change_id, 0)

        @DBOS.workflow(name="show")
        def shown(change_id: str, tries: int) -> None:
            self._report(change_id, tries)

        @DBOS.workflow(name="merge")
        def merge(change_id: str, watch: merges.Watch) -> None:
            self._follow_merge(change_id, watch)

        self._change, self._answered, self._expiry = change, answered, expiry
        self._on_one_vm, self._merge, self._shown = on_one_vm, merge, shown

    def launch(self) -> None:
        """Begin, and take up what was pending when the bot last stopped."""
        # Each change has more events than one, so this is after all places given.
        self._place = self._ledger.audit.head().seq
        DBOS.launch()
        DBOS.register_queue(QUEUE, partition_concurrency=1, polling_interval_sec=self._polling)
        DBOS.register_queue(LATER, polling_interval_sec=1.0)
        for row in self._ledger.changes.unfinished():
            self._take_up(row)

    def _take_up(self, row: ChangeRow) -> None:
        """DBOS takes up workflows by itself. What is left are requests whose workflow was never begun, and changes
        whose workflow DBOS gave up: it met a defect that it could not even record, or the bot died in it too often."""
        stretches = ("", "-answer", *(f"-{index}" for index in range(len(plan_of(row).targets))))
        begun, *later = (DBOS.get_workflow_status(f"{row.id}{stretch}") for stretch in stretches)
        if begun is None:
            self._start(row.id)
        elif any(one.status in GIVEN_UP for one in (begun, *later) if one is not None):
            self._fail(row.id, "its workflow was given up")
            self._showing.show(row.id)

    def stop(self, seconds: float = 10.0) -> None:
        """Let running steps end for that long, and begin no others; what is pending is taken up at the next launch."""
        self._journal.drain(seconds)
        logging.getLogger("dbos").disabled = True  # threads that still wait can only report that DBOS is gone
        DBOS.destroy(destroy_registry=True)
        logging.getLogger("dbos").disabled = False
        self._journal.end()

    # ------------------------------------------------------------ what people do

    def submit(
        self, change_id: str, plan: Plan, person: Person, origin: Origin, *, expires_at: datetime | None = None
    ) -> bool:
        """Begin a change; False when that id is known already, and then nothing is done. `expires_at` is until when it
        waits for an answer, where it needs one.

        The request is in the ledger when this returns, and will be carried through whatever crashes.
        """
        new = self._ledger.changes.request(change_id, plan, person, origin, expires_at=expires_at)
        if new:
            self._showing.asked_from(change_id, origin)
            self._start(change_id)
        return new

    def shown(self, change_id: str) -> ChangeRow | None:
        """The change whose card somebody presses, with the place of that card."""
        self._showing.wait_until_posted(change_id)
        return self._ledger.changes.get(change_id)

    def answer(self, change_id: str, answer: Answer) -> None:
        """Take an answer. Of several the first counts, and none after the change has expired."""
        with SetWorkflowID(f"{change_id}-answer"):
            DBOS.start_workflow(self._answered, change_id, answer)

    def is_answered(self, change_id: str) -> bool:
        """Whether an answer was taken; it takes effect also when the bot dies."""
        return DBOS.get_workflow_status(f"{change_id}-answer") is not None

    def withdraw(self, change_id: str, person: Person) -> bool:
        """Cancel a change that waits for its turn; False when it has begun and cannot be cut off."""
        try:
            self._ledger.changes.move(change_id, ChangeState.CANCELLED, by=person.id, why=f"by {person.name}")
        except IllegalMove:
            return False
        self._showing.show(change_id)
        return True

    def _start(self, change_id: str) -> None:
        with SetWorkflowID(change_id):
            DBOS.start_workflow(self._change, change_id)

    # ------------------------------------------------------------ the way

    def _guarded(self, change_id: str, act: Callable[[], object]) -> None:
        """A stretch of the way, and how it stands after that."""
        self._safely(change_id, act)
        self._report(change_id)

    def _safely(self, change_id: str, act: Callable[[], object]) -> None:
        """A defect fails the change with a word to the person, and is in the log."""
        try:
            act()
        except Exception as defect:
            met = defect
            self._journal.step("defect", lambda: self._meet(change_id, met))

    def _report(self, change_id: str, tries: int = 0) -> None:
        """Show how it stands. Where that is barred it is tried again, or the message would say for ever what is no
        longer so."""
        shown = self._journal.step("report", lambda: self._showing.show_unless_quick(change_id))
        if not shown and tries < len(self._show_again):
            pause = self._show_again[tries]
            with SetEnqueueOptions(delay_seconds=pause), SetWorkflowID(f"{DBOS.workflow_id}-again"):
                DBOS.enqueue_workflow(LATER, self._shown, change_id, tries + 1)

    def _begin(self, change_id: str) -> None:
        if self._journal.step("ask", lambda: self._ask(change_id)):
            self._perform(change_id)
            return
        seconds = self._journal.step("expiry", lambda: self._seconds_left(change_id))
        if seconds is not None:
            with SetEnqueueOptions(delay_seconds=seconds), SetWorkflowID(f"{change_id}-expiry"):
                DBOS.enqueue_workflow(LATER, self._expiry, change_id)

    def _ask(self, change_id: str) -> bool:
        """Queue the change, or let it wait for the answer that it needs. Whether it goes on at once."""
        row = self._row(change_id)
        if row.state not in (ChangeState.REQUESTED, ChangeState.AWAITING):
            return row.state == ChangeState.QUEUED
        try:
            awaits = self._authorise(row)
        except Denial as denial:
            self._ledger.changes.move(change_id, ChangeState.DENIED, by="bot", why=denial.sentence)
            return False
        if awaits is None:
            self._ledger.changes.move(change_id, ChangeState.QUEUED, by="bot", why="needs no confirmation")
            return True
        detail = {"awaits": awaits}
        self._ledger.changes.move(change_id, ChangeState.AWAITING, by="bot", why=f"waits for {awaits}", detail=detail)
        return False

    def _seconds_left(self, change_id: str) -> float | None:
        """Until the change expires; None when it waits for nobody."""
        row = self._row(change_id)
        if row.state != ChangeState.AWAITING:
            return None
        return max(0.0, ((row.expires_at or row.created_at) - self._clock()).total_seconds())

    def _go_on(self, change_id: str, answer: Answer) -> None:
        if self._journal.step("take answer", lambda: self._take_answer(change_id, answer)):
            self._perform(change_id)

    def _take_answer(self, change_id: str, answer: Answer) -> bool:
        """Whether the change goes on. An answer that comes after the end changes nothing."""
        row = self._row(change_id)
        if row.state != ChangeState.AWAITING:
            return row.state == ChangeState.QUEUED
        state, by = ChangeState.QUEUED, answer.person_id
        why = f"{'approved' if answer.word == 'approve' else 'confirmed'} by {answer.person_name}"
        if row.expires_at is not None and answer.at >= row.expires_at:
            state, by, why = ChangeState.EXPIRED, "bot", NOBODY
        elif answer.word == "cancel":
            state, why = ChangeState.CANCELLED, f"by {answer.person_name}"
        elif self._clock() - answer.at > LATE:
            state, by = ChangeState.EXPIRED, "bot"
            why = f"confirmed at {answer.at:%H:%M} UTC, but the bot was not running then"
        try:
            self._ledger.changes.move(change_id, state, by=by, why=why)
        except IllegalMove as late:
            log.info("an answer to change %s came too late: %s", change_id, late)
            return False
        return state == ChangeState.QUEUED

    def _expire(self, change_id: str) -> bool:
        """Whether it has expired; one that was answered has not."""
        try:
            self._ledger.changes.move(change_id, ChangeState.EXPIRED, by="bot", why=NOBODY)
        except IllegalMove as answered:
            log.debug("change %s does not expire: %s", change_id, answered)
            return False
        return True

    def _perform(self, change_id: str) -> None:
        with self._placing:
            self._place += 1
            for index, target in enumerate(self._plan(change_id).targets):
                options = SetEnqueueOptions(queue_partition_key=target.vm_id, priority=self._place)
                with options, SetWorkflowID(f"{change_id}-{index}"):
                    DBOS.enqueue_workflow(QUEUE, self._on_one_vm, change_id, index)

    def _follow(self, change_id: str, watch: merges.Watch) -> None:
        """Look at a merge after a while: a workflow for each look, so that none waits for hours."""
        number = f"{change_id}-merge-{watch.outcome.vm_id}-{watch.looks}"
        with SetEnqueueOptions(delay_seconds=watch.pause), SetWorkflowID(number):
            DBOS.enqueue_workflow(LATER, self._merge, change_id, watch)

    def _follow_merge(self, change_id: str, watch: merges.Watch) -> None:
        fleet = self._performer.means.fleet
        now = self._journal.step("look at the merge", lambda: merges.look(fleet, watch.outcome, self._clock()))
        line, further = merges.judge(watch, now)
        if line is not None:
            self._journal.step("tell", lambda: self._add(change_id, *line))
            self._report(change_id)
        if further is not None:
            self._follow(change_id, further)

    def _carry_one(self, change_id: str, index: int) -> None:
        plan = self._plan(change_id)
        outcome = self._outcome(change_id, plan.targets[index])
        self._journal.step("record", lambda: self._record(change_id, plan, outcome))
        if plan.verb == "delete" and outcome.state == ChangeState.SUCCEEDED:
            self._follow(change_id, merges.Watch(outcome))

    def _outcome(self, change_id: str, target: Target) -> Outcome:
        """What became of the change on one VM. A defect in the bot leaves it unknown, and the other VMs alone."""
        try:
            return self._performer.perform(self._journal, change_id, target)
        except Exception as defect:
            met = defect
            cause = self._journal.step("defect", lambda: _log(change_id, met))
        return Outcome(target.vm_id, target.vm_name, ChangeState.UNKNOWN, _look_in_the_log(change_id), cause)

    def _record(self, change_id: str, plan: Plan, outcome: Outcome) -> None:
        """Note what became of one VM. With the last one, the change is over."""
        if outcome.vm_id not in self._outcomes(change_id):
            self._ledger.changes.note(change_id, OUTCOME, by="bot", why=outcome.sentence, detail=asdict(outcome))
        self._showing.vm_is_done(change_id, outcome.vm_id)
        done = self._outcomes(change_id)
        if all(target.vm_id in done for target in plan.targets):
            self._conclude(change_id, tuple(done[target.vm_id] for target in plan.targets))

    def _outcomes(self, change_id: str) -> dict[str, Outcome]:
        """By VM id."""
        return {one.vm_id: one for one in outcomes(self._ledger.events.of(change_id))}

    def _conclude(self, change_id: str, done: tuple[Outcome, ...]) -> None:
        state, result = conclusion(done)
        row = self._row(change_id)
        if state != row.state and state not in LEGAL[row.state]:
            # It had begun when the bot died, and was void or denied when it was looked at again.
            state = ChangeState.FAILED
        why = "; ".join(o.cause for o in done if o.cause) or f"done on {say_names([o.vm_name for o in done])}"
        try:
            self._ledger.changes.move(change_id, state, by="bot", why=why, result=result)
        except IllegalMove as over:
            log.info("change %s was cancelled before it began: %s", change_id, over)
        self._showing.change_is_done(change_id)

    def _add(self, change_id: str, event: str, sentence: str) -> None:
        """Add a line to a result that stands already, once."""
        if (event, sentence) not in {(e.event, e.why) for e in self._ledger.events.of(change_id)}:
            self._ledger.changes.note(change_id, event, by="bot", why=sentence)

    def _meet(self, change_id: str, defect: Exception) -> None:
        self._fail(change_id, _log(change_id, defect))

    def _fail(self, change_id: str, cause: str) -> None:
        row = self._row(change_id)
        if row.state.final:
            return
        state = ChangeState.FAILED
        if row.state in (ChangeState.RUNNING, ChangeState.UNKNOWN):
            state = ChangeState.UNKNOWN
        elif row.state == ChangeState.AWAITING:
            state = ChangeState.VOID
        if row.state != state:
            self._ledger.changes.move(change_id, state, by="bot", why=cause, result=_look_in_the_log(change_id))

    def _plan(self, change_id: str) -> Plan:
        """What was asked for. It never changes, so that workflows may read it without a step."""
        return plan_of(self._row(change_id))

    def _row(self, change_id: str) -> ChangeRow:
        return row_of(self._ledger, change_id)


def _log(change_id: str, defect: Exception) -> str:
    """The defect in a line, for the ledger; the log has all of it."""
    log.error("change %s met a defect", change_id, exc_info=defect)
    return f"{type(defect).__name__}: {defect}"


def _look_in_the_log(change_id: str) -> str:
    return f"Something went wrong in the bot itself. Look in its log for {change_id}."
