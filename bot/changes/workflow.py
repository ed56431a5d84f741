"""The life of a change: submitted, answered, queued, performed on each VM, concluded.

DBOS keeps it, the ledger tells it.

Each stretch of it is a workflow under an id made from the change's own, so it runs once however often it is asked for,
and goes on after a restart: `<change>` begins, `<change>-answer` takes the first answer, `<change>-expiry` is due when
nobody answers, `<change>-<n>` acts on the n-th VM, and the one that is done last concludes the change. What waits for
an answer or for its turn holds no thread: it is a row in the ledger and a turn in `limits`, and no workflow at all.
Workflow functions decide nothing by themselves: every look and every effect is a step, and the ledger's compare-and-set
settles races.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal, Protocol, TypeVar

from dbos import DBOS

from backends.base.written import Kind, Record
from bot.changes import approvals, merges
from bot.changes.approvals import APPROVED, BRAKE, NEEDED
from bot.changes.limits import Limits, Turn
from bot.changes.message import ChangeMessages
from bot.changes.outcome import OUTCOME, Outcome, Said, conclusion, outcomes
from bot.changes.perform import NotNow, Performer
from bot.changes.permission import Awaits, is_by_the_clock, plan_of
from bot.changes.soundness import Soundness
from bot.durable import GIVEN_UP, OVER, PENDING, UNREADABLE, Durable
from bot.ledger import LEGAL, ChangeRow, ChangeState, IllegalMove, Ledger, LedgerError, Unreadable
from bot.messages import Origin
from bot.people.identity import Refusal
from commands.base import Person, Plan
from commands.kit.words import say_names

log = logging.getLogger(__name__)
T = TypeVar("T")

LATE = timedelta(minutes=15)
"""A confirmation that could not be begun for longer than this is not carried out any more."""

SHOW_AGAIN = (5.0, 30.0, 120.0, 600.0, *(3600.0,) * 24)
"""Seconds before each further try to show what could not be shown: while Slack is away, for a day."""

NOBODY = Said("nobody answered", "nobody answered in time")

MARKED_AS_DONE = Said(
    "marked as done",
    "Where the bot keeps its workflows this is marked as done, and the bot has no record of doing it. Look at the VM "
    "before you ask again.",
)

CANCELLED_BY_FREEZE = "cancelled by a freeze"
"""The key of what is told of a change that somebody's freeze cancelled."""

