"""From what a person did to an answer or a change: the gate, the grammar, the command, the permission.

Every payload kind comes through here, so a button meets the same checks as a typed command: it is turned into the
words that would have been typed.
"""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from backends.base import VM, BackendError
from bot.changes import again as retyping
from bot.changes.outcome import outcomes
from bot.changes.verbs import safety_name
from bot.changes.workflow import Answer, Changes, Word
from bot.dispatch import grammar
from bot.dispatch.requests import Pressed, Typed, change_id_of
from bot.dispatch.waiting import Attention
from bot.fleet.inventory import Inventory
from bot.fleet.view import FleetView
from bot.ledger import ChangeRow, ChangeState, Ledger, VMRef
from bot.messages import Announcer, Origin
from bot.people import access
from bot.people.identity import Gate, Refusal
from bot.settings import Settings
from commands.base import Context, NotAllowed, Person, Plan, Reply, UsageError, say
from commands.kit import runner
from commands.kit.words import short_id

log = logging.getLogger(__name__)

ANSWERS: dict[str, Word] = {"confirm": "confirm", "approve": "approve", "cancel": "cancel"}

NOTHING = "Nothing was changed."
DOUBLE_CLICK = timedelta(seconds=1)
"""The same person's next press of the same button is another one after this."""

UNKNOWN_BUTTON = "This button belongs to no request that I know."


