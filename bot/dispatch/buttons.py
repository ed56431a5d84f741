"""What a button means: its value is an id and nothing else, and all the rest is looked up when it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.changes import approvals, freezing, verbs
from bot.changes.card import summary
from bot.changes.outcome import OUTCOME, outcomes
from bot.changes.verbs.apply import undo
from bot.changes.workflow import Answer, Changes, TakenOver, Word
from bot.dispatch import grammar
from bot.dispatch.bulkhead import At
from bot.dispatch.offers import Offers
from bot.dispatch.requests import Pressed
from bot.fleet.inventory import Inventory
from bot.ledger import TAKEN_OVER, Arrival, ChangeRow, ChangeState, Event, IllegalMove, Ledger
from bot.people import access
from bot.people.codes import Codes
from bot.settings import AccessSettings
from commands.base import Actions, Button, Entry, NotAllowed, Paragraph, Person, Reply, UsageError, name
from commands.kit.telling import button_words
from commands.kit.words import safety_name, say_span, typed

ANSWERS: dict[str, Word] = {"confirm": "confirm", "approve": "approve", "cancel": "cancel"}
"""Buttons of a card that answer its question; but for `TAKE_OVER` every other one is a command."""

LETS_GO: frozenset[Word] = frozenset({"confirm", "approve"})
"""Answers after which something is changed."""

PAGED = frozenset({"list", "history"})
"""Commands whose answers have pages."""

TAKE_OVER = "take_over"
REFUSE, REFUSE_WITH = "refuse", "refuse_with"
"""The button of a card that asks why, and the one beside the reason."""

MOST_REASON = 300
"""Characters."""

AWAY = timedelta(minutes=2)
"""Whose question it is counts as away when they have not answered for that long."""

UNKNOWN_BUTTON = "This button belongs to no request that I know."


@dataclass(frozen=True, slots=True)
class Buttons:
    """Safe to use from many threads. Every method raises `UsageError` for a button that has no meaning any more."""

    access: AccessSettings
    inventory: Inventory
    ledger: Ledger
    changes: Changes
    offers: Offers
    clock: Callable[[], datetime]
    has_left: Callable[[str], bool] = lambda _id: False
    """Whether somebody can act no more."""
    name_of: Callable[[str], str] = str
    """What somebody is called."""
    codes: Codes | None = None

    def answer(self, request: Pressed, person: Person) -> None:
        """Pass on what somebody says to a card's question. Raises `NotAllowed` where it is not theirs to answer."""
        self._answer(self._card(request), ANSWERS[request.action], person)

    def say(self, change_id: str, word: Word, person: Person, code: str = "", reason: str = "") -> None:
        """The same by a form, which stands in no message, with the one-time code that was asked for or the reason of a
        refusal. Raises `Refusal` for a wrong code."""
        row = self.changes.shown(change_id)
        if row is None:
            raise UsageError(UNKNOWN_BUTTON, "Type the command again.")
        if word == "refuse":
            self._refuse(row, person, reason)
        else:
            self._answer(row, word, person, code)

    def _answer(self, row: ChangeRow, word: Word, person: Person, code: str = "") -> None:
        if word in LETS_GO and (frozen := freezing.sentence(self.ledger.freezes.current())):
            raise NotAllowed(frozen)
        if word == "cancel" and row.state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.UNKNOWN):
            self._check_right(row, person, word)
            self._withdraw(row, person)
            return
        events = self._check(row, person, word)
        if word in LETS_GO and self.codes is not None and self.codes.asks(row.plan):
            if not code:
                raise NeedsCode(row.id, word)
            self.codes.check(person.id, code)
        mine = Answer(word, person.id, person.name, self.clock())
        if word != "approve" or self._are_enough(row, mine, events):
            self._pass_on(row, mine)

    def _check_right(self, row: ChangeRow, person: Person, word: Word) -> Sequence[Event]:
        """Whether it is theirs to say, with what happened to it so far."""
        events = self.ledger.events.of(row.id, approvals.TOLD)
        refusal = access.may_answer(self.access, row, person, word, braked=bool(approvals.braked(events)))
        if refusal is not None:
            raise NotAllowed(refusal)
        return events

    def _check(self, row: ChangeRow, person: Person, word: Word) -> Sequence[Event]:
        """The same, and whether it is still of use."""
        events = self._check_right(row, person, word)
        if row.state != ChangeState.AWAITING:
            raise Answered(f"This request is {_state_words(row)} already.", "Type the command again if you need it.")
        return events

    def _pass_on(self, row: ChangeRow, mine: Answer) -> None:
        try:
            first = self.changes.answer(row, mine)
        except TakenOver as taken:
            raise _not_theirs_now(taken) from taken
        if first != mine:
            raise Answered(f"{name(first.person_name)} was first to answer this.", "Its message tells how it ends.")

    def ask_why(self, request: Pressed, person: Person) -> Reply:
        """What asks an approver for the reason why they refuse, where no form can. Raises `NotAllowed` where it is not
        theirs to say."""
        row = self._card(request)
        self._check(row, person, "refuse")
        asks = Button("Refuse", REFUSE_WITH, row.id, "danger")
        return Reply((Paragraph(self.refused(row.id)), Entry("Why?", MOST_REASON), Actions((asks,))))

    def refused(self, change_id: str) -> str:
        """What somebody refuses. Raises `UsageError`."""
        row = self.ledger.changes.get(change_id)
        if row is None:
            raise UsageError(UNKNOWN_BUTTON, "Type the command again.")
        return f"You refuse what {name(row.person_name)} asked for: {summary(row)}. They are told."

    def refuse(self, request: Pressed, person: Person) -> None:
        """Pass on that an approver refuses, with the reason where they typed one."""
        row = self.changes.shown(request.value)
        if row is None or row.plan is None:
            raise UsageError(UNKNOWN_BUTTON, "Use the buttons of the card.")
        self._refuse(row, person, request.entered)

    def _refuse(self, row: ChangeRow, person: Person, why: str) -> None:
        self._check(row, person, "refuse")
        reason = " ".join(why.split())[:MOST_REASON]
        self._pass_on(row, Answer("refuse", person.id, person.name, self.clock(), reason))

    def take_over(self, request: Pressed, person: Person) -> None:
        """Make a question somebody's own whose asker is away."""
        row = self._card(request)
        if row.person_id == person.id:
            raise Answered("This is yours already.", "Answer it with its other buttons.")
        if row.state != ChangeState.AWAITING:
            raise Answered(f"This request is {_state_words(row)} already.", "Type the command again if you need it.")
        taken = [event.at for event in self.ledger.events.of(row.id, {TAKEN_OVER})]
        free_at = max([row.created_at, *taken]) + AWAY
        if self.clock() < free_at and not self.has_left(row.person_id):
            raise UsageError(
                f"{name(row.person_name)} asked for this only a moment ago, and may be about to answer.",
                f"You can take it over in {say_span(free_at - self.clock())}.",
            )
        try:
            if not self.changes.take_over(row, person, request.origin):
                raise Answered("This was answered a moment ago.", "Its message tells how it ends.")
        except TakenOver as taken_by:
            raise _not_theirs_now(taken_by) from taken_by

    def _card(self, request: Pressed) -> ChangeRow:
        """The change in whose own message the button stands."""
        row = self.changes.shown(request.value)
        if row is None or not _stands_in(request, row):
            raise UsageError(UNKNOWN_BUTTON, "Type the command again.")
        return row

    def _are_enough(self, row: ChangeRow, mine: Answer, events: Sequence[Event]) -> bool:
        """Whether so many have approved, with this one, that the change goes ahead. Each approval is in the ledger."""
        needed = self._needed(row)
        if needed < 2:
            return True
        again = mine.person_id in approvals.approvers(row, events)
        try:
            count = self.changes.approve(row.id, mine)
        except IllegalMove as late:
            raise Answered(f"This request is {late.state} already.", "Its message tells how it ends.") from late
        if count < needed and again:
            raise Answered(f"You have approved this already: {count} of {needed}.", "Somebody else has to, too.")
        return count >= needed

    def _needed(self, row: ChangeRow) -> int:
        return access.needed(self.access, row.plan) if row.plan else 0

    def took(self, lost: Arrival) -> bool:
        """Whether the answer that somebody gave by a button was taken, although the bot died over it. Of several people
        who answered, the first one's was; where several must approve, each one's."""
        row = self.ledger.changes.get(lost.change_id)
        if row is None:
            return False
        by = approvals.approvers(row, self.ledger.events.of(row.id, approvals.TOLD))
        if row.state is ChangeState.AWAITING and lost.origin.person_id in by:
            if len(by) >= self._needed(row):  # the bot died before the last approval let it go
                self.changes.answer(row, Answer("approve", by[-1], self.name_of(by[-1]), lost.at))
            return True
        first = self.changes.answered_by(row.id)
        return lost.origin.person_id in (row.decided_by, first and first.person_id, *by)

    def words_of(self, request: Pressed, at: At) -> tuple[str, ...]:  # noqa: PLR0911 - one for each kind
        """The command that a button stands for. What waits for hosts does so inside `at`."""
        match request.action.removeprefix("form-"):
            case "delete" | "keep" | "pin" | "apply" | "show" | "claim":
                return self._about_checkpoint(request.action.removeprefix("form-"), request.value, at)
            case "lift":
                return self._lift(request.value)
            case "mine":
                return ("digest", "--mine")
            case "list":
                return ("list", _chosen(request.value))
            case "page":
                return _page(request.value)
            case "run_failed":
                return ("schedule", "run", self._schedule(request.value), "--failed")
            case "undo" | "again":
                return _known((self._undo if request.action == "undo" else self._again)(request.value))
            case "rest":
                return self.offers.words_of(request.origin.person_id, request.value)
            case _:
                raise UsageError("I do not know this button.", f"Type {typed('help')} to see what I can do.")

    def _withdraw(self, row: ChangeRow, person: Person) -> None:
        if not self.changes.withdraw(row.id, person):
            raise Answered(
                "This change is under way on the host and cannot be cut off.", "Its message tells how it ends."
            )

    def _about_checkpoint(self, action: str, checkpoint_id: str, at: At) -> tuple[str, ...]:
        checkpoint_id = _chosen(checkpoint_id)
        with at(None):
            found = self.inventory.find_checkpoint(checkpoint_id)
        if found is None:
            raise UsageError("That checkpoint has gone.", f"Type {typed('list')} to see what there is.")
        verb, *words = button_words(action)
        return (verb, found.vm_id, found.id, *words)

    def _lift(self, proposal: str) -> tuple[str, ...]:
        """The button stands for one proposal."""
        frozen = self.ledger.freezes.current()
        if frozen is None or frozen.proposal != proposal:
            raise UsageError("That is over: another word was spoken since.", f"{typed('freeze', '--lift')} lifts it.")
        return ("freeze", "--lift")

    def _schedule(self, schedule_id: str) -> str:
        """Its name. The button stands for its last run: what a later one made up for is not done again."""
        found = next((one for one in self.ledger.schedules.all() if one.id == schedule_id), None)
        if found is None:
            raise UsageError("That schedule is gone.", f"Type {typed('schedule')} to see those that there are.")
        return found.name

    def _again(self, change_id: str) -> tuple[str, ...] | None:
        row = self.ledger.changes.get(change_id)
        if row is None or row.plan is None:
            return None
        return verbs.again(row.plan, outcomes(self.ledger.events.of(row.id, {OUTCOME})))

    def _undo(self, change_id: str) -> tuple[str, ...] | None:
        row = self.ledger.changes.get(change_id)
        if row is None or row.plan is None:
            return None
        done = outcomes(self.ledger.events.of(row.id, {OUTCOME}))
        safety = {o.vm_id: o.safety_id for o in done if o.safety_id}
        return undo(safety, safety_name(row.created_at, row.plan.targets[0].checkpoint_name or ""))