Word = Literal["confirm", "approve", "refuse", "cancel"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody pressed on the card."""

    word: Word
    person_id: str
    person_name: str
    at: datetime
    reason: str = ""
    """Why it is refused, in the person's own words, where they said so."""


class TakenOver(Exception):
    """A change is somebody else's by now."""

    def __init__(self, change: ChangeRow) -> None:
        super().__init__(change.id)
        self.change = change


class Permit(Protocol):
    """Whose answer a change needs, if any. Both raise `Refusal` when it is not allowed."""

    def of(self, plan: Plan, person: Person, channel: str) -> Awaits | None: ...

    def over(self, change: ChangeRow) -> Awaits | None: ...

    def waits(self, awaits: Awaits) -> timedelta:
        """How long it waits for that answer."""

    def mentioned(self, plan: Plan, channel: str, *, but: Collection[str], braked: bool = False) -> tuple[str, ...]:
        """The ids of those who are asked to approve it, other than these."""

    def take_over(self, change: ChangeRow, person: Person) -> None:
        """Whether somebody may make it theirs. Raises `Refusal`."""

    def needed(self, change: ChangeRow) -> int:
        """How many different people must approve it by the rules."""

    def braked(self, change: ChangeRow) -> str:
        """Why its person may not do this on their own word, since they have done so much; empty where they may."""

    def braked_now(self, change: ChangeRow) -> str:
        """The same when it is let go, by what was let go since it was asked for."""


class ByTheClock(Protocol):
    """Who asks for changes by the clock (`Plan.clock`), and how it learns what becomes of them: such a change has no
    message of its own. Each call is a step of a workflow: it may begin others, and after a crash it may come again."""

    def concluded(self, change: ChangeRow) -> None:
        """It is over: carried out, failed, or not allowed any more. What `Changes.submit` refuses is none of these."""

    def merged(self, change: ChangeRow, vm_id: str) -> None:
        """After a delete: the VM's disks are merged, or nobody can see whether they are."""


class Changes:
    """Starts changes, passes answers on to them, and takes them up again after a restart."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        messages: ChangeMessages,
        permission: Permit,
        durable: Durable,
        performer: Performer,
        clock: Callable[[], datetime],
        show_again: Sequence[float] = SHOW_AGAIN,
        soundness: Soundness | None = None,
    ) -> None:
        """Declares the workflows, before DBOS is launched. `show_again` are the pauses before each further try to show
        what could not be shown, in seconds."""
        self._ledger = ledger
        self._messages = messages
        self._permission = permission
        self._durable = durable
        self._performer = performer
        self._clock = clock
        self._soundness = soundness or Soundness()
        self._show_again = show_again
        self._limits = Limits(self._begin_turn)
        self._by_the_clock: list[ByTheClock] = []
        self._answering = Lock()
        """Held while an answer is taken, or a change is taken over: whoever answers, it is theirs to answer."""
        self._counting = Lock()
        """Of two that are let go at once each counts for the other's brake."""
        self._declare()

    def listen(self, one: ByTheClock) -> None:
        """Let it hear of every change that is asked for by the clock. Before `launch`."""
        self._by_the_clock.append(one)

    def _declare(self) -> None:
        @self._durable.workflow("change")
        def change(change_id: str) -> None:
            if not self._guarded(change_id, lambda: self._begin(change_id)):
                self._report(change_id)
                self._conclude_by_the_clock(change_id)

        @self._durable.workflow("answer")
        def answered(change_id: str, answer: Answer) -> None:
            if not self._guarded(change_id, lambda: self._go_on(change_id, answer)):
                self._report(change_id)

        @self._durable.workflow("expiry")
        def expiry(change_id: str) -> None:
            if self._durable.step("expire", lambda: self._expire(change_id)):
                self._report(change_id)

        @self._durable.workflow("change on one VM")
        def on_one_vm(change_id: str, index: int) -> None:
            self._on_one_vm(change_id, index)

        @self._durable.workflow("show")
        def shown(change_id: str, tries: int) -> None:
            self._report(change_id, tries)

        @self._durable.workflow("concluded")
        def concluded(change_id: str) -> None:
            change = self._durable.read("concluded", lambda: self._get(change_id))
            self._tell_by_the_clock("tell the end", lambda one: one.concluded(change))

        @self._durable.workflow("merge")
        def merge(change_id: str, watch: merges.Watch) -> None:
            self._follow_merge(change_id, watch)

        self._change, self._answered, self._expiry = change, answered, expiry
        self._one_vm, self._merge, self._shown, self._concluded = on_one_vm, merge, shown, concluded

    # ------------------------------------------------------------ what people do

    def submit(
        self,
        change_id: str,
        plan: Plan,
        person: Person,
        origin: Origin,
        *,
        record_denial: bool = True,
    ) -> bool:
        """Decide on a plan, and begin it as a change; False when that id is known already, and then nothing is done.
        Raises `Refusal`, which is in the ledger, unless the person was refused too often for that. It may be called
        from a step of a workflow.

        Of a plan by the clock (`Plan.clock`), `person` is its owner, by their id and name: they are let in here, and
        their grants of now decide. Nothing asks them: what needs an approval is denied. No card is posted; who asks
        learns the end as `ByTheClock`.

        The request is in the ledger when this returns, and will be carried through whatever crashes.
        """
        try:
            plan = self._soundness.admit(plan)
            awaits = self._permission.of(plan, person, origin.channel)
        except Refusal as refusal:
            if record_denial and self._ledger.changes.request(change_id, plan, person, origin):
                self._move(change_id, ChangeState.DENIED, Said("denied", refusal.cause))
            refusal.recorded = True
            raise
        expires_at = self._clock() + self._permission.waits(awaits or "approval")  # the brake may still ask for one
        if not self._ledger.changes.request(change_id, plan, person, origin, expires_at=expires_at):
            return False
        self._messages.asked_from(change_id, origin)
        try:
            self._let_go(change_id, awaits)
        except Refusal as refusal:
            self._move(change_id, ChangeState.DENIED, Said("denied", refusal.cause))
            refusal.recorded = True
            raise
        except LedgerError as trouble:  # it was asked for, so it goes on: the workflow decides when the ledger is well
            log.error("change %s waits for the ledger: %s", change_id, trouble.cause)
        self._durable.start_apart(change_id, self._change, change_id)
        return True

    def foresee(self, plan: Plan, person: Person, channel: str) -> Awaits | None:
        """Whose answer a plan would need, without asking for it. Raises `Refusal` where it is not allowed."""
        return self._permission.of(self._soundness.admit(plan), person, channel)

    def shown(self, change_id: str) -> ChangeRow | None:
        """The change whose card somebody presses, with the place of that card."""
        self._messages.wait_until_posted(change_id)
        return self._ledger.changes.get(change_id)

    def answer(self, change: ChangeRow, answer: Answer) -> Answer:
        """Take an answer to a change as it was when somebody was found to may give it. Of several the first counts,
        which is given, and none after the change has expired. Raises `TakenOver` where it is somebody else's by now."""
        with self._answering:
            now = self._ledger.changes.get(change.id)
            if now is not None and now.person_id != change.person_id:
                raise TakenOver(now)
            self._durable.start(f"{change.id}-answer", self._answered, change.id, answer)
        return self.answered_by(change.id) or answer

    def take_over(self, change: ChangeRow, person: Person, origin: Origin) -> bool:
        """Make a change that waits for an answer somebody else's; False when it was answered already. Who had it is
        told. Raises `Refusal`, and `TakenOver`."""
        self._permission.take_over(change, person)
        braked = bool(approvals.braked(self._ledger.events.of(change.id, approvals.TOLD)))
        plan, channel = plan_of(change), change.origin.channel
        mentioned = self._permission.mentioned(plan, channel, but={person.id, change.asked_by}, braked=braked)
        said = f"taken over by {person.name}"
        with self._answering:
            now = self._ledger.changes.get(change.id)
            if now is not None and now.person_id != change.person_id:
                raise TakenOver(now)
            if now is None or now.state != ChangeState.AWAITING or self.answered_by(change.id) is not None:
                return False
            detail = {"from": change.person_id, "approvers": mentioned}
            try:
                self._ledger.changes.take_over(change.id, person, why=said, detail=detail)
            except IllegalMove:  # it expired in this moment
                return False
        self._messages.taken_over(change, person, origin)
        return True

    def approve(self, change_id: str, answer: Answer) -> int:
        """Record one of the several approvals that a change needs. How many different people have given theirs by now;
        the last of them is also to `answer`. Raises `IllegalMove` where it waits no more."""
        why = f"approved by {answer.person_name}"
        self._ledger.changes.approve(change_id, APPROVED, by=answer.person_id, why=why)
        self._messages.show_soon(change_id)
        change = self._ledger.changes.load(change_id, approvals.TOLD)
        return len(approvals.approvers(change.row, change.events))

    def answered_by(self, change_id: str) -> Answer | None:
        """The answer that was taken; it takes effect also when the bot dies. None where there is none, or none that
        this version can read."""
        given = self._durable.arguments(f"{change_id}-answer")
        return next((one for one in given if isinstance(one, Answer)), None)

    def stop_queued(self, person: Person) -> None:
        """Cancel whatever waits for its turn, since somebody freezes everything."""
        for change in self._ledger.changes.unfinished():
            if change.state == ChangeState.QUEUED:
                said = Said(CANCELLED_BY_FREEZE, f"by {person.name}'s freeze", {"person": person.name})
                self._cancel(change.id, person, said)

    def withdraw(self, change_id: str, person: Person) -> bool:
        """Cancel a change that waits for its turn; False when it has begun and cannot be cut off."""
        return self._cancel(change_id, person, Said("cancelled", f"by {person.name}", {"person": person.name}))

    def _cancel(self, change_id: str, person: Person, said: Said) -> bool:
        try:
            self._move(change_id, ChangeState.CANCELLED, said, by=person.id)
        except IllegalMove:
            return False
        self._messages.show(change_id)
        return True

    # ------------------------------------------------------------ its life, from top to bottom

    def _begin(self, change_id: str) -> bool:
        """Whether it goes on at once, or else waits for an answer until it expires."""
        change = self._durable.read("begin", lambda: self._get(change_id))
        if self._durable.step("ask", lambda: self._ask(change)):
            return self._queue(change)
        seconds = self._durable.step("expiry", lambda: self._seconds_left(change_id))
        if seconds is not None:
            self._durable.start_later(seconds, f"{change_id}-expiry", self._expiry, change_id)
        return False

    def _ask(self, change: ChangeRow) -> bool:
        """Whether it goes on at once. It was decided when it was submitted, unless the bot died right then."""
        if change.state == ChangeState.REQUESTED:
            try:
                return self._let_go(change.id, self._permission.over(change))
            except Refusal as refusal:
                self._move(change.id, ChangeState.DENIED, Said("denied", refusal.cause))
                self._messages.refuse(change, refusal.sentence)
                return False
        return change.state == ChangeState.QUEUED

    def _let_go(self, change_id: str, awaits: Awaits | None) -> bool:
        """Queue it, or let it wait for the answer that it needs. Raises `Refusal`."""
        change = self._get(change_id)
        brake, needed = self._permission.braked(change), self._permission.needed(change)
        if awaits == "approval" and not (brake or needed):
            awaits = "confirmation"  # the brake held it when it was typed, and something was withdrawn since
        if awaits is None and not brake:
            self._move(change_id, ChangeState.QUEUED, Said("no question", "needs no confirmation"))
            return True
        awaits = "approval" if brake else awaits
        said = Said(f"waits for {awaits}", f"waits for {awaits}")
        detail: dict[str, object] = {**said.detail, "awaits": awaits}
        if awaits == "approval":
            plan, channel = plan_of(change), change.origin.channel
            mentioned = self._permission.mentioned(plan, channel, but={change.person_id}, braked=bool(brake))
            detail |= {
                "approvers": mentioned,
                NEEDED: max(1, needed),
                **({BRAKE: brake} if brake else {}),
            }
        self._ledger.changes.move(change_id, ChangeState.AWAITING, by="bot", why=brake or said.sentence, detail=detail)
        return False

    def _seconds_left(self, change_id: str) -> float | None:
        """Until the change expires; None when it waits for nobody."""
        change = self._get(change_id)
        if change.state != ChangeState.AWAITING:
            return None
        return max(0.0, ((change.expires_at or change.created_at) - self._clock()).total_seconds())

    def _expire(self, change_id: str) -> bool:
        """Whether it has expired; one that was answered has not."""
        try:
            self._move(change_id, ChangeState.EXPIRED, NOBODY)
        except IllegalMove as answered:
            log.debug("change %s does not expire: %s", change_id, answered)
            return False
        return True

    def _go_on(self, change_id: str, answer: Answer) -> bool:
        """Whether it goes on after this answer."""
        change = self._durable.read("answer", lambda: self._get(change_id))
        taken = self._durable.step("take answer", lambda: self._take_answer(change, answer))
        return taken and self._queue(change)

    def _take_answer(self, change: ChangeRow, answer: Answer) -> bool:
        """Whether the change goes on. An answer that comes after the end changes nothing."""
        if change.state != ChangeState.AWAITING:
            return change.state == ChangeState.QUEUED
        state, by, said = self._meaning(change, answer)
        try:
            with self._counting:
                if answer.word == "confirm" and state == ChangeState.QUEUED:
                    state, by, said = self._unless_braked(change, state, by, said)
                self._move(change.id, state, said, by=by)
        except IllegalMove as late:
            log.info("an answer to change %s came too late: %s", change.id, late)
            return False
        return state == ChangeState.QUEUED

    def _unless_braked(
        self, change: ChangeRow, state: ChangeState, by: str, said: Said
    ) -> tuple[ChangeState, str, Said]:
        """What was asked for long ago counts when it is let go."""
        if brake := self._permission.braked_now(change):
            return ChangeState.DENIED, "bot", Said("denied", f"{brake} Type the command again.")
        return state, by, said

    def _meaning(self, change: ChangeRow, answer: Answer) -> tuple[ChangeState, str, Said]:
        """What an answer makes of the change, who does that, and what is said of it."""
        if change.expires_at is not None and answer.at >= change.expires_at:
            return ChangeState.EXPIRED, "bot", NOBODY
        named = {"person": answer.person_name}
        if answer.word == "cancel":
            return ChangeState.CANCELLED, answer.person_id, Said("cancelled", f"by {answer.person_name}", named)
        if answer.word == "refuse":
            why = f"by {answer.person_name}{f': {answer.reason}' if answer.reason else ''}"
            return ChangeState.REFUSED, answer.person_id, Said("refused", why, {**named, "reason": answer.reason})
        if self._clock() - answer.at > LATE:
            why = f"confirmed at {answer.at:%H:%M} UTC, but the bot was not running then"
            return ChangeState.EXPIRED, "bot", Said("confirmed too early", why, {"at": f"{answer.at:%H:%M}"})
        how = "approved" if answer.word == "approve" else "confirmed"
        return ChangeState.QUEUED, answer.person_id, Said(how, f"{how} by {answer.person_name}", named)

    def _queue(self, change: ChangeRow) -> bool:
        """Let every VM of it wait for its turn. One that is quick is shown once, when it is over."""
        self._limits.queue(*self._turns(change))
        self._messages.show_soon(change.id)
        return True

    def _begin_turn(self, turn: Turn) -> None:
        self._durable.start_apart(f"{turn.change_id}-{turn.index}", self._one_vm, turn.change_id, turn.index)

    def _on_one_vm(self, change_id: str, index: int) -> None:
        """Perform it on one VM. With the last one the change is over, and is shown as it ended."""
        change = self._durable.read("begin", lambda: self._get(change_id))
        turn = self._turn(change, index)
        outcome = self._outcome(change, turn)
        over = self._durable.step("record", lambda: self._record(change, outcome))
        if change.verb == "delete" and outcome.state == ChangeState.SUCCEEDED:
            self._follow(change_id, merges.Watch(outcome))
        self._limits.done(turn)
        if over is False:
            self._messages.show_soon(change_id)
        else:
            # Not here: Slack may be slow, and the VM's next change waits for this one.
            self._durable.start(f"{change_id}-{index}-shown", self._shown, change_id, 0)
            if is_by_the_clock(change):
                self._durable.start_apart(f"{change_id}-concluded", self._concluded, change_id)

    def _outcome(self, change: ChangeRow, turn: Turn) -> Outcome:
        """What became of the change on one VM. A defect in the bot leaves it unknown, and the other VMs alone."""
        target = plan_of(change).targets[turn.index]
        try:
            return self._performer.perform(_Yielding(self._durable, self._limits, turn), change, target)
        except Exception as defect:
            met = defect
            cause = self._durable.step("defect", lambda: _log(change.id, met))
        said = _look_in_the_log(change.id)
        return Outcome(target.vm_id, target.vm_name, ChangeState.UNKNOWN, said.sentence, cause, key=said.key)

    def _record(self, change: ChangeRow, outcome: Outcome) -> bool:
        """Note what became of one VM. Whether the change is over with it."""
        if not self._ledger.events.has(change.id, OUTCOME, vm_id=outcome.vm_id):
            self._ledger.changes.note(change.id, OUTCOME, by="bot", why=outcome.sentence, detail=asdict(outcome))
        self._messages.vm_is_done(change.id, outcome.vm_id)
        targets = plan_of(change).targets
        if self._ledger.events.count(change.id, OUTCOME) < len(targets):
            return False
        done = {one.vm_id: one for one in outcomes(self._ledger.events.of(change.id, {OUTCOME}))}
        self._conclude(change.id, tuple(done[target.vm_id] for target in targets))
        return True

    def _conclude(self, change_id: str, done: tuple[Outcome, ...]) -> None:
        state, result = conclusion(done)
        why = "; ".join(o.cause for o in done if o.cause) or f"done on {say_names([o.vm_name for o in done])}"
        try:
            self._end(change_id, state, why, result)
        except IllegalMove as moved:
            if ChangeState.FAILED in LEGAL[moved.state]:
                # It had begun when the bot died, and was void or denied when it was looked at again.
                self._end(change_id, ChangeState.FAILED, why, result)
            else:
                log.info("change %s was cancelled before it began: %s", change_id, moved)
        self._messages.change_is_done(change_id)

    def _end(self, change_id: str, state: ChangeState, why: str, result: str) -> None:
        self._ledger.changes.move(change_id, state, by="bot", why=why, result=result, detail={"key": str(state)})

    # ------------------------------------------------------------ what follows it

    def _report(self, change_id: str, tries: int = 0) -> None:
        """Show how it stands. Where that is barred it is tried again, or the message would say for ever what is no
        longer so."""
        shown = self._durable.step("report", lambda: self._messages.show(change_id))
        if not shown and tries < len(self._show_again):
            again = f"{DBOS.workflow_id}-again"
            self._durable.start_later(self._show_again[tries], again, self._shown, change_id, tries + 1)

    def _follow(self, change_id: str, watch: merges.Watch) -> None:
        """Look at a merge after a while: a workflow for each look, so that none waits for hours."""
        number = f"{change_id}-merge-{watch.outcome.vm_id}-{watch.looks}"
        self._durable.start_later(watch.pause, number, self._merge, change_id, watch)

    def _follow_merge(self, change_id: str, watch: merges.Watch) -> None:
        env = self._performer.env
        now = self._durable.step(
            "look at the merge",
            lambda: merges.look(env.fleet, watch.outcome, self._clock(), watch.begun, env.backends),
        )
        line, further = merges.judge(watch, now)
        if line is not None:
            self._durable.step("tell", lambda: self._add(change_id, *line))
            self._report(change_id)
        if further is not None:
            self._follow(change_id, further)
            return
        change = self._durable.read("merged", lambda: self._get(change_id))
        if is_by_the_clock(change):
            self._tell_by_the_clock("tell the merge", lambda one: one.merged(change, watch.outcome.vm_id))

    def _tell_by_the_clock(self, step: str, tell: Callable[[ByTheClock], None]) -> None:
        for one in self._by_the_clock:
            self._durable.step(step, lambda one=one: self._durable.apart(lambda: tell(one)))  # type: ignore[misc]

    def _conclude_by_the_clock(self, change_id: str) -> None:
        """Tell who asked for it by the clock, once it is over. In a workflow of its own, which is begun once."""
        change = self._durable.read("is it over", lambda: self._get(change_id))
        if is_by_the_clock(change) and change.state.final:
            self._durable.start_apart(f"{change_id}-concluded", self._concluded, change_id)

    def _add(self, change_id: str, event: str, said: Said) -> None:
        """Add a line to a result that stands already, once. A merge ends once: told again after a death, the size that
        came back may be another one."""
        events = self._ledger.events.of(change_id, {event})
        known = [merges.vm_of(one) if event == merges.MERGED else one.why for one in events]
        if (said.values["vm_id"] if event == merges.MERGED else said.sentence) not in known:
            self._ledger.changes.note(change_id, event, by="bot", why=said.sentence, detail=said.detail)

    # ------------------------------------------------------------ start and defects

    def launch(self) -> None:
        """Take up what was pending when the bot last stopped, in the order of asking. After DBOS was launched."""
        taken: list[tuple[ChangeRow, list[Turn]]] = []
        for change in self._ledger.changes.unfinished():
            try:
                taken.append((change, self._turns(change)))
            except Unreadable as error:
                self._cannot_go_on(change, error.sentence)
        for _, turns in taken:
            self._occupy(turns)
        for change, turns in taken:
            self._take_up(change, turns)
        self._limits.open()

    def _occupy(self, turns: Sequence[Turn]) -> None:
        """The VMs that it was at work on when the bot stopped have no other turn before it is done with them, and what
        it was done with has none again. DBOS goes on with it meanwhile."""
        for turn in turns:
            stands = self._durable.stands(f"{turn.change_id}-{turn.index}")
            if stands in PENDING:
                self._limits.occupy(turn)
            elif stands is not None:
                self._limits.done(turn)

    def _take_up(self, change: ChangeRow, turns: Sequence[Turn]) -> None:
        """DBOS takes up workflows by itself. What is left are requests whose workflow was never begun, VMs that wait
        for their turn, and changes whose workflow DBOS gave up: it met a defect that it could not even record, or the
        bot died in it too often."""
        begun = self._durable.stands(change.id)
        stretches = [begun, self._durable.stands(f"{change.id}-answer")]
        stretches += [self._durable.stands(f"{change.id}-{turn.index}") for turn in turns]
        if UNREADABLE in stretches:
            self._cannot_go_on(
                change, "Another version of the bot began this, and this one cannot read how far it came."
            )
        elif any(one in GIVEN_UP for one in stretches):
            self._give_up(change.id, "its workflow was given up")
        elif self._is_only_marked_as_done(change.id, turns, stretches):
            log.error("change %s is marked as done, and there is no record of it", change.id)
            self._give_up(change.id, "its workflow is marked as done, and the ledger does not say so", MARKED_AS_DONE)
        elif begun is None:
            self._durable.start(change.id, self._change, change.id)
        elif change.state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.UNKNOWN):
            self._limits.queue(*(turn for turn, stands in zip(turns, stretches[2:], strict=True) if stands is None))
            self._messages.show_soon(change.id)

    def _is_only_marked_as_done(self, change_id: str, turns: Sequence[Turn], stretches: Sequence[str | None]) -> bool:
        """A stretch is over, and what it does before it is over is not in the ledger. That is looked at last: a stretch
        may end meanwhile."""
        begun, answered, *each = (one == OVER for one in stretches)
        state = self._get(change_id).state
        if state in (ChangeState.REQUESTED, ChangeState.AWAITING):
            return begun if state == ChangeState.REQUESTED else answered
        return any(
            over and not self._ledger.events.has(change_id, OUTCOME, vm_id=turn.vm_id)
            for turn, over in zip(turns, each, strict=True)
        )

    def _give_up(self, change_id: str, cause: str, said: Said | None = None) -> None:
        self._fail(change_id, cause, said)
        self._messages.show_soon(change_id)  # others wait for this start, and Slack may be slow
        self._conclude_by_the_clock(change_id)

    def _cannot_go_on(self, change: ChangeRow, sentence: str) -> None:
        """It fails alone, with a word to who asked."""
        log.error("change %s is not taken up: %s", change.id, sentence)
        said = Said("unreadable", f"{sentence} Look at the VM before you ask again.")
        self._fail(change.id, sentence, said)
        self._messages.close(change, said.sentence)

    def _guarded(self, change_id: str, act: Callable[[], bool]) -> bool:
        """What a stretch of the life gives. A defect fails the change with a word to the person, and is in the log."""
        try:
            return act()
        except Exception as defect:
            met = defect
            self._durable.step("defect", lambda: self._fail(change_id, _log(change_id, met)))
            return False

    def _fail(self, change_id: str, cause: str, said: Said | None = None) -> None:
        said = said or _look_in_the_log(change_id)
        state = self._get(change_id).state
        if state.final:
            return
        ends = {
            ChangeState.RUNNING: ChangeState.UNKNOWN,
            ChangeState.UNKNOWN: ChangeState.UNKNOWN,
            ChangeState.AWAITING: ChangeState.VOID,
        }
        end = ends.get(state, ChangeState.FAILED)
        self._ledger.changes.move(change_id, end, by="bot", why=cause, result=said.sentence, detail=said.detail)

    # ------------------------------------------------------------ ledger

    def _move(self, change_id: str, state: ChangeState, said: Said, *, by: str = "bot") -> None:
        self._ledger.changes.move(change_id, state, by=by, why=said.sentence, detail=said.detail)

    def _get(self, change_id: str) -> ChangeRow:
        change = self._ledger.changes.get(change_id)
        if change is None:
            raise LookupError(f"the ledger has no change {change_id}")
        return change

    def _turns(self, change: ChangeRow) -> list[Turn]:
        return [self._turn(change, index) for index in range(len(plan_of(change).targets))]

    def _turn(self, change: ChangeRow, index: int) -> Turn:
        target = plan_of(change).targets[index]
        return Turn(change.id, index, target.vm_id, target.host)