@dataclass(slots=True)
class Dispatcher:
    """The desk where requests arrive. Safe to use from many threads."""

    settings: Settings
    gate: Gate
    inventory: Inventory
    ledger: Ledger
    changes: Changes
    announcer: Announcer
    attention: Attention
    clock: Callable[[], datetime]
    digest: Callable[[str, Callable[[VM], bool]], Reply]
    """The digest for a channel, and for somebody who may see these VMs."""
    _seen: _Recently = field(default_factory=lambda: _Recently(2000))
    _clicks: _Recently = field(default_factory=lambda: _Recently(2000))

    # ------------------------------------------------------------ what arrives

    def typed(self, request: Typed) -> None:
        if not self._seen.first(request.delivery_id, self.clock()):
            return
        with self.attention.on(request, f"/checkpoint {request.text}"):
            self._guarded(request.origin, request.text, lambda: self._typed(request))

    def pressed(self, request: Pressed) -> None:
        if not self._seen.first(request.delivery_id, self.clock()) or self._is_double_click(request):
            return
        row = self.ledger.change(request.value)
        summary = f"press {request.action}" + (f" on change {short_id(row.id)}: {row.summary}" if row else "")
        with self.attention.on(request, summary):
            self._guarded(request.origin, summary, lambda: self._pressed(request), vms=row.vms if row else ())

    def _is_double_click(self, request: Pressed) -> bool:
        """Slack gives each click of a double click a trigger of its own."""
        press = (request.origin.person_id, request.action, request.value, request.message)
        return not self._clicks.first(press, self.clock(), within=DOUBLE_CLICK)

    def _typed(self, request: Typed) -> None:
        origin = request.origin
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel)
        self._run(tuple(grammar.split(request.text)), person, origin, request.team_id, request.delivery_id)

    def _pressed(self, request: Pressed) -> None:
        origin = request.origin
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel, max_age=0)
        if request.action in ANSWERS:
            self._answer(request, person)
            return
        words = self._words_of(request)
        self._run(words, person, origin, request.team_id, request.delivery_id)

    def _guarded(self, origin: Origin, summary: str, act: Callable[[], None], *, vms: tuple[VMRef, ...] = ()) -> None:
        """Whatever stops a request, the person is told; what was refused is in the ledger."""
        try:
            act()
        except Refusal as refusal:
            self._deny(origin, summary, refusal.sentence, refusal.why, vms=vms)
        except NotAllowed as refusal:
            self._deny(origin, summary, refusal.sentence, refusal.sentence, vms=vms)
        except UsageError as error:
            parts = [error.sentence, *([error.hint] if error.hint else [])]
            self.announcer.whisper(origin, say(*parts, NOTHING))
        except BackendError as error:
            log.warning("%s by %s: %s", summary, origin.person_id, error.cause)
            said = error.sentence if NOTHING in error.sentence else f"{error.sentence} {NOTHING}"
            self.announcer.whisper(origin, say(said))

    # ------------------------------------------------------------ commands

    def _run(self, words: tuple[str, ...], person: Person, origin: Origin, team_id: str, delivery_id: str) -> None:
        answer = runner.run(words, self._context(person, origin.channel))
        if isinstance(answer, Plan):
            self._submit(answer, person, origin, team_id, delivery_id)
        elif answer.shared:
            self.announcer.post(origin, answer)
        else:
            self.announcer.whisper(origin, answer)

    def _context(self, person: Person, channel: str) -> Context:
        rules = self.settings.access

        def may_view(vm: VM) -> bool:
            return access.may(rules, person, "view", vm.name, channel)

        return Context(
            person=person,
            channel=channel,
            now=self.clock(),
            fleet=FleetView(self.inventory, may_view, grammar.normalise_name),
            record=self.ledger,
            policy=self.settings.policy,
            grants=access.grants_of(rules, person, channel),
            digest=lambda: self.digest(channel, may_view),
        )

    def _submit(self, plan: Plan, person: Person, origin: Origin, team_id: str, delivery_id: str) -> None:
        self.gate.admit(origin.person_id, team_id, origin.channel, change=True)
        verdict = access.decide(self.settings.access, self.settings.confirmation, person, plan, origin.channel)
        if isinstance(verdict, access.Denied):
            vms = tuple(VMRef.of(t) for t in plan.targets)
            self._deny(origin, plan.summary, verdict.sentence, verdict.why, vms=vms)
            return
        waits = isinstance(verdict, access.Confirm | access.Approve)
        expires_at = self.clock() + self.settings.confirmation.expires_after if waits else None
        self.changes.submit(change_id_of(delivery_id), plan, person, origin, expires_at=expires_at)

    def _deny(self, origin: Origin, summary: str, sentence: str, why: str, *, vms: tuple[VMRef, ...] = ()) -> None:
        self.ledger.deny(
            str(uuid.uuid4()),
            person_id=origin.person_id,
            person_name=self.gate.name_of(origin.person_id),
            origin=origin,
            summary=summary,
            why=why,
            vms=vms,
        )
        self.announcer.whisper(origin, say(sentence, NOTHING))

    # ------------------------------------------------------------ buttons

    def _answer(self, request: Pressed, person: Person) -> None:
        row = self.changes.shown(request.value)
        if row is None or not _stands_in(request, row):
            raise UsageError(UNKNOWN_BUTTON, "Type the command again.")
        word = ANSWERS[request.action]
        refusal = access.may_answer(self.settings.access, row, person, word)
        if refusal is not None:
            raise NotAllowed(refusal)
        if word == "cancel" and row.state in (ChangeState.QUEUED, ChangeState.RUNNING, ChangeState.UNKNOWN):
            self._withdraw(row, person)
            return
        if row.state != ChangeState.AWAITING:
            raise UsageError(f"This request is {_state_words(row)} already.", "Type the command again if you need it.")
        self.changes.answer(row.id, Answer(word, person.id, person.name, self.clock()))

    def _withdraw(self, row: ChangeRow, person: Person) -> None:
        if not self.changes.withdraw(row.id, person):
            raise UsageError(
                "This change is under way on the host and cannot be cut off.", "Its message tells how it ends."
            )

    def _words_of(self, request: Pressed) -> tuple[str, ...]:
        """The command that a button stands for. Its value is an id; everything else is looked up."""
        match request.action:
            case "delete" | "keep":
                return self._about_checkpoint(request.action, request.value)
            case "undo" | "again":
                return self._about_change(request.action, request.value)
            case _:
                raise UsageError("I do not know this button.", "Type `/checkpoint help` to see what I can do.")

    def _about_checkpoint(self, action: str, checkpoint_id: str) -> tuple[str, ...]:
        found = self.inventory.find_checkpoint(checkpoint_id)
        if found is None:
            raise UsageError("That checkpoint has gone.", "Type `/checkpoint list` to see what there is.")
        return (action, found.vm_id, found.id, *(("7d",) if action == "keep" else ()))

    def _about_change(self, action: str, change_id: str) -> tuple[str, ...]:
        row = self.ledger.change(change_id)
        words = None
        if row is not None and row.plan is not None and action == "again":
            words = retyping.again(row.plan, outcomes(self.ledger.events(row.id)))
        elif row is not None and row.plan is not None:
            safety = {o.vm_id: o.safety_id for o in outcomes(self.ledger.events(row.id)) if o.safety_id}
            words = retyping.undo(safety, safety_name(row.created_at, row.plan.targets[0].checkpoint_name or ""))
        if words is None:
            raise UsageError(UNKNOWN_BUTTON, "Type the command instead.")
        return words


def _stands_in(request: Pressed, row: ChangeRow) -> bool:
    """Whether the button stands in the change's own message; in one that only the person sees, where it was asked."""
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


class _Recently:
    """Remembers the last things it was asked about."""

    def __init__(self, size: int) -> None:
        self._ids: OrderedDict[Hashable, datetime] = OrderedDict()
        self._size = size
        self._lock = Lock()

    def first(self, id: Hashable, now: datetime, *, within: timedelta = timedelta.max) -> bool:
        """True the first time within that span."""
        with self._lock:
            before = self._ids.get(id)
            if before is not None and abs(now - before) < within:
                return False
            self._ids[id] = now
            self._ids.move_to_end(id)
            while len(self._ids) > self._size:
                self._ids.popitem(last=False)
            return True
