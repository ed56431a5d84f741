"""A plan's durable way: request, confirm, perform, record, report. DBOS keeps it; the ledger tells it.

One workflow carries one change, under the change's own id, so it runs once however often it is asked for. It waits for
the person's answer, also over a restart, and then queues one workflow for each VM on a queue that lets one at a time
through per VM. Workflow functions decide nothing by themselves: every look and every effect is a step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID, WorkflowHandle

from bot import merges
from bot.announcer import Announcer, AnnouncerError, Origin
from bot.cards import card
from bot.ledger import ChangeRow, ChangeState, IllegalMove, Ledger
from bot.performing import Awaits, Denial, Performer, plan_of
from bot.work import OUTCOME, Outcome, outcomes
from commands.base import Person, Plan

log = logging.getLogger(__name__)
T = TypeVar("T")

APPLICATION_VERSION = "1"
"""Of the workflows, not of the program: raised only when their steps change, so that an upgrade takes up what waits."""

QUEUE = "vms"
ANSWER = "answer"
LATE = timedelta(minutes=15)
"""A confirmation that could not be begun for longer than this is not carried out any more."""

PROGRESS_EVERY = timedelta(seconds=3)
SETTLED_IN = 0.3
"""Seconds within which a change begins when nothing is before it."""

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
        announcer: Announcer,
        authorise: Callable[[ChangeRow], Awaits | None],
        clock: Callable[[], datetime],
        polling: float = 0.05,
    ) -> None:
        """`authorise` says whose answer a change needs, if any, and raises `Denial` when it is not allowed (any more).
        `polling` is how often the queues and answers are looked at, in seconds."""
        self._ledger = ledger
        self._announcer = announcer
        self._authorise = authorise
        self._clock = clock
        self._polling = polling
        self._origins: dict[str, Origin] = {}
        self._performer: Performer
        self._progress: dict[tuple[str, str], int] = {}
        self._shown: dict[str, datetime] = {}

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
        def carry(change_id: str) -> None:
            self._carry(change_id)

        @DBOS.workflow(name="change on one VM")
        def carry_one(change_id: str, index: int) -> Outcome:
            return self._carry_one(change_id, index)

        self._workflow, self._workflow_of_one = carry, carry_one

    def launch(self) -> None:
        """Begin, and take up what was pending when the bot last stopped."""
        DBOS.launch()
        DBOS.register_queue(QUEUE, partition_concurrency=1, polling_interval_sec=self._polling)
        for row in self._ledger.unfinished():
            self._start(row.id)

    def stop(self, seconds: int = 10) -> None:
        """Let running steps end for that long; what is still pending is taken up at the next launch."""
        DBOS.destroy(workflow_completion_timeout_sec=seconds, destroy_registry=True)

    # ------------------------------------------------------------ what people do

    def submit(
        self, change_id: str, plan: Plan, person: Person, origin: Origin, *, expires_at: datetime | None = None
    ) -> bool:
        """Begin a change; False when that id is known already, and then nothing is done. `expires_at` is until when it
        waits for an answer, where it needs one.

        The request is in the ledger when this returns, and will be carried through whatever crashes.
        """
        new = self._ledger.request(change_id, plan, person, origin, expires_at=expires_at)
        if new:
            self._origins[change_id] = origin
            self._start(change_id)
        return new

    def answer(self, change_id: str, answer: Answer) -> None:
        """Pass an answer on. Of several the first counts; none counts after the change has gone on."""
        DBOS.send(change_id, answer, ANSWER)

    def withdraw(self, change_id: str, person: Person) -> bool:
        """Cancel a change that waits for its turn; False when it has begun and cannot be cut off."""
        try:
            self._ledger.move(change_id, ChangeState.CANCELLED, by=person.id, why=f"by {person.name}")
        except IllegalMove:
            return False
        self.show(change_id)
        return True

    def _start(self, change_id: str) -> None:
        with SetWorkflowID(change_id):
            DBOS.start_workflow(self._workflow, change_id)

    # ------------------------------------------------------------ the way

    def _carry(self, change_id: str) -> None:
        try:
            if self._decide(change_id):
                self._perform(change_id)
        except Exception as defect:
            log.exception("change %s met a defect", change_id)
            cause = f"{type(defect).__name__}: {defect}"
            _step("defect", lambda: self._fail(change_id, cause))
        _step("report", lambda: self.show(change_id))
        self._follow_merges(change_id)

    def _follow_merges(self, change_id: str) -> None:
        """After a delete, say when each merge is over, and when one stalls."""
        merging = _step("what is merging", lambda: self._merging(change_id))
        fleet = self._performer.means.fleet
        merges.follow(_DBOSJournal(), fleet, self._clock, merging, lambda *line: self._add(change_id, *line))

    def _decide(self, change_id: str) -> bool:
        """Whether the change goes on: at once, or after the answer that it needs."""
        seconds = _step("ask", lambda: self._ask(change_id))
        if seconds is None:
            return _step("allowed", lambda: self._row(change_id).state == ChangeState.QUEUED)
        answer = DBOS.recv(ANSWER, seconds)
        return _step("decide", lambda: self._take_answer(change_id, answer))

    def _ask(self, change_id: str) -> float | None:
        """Queue the change, or put its card up where an answer is needed: seconds to wait for it, or None."""
        row = self._row(change_id)
        try:
            awaits = self._authorise(row)
        except Denial as denial:
            self._ledger.move(change_id, ChangeState.DENIED, by="bot", why=denial.sentence)
            return None
        if awaits is None:
            self._ledger.move(change_id, ChangeState.QUEUED, by="bot", why="needs no confirmation")
            return None
        why = f"waits for {awaits}"
        self._ledger.move(change_id, ChangeState.AWAITING, by="bot", why=why, detail={"awaits": awaits})
        self.show(change_id)
        until = row.expires_at or row.created_at
        return max(0.0, (until - self._clock()).total_seconds())

    def _take_answer(self, change_id: str, answer: Answer | None) -> bool:
        if answer is None:
            self._ledger.move(change_id, ChangeState.EXPIRED, by="bot", why="nobody answered in time")
            return False
        if answer.word == "cancel":
            self._ledger.move(change_id, ChangeState.CANCELLED, by=answer.person_id, why=f"by {answer.person_name}")
            return False
        if self._clock() - answer.at > LATE:
            why = f"confirmed at {answer.at:%H:%M} UTC, but the bot was not running then"
            self._ledger.move(change_id, ChangeState.EXPIRED, by="bot", why=why)
            return False
        verb = "approved" if answer.word == "approve" else "confirmed"
        self._ledger.move(change_id, ChangeState.QUEUED, by=answer.person_id, why=f"{verb} by {answer.person_name}")
        return True

    def _perform(self, change_id: str) -> None:
        targets = _step("targets", lambda: tuple(t.vm_id for t in plan_of(self._row(change_id)).targets))
        handles: list[WorkflowHandle[Outcome]] = []
        for index, vm_id in enumerate(targets):
            with SetEnqueueOptions(queue_partition_key=vm_id), SetWorkflowID(f"{change_id}-{index}"):
                handles.append(DBOS.enqueue_workflow(QUEUE, self._workflow_of_one, change_id, index))
        _step("show that it is under way", lambda: self._show_unless_quick(change_id))
        outcomes = tuple(h.get_result(polling_interval_sec=self._polling) for h in handles)
        _step("conclude", lambda: self._conclude(change_id, outcomes))

    def _carry_one(self, change_id: str, index: int) -> Outcome:
        target = _step("target", lambda: plan_of(self._row(change_id)).targets[index])
        outcome = self._performer.perform(_DBOSJournal(), change_id, target)
        _step("record", lambda: self._record(change_id, outcome))
        return outcome

    def _record(self, change_id: str, outcome: Outcome) -> None:
        self._ledger.note(change_id, OUTCOME, by="bot", why=outcome.sentence, detail=asdict(outcome))
        self._progress.pop((change_id, outcome.vm_id), None)
        if len(plan_of(self._row(change_id)).targets) > 1:
            self.show(change_id)

    def _conclude(self, change_id: str, outcomes: tuple[Outcome, ...]) -> None:
        state, result = conclusion(outcomes)
        causes = "; ".join(o.cause for o in outcomes if o.cause)
        self._ledger.move(change_id, state, by="bot", why=causes, result=result)
        self._shown.pop(change_id, None)
        self._origins.pop(change_id, None)

    def _merging(self, change_id: str) -> tuple[Outcome, ...]:
        row = self._row(change_id)
        if row.verb != "delete":
            return ()
        return tuple(o for o in outcomes(self._ledger.events(change_id)) if o.state == ChangeState.SUCCEEDED)

    def _add(self, change_id: str, event: str, sentence: str) -> None:
        """Add a line to a result that stands already."""
        self._ledger.note(change_id, event, by="bot", why=sentence)
        self.show(change_id)

    def _fail(self, change_id: str, cause: str) -> None:
        row = self._row(change_id)
        if row.state.final:
            return
        state = ChangeState.UNKNOWN if row.state == ChangeState.RUNNING else ChangeState.FAILED
        if row.state == ChangeState.AWAITING:
            state = ChangeState.VOID
        result = f"Something went wrong in the bot itself. Look in its log for {change_id}."
        if row.state != state:
            self._ledger.move(change_id, state, by="bot", why=cause, result=result)

    def _row(self, change_id: str) -> ChangeRow:
        row = self._ledger.change(change_id)
        if row is None:
            raise LookupError(f"the ledger has no change {change_id}")
        return row

    # ------------------------------------------------------------ what people see

    def show(self, change_id: str) -> None:
        """Bring the change's one message up to date. What cannot be shown is logged and noted in the ledger: the change
        goes on, and its record stays whole."""
        row = self._row(change_id)
        progress = {vm: percent for (change, vm), percent in self._progress.items() if change == change_id}
        message = card(row, self._ledger.events(change_id), progress)
        try:
            if row.message is not None:
                self._announcer.update(row.message, message)
            elif (ref := self._announcer.post(self._origins.get(change_id, row.origin), message)) is not None:
                self._ledger.set_message(change_id, ref)
        except AnnouncerError as error:
            log.warning("change %s could not be shown: %s", change_id, error)
            self._ledger.note(change_id, "not shown", by="bot", why=str(error), detail={})

    def _show_unless_quick(self, change_id: str) -> None:
        """Say that a change is under way, once it is; one that begins at once is not shown as waiting first."""
        end = time.monotonic() + SETTLED_IN
        while self._row(change_id).state == ChangeState.QUEUED and time.monotonic() < end:
            time.sleep(self._polling)
        self.show(change_id)

    def progressed(self, change_id: str, vm_id: str, percent: int) -> None:
        """Told while a host works. What takes longer than `PROGRESS_EVERY` shows its percentage, at most that often."""
        if self._progress.get((change_id, vm_id)) == percent:
            return
        self._progress[change_id, vm_id] = percent
        now = self._clock()
        if now - self._shown.setdefault(change_id, now) < PROGRESS_EVERY:
            return
        self._shown[change_id] = now
        row = self._row(change_id)
        if row.message is not None and not row.state.final:
            self.show(change_id)


def conclusion(outcomes: tuple[Outcome, ...]) -> tuple[ChangeState, str]:
    """What became of the whole: it succeeded only where every VM did, and is unknown while one is."""
    states = {o.state for o in outcomes}
    result = "\n".join(o.sentence for o in outcomes)
    if len(states) == 1:
        return states.pop(), result
    return (ChangeState.UNKNOWN if ChangeState.UNKNOWN in states else ChangeState.FAILED), result


class _DBOSJournal:
    def step(self, name: str, act: Callable[[], T]) -> T:
        return _step(name, act)

    def sleep(self, seconds: float) -> None:
        DBOS.sleep(seconds)


def _step(name: str, act: Callable[[], T]) -> T:
    return DBOS.run_step({"name": name}, act)


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path.absolute()}"