@dataclass(frozen=True, slots=True)
class _Yielding:
    """Steps that let others go ahead on the host while they sleep: who waits for a host that is lost does so for
    hours."""

    durable: Durable
    limits: Limits
    turn: Turn

    def step(self, name: str, act: Callable[[], T]) -> T:
        return self.durable.step(name, act)

    def sleep(self, seconds: float) -> None:
        self.limits.away(self.turn)
        try:
            self.durable.sleep(seconds)
        finally:
            self.limits.back(self.turn)


class _NotNowKind:
    """How `NotNow` is written down."""

    type: type[NotNow] = NotNow

    def dump(self, value: NotNow) -> object:
        return {"state": str(value.state), **value.said.detail, "sentence": value.said.sentence}

    def load(self, written: dict[str, str]) -> NotNow:
        return NotNow(ChangeState(written["state"]), Said(written.get("key", ""), written["sentence"]))


KINDS: dict[str, Kind] = {
    "answer": Record(Answer),
    "watch": Record(merges.Watch),
    "look": Record(merges.Look),
    "outcome": Record(Outcome),
    "not now": _NotNowKind(),
}
"""What the workflows of changes hold. The names are on disk and stay."""


def _log(change_id: str, defect: Exception) -> str:
    """The defect in a line, for the ledger; the log has all of it."""
    log.error("change %s met a defect", change_id, exc_info=defect)
    return f"{type(defect).__name__}: {defect}"


def _look_in_the_log(change_id: str) -> Said:
    return Said("defect", f"Something went wrong in the bot itself. Look in its log for {change_id}.")