class NeedsCode(UsageError):
    """This answer needs a one-time code, which a form asks for."""

    def __init__(self, change_id: str, word: Word) -> None:
        super().__init__("This needs a one-time code.", "Press the button again: a form asks for it.")
        self.change_id = change_id
        self.word = word


class Answered(UsageError):
    """The card's question is answered, or needs no answer any more: what it is about may have been done."""

    unchanged = False


class NothingChosen(UsageError):
    """The button is about what is chosen beside it."""

    def __init__(self) -> None:
        super().__init__("Nothing is chosen.", "Choose at least one in the list, and press the button again.")


def _chosen(value: str) -> str:
    if not value:
        raise NothingChosen
    return value


def _page(command: str) -> tuple[str, ...]:
    """The words of another page, as they would be typed: of a question, and of nothing else."""
    words = grammar.split(command)[1:]
    if not words or words[0] not in PAGED:
        raise UsageError(UNKNOWN_BUTTON, "Type the command instead.")
    return words


def _not_theirs_now(taken: TakenOver) -> Answered:
    return Answered(f"{name(taken.change.person_name)} has taken this over just now.", "Its message tells how it ends.")


def _known(words: tuple[str, ...] | None) -> tuple[str, ...]:
    if words is None:
        raise UsageError(UNKNOWN_BUTTON, "Type the command instead.")
    return words


def _stands_in(request: Pressed, row: ChangeRow) -> bool:
    """Whether the button stands in the change's own message; in one that only the person sees, where it was asked."""
    if request.at_home:
        return True  # it is drawn of the ledger for whom it is shown to, and what they may answer is asked again
    if request.message is None:
        return row.message is None and request.origin.channel == row.origin.channel
    return request.message == row.message


def _state_words(row: ChangeRow) -> str:
    words = {
        ChangeState.QUEUED: "confirmed",
        ChangeState.RUNNING: "under way",
        ChangeState.UNKNOWN: "under way",
        ChangeState.SUCCEEDED: "carried out",
        ChangeState.FAILED: "over",
    }
    return words.get(row.state, str(row.state))
