"""From what a person did to an answer or a change: the gate, the grammar, the command, the permission.

Every payload kind comes through here, so a button meets the same checks as a typed command: it is turned into the
words that would have been typed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from backends.base import VM, BackendError
from bot.changes import verbs
from bot.changes.freezing import Freezing
from bot.changes.quota import Holdings
from bot.changes.telling import Telling
from bot.changes.workflow import Changes, Word
from bot.dispatch import grammar
from bot.dispatch.bulkhead import Bulkhead
from bot.dispatch.buttons import ANSWERS, LETS_GO, REFUSE, REFUSE_WITH, TAKE_OVER, Buttons, NeedsCode, NothingChosen
from bot.dispatch.forms import ABOUT, CODE, MINE, OPENS, Answers, Each, Forms, NotOpened, checkpoints_of, kinds
from bot.dispatch.home import Home
from bot.dispatch.offers import Offers
from bot.dispatch.onlookers import Onlookers
from bot.dispatch.orientation import Orientation
from bot.dispatch.refusals import Refusals
from bot.dispatch.requests import (
    Edited,
    Looked,
    Pressed,
    Request,
    Searched,
    SeenLately,
    Submitted,
    Summoned,
    Typed,
    change_id_of,
)
from bot.dispatch.shortcuts import form_of
from bot.dispatch.twins import Twins
from bot.dispatch.views import Option, Screen
from bot.dispatch.waiting import Waiting
from bot.fleet.growth import KnownGrowth
from bot.fleet.inventory import Inventory
from bot.fleet.last_seen import LastSeenView
from bot.fleet.ownership import Ownership
from bot.fleet.view import FleetView, HealthView
from bot.ledger import ChangeRow, ChangeState, Ledger, LedgerError, VMRef
from bot.messages import Announcer, AnnouncerError, Origin
from bot.people import access
from bot.people.codes import Codes
from bot.people.identity import RECENT, Gate, Refusal
from bot.settings import Settings
from commands.base import (
    Actions,
    Button,
    Context,
    Footnote,
    FreezePlan,
    Holding,
    NotAllowed,
    NotKnown,
    Paragraph,
    Person,
    Plan,
    Reply,
    SchedulePlan,
    Schedules,
    Target,
    UsageError,
    name,
    say,
    unmarked,
)
from commands.base.context import Health, NobodyLooks
from commands.kit import runner
from commands.kit.pages import MOST_CHOSEN
from commands.kit.words import ASK_FOR_A_GRANT, say_names, short_id, typed, with_unchanged

log = logging.getLogger(__name__)

NOT_SHARED = (
    "Not shown to the channel: people of another workspace may read there. A grant that names the channel allows it."
)
CAME_TO_NOTHING = frozenset(
    {
        *(ChangeState.DENIED, ChangeState.FAILED, ChangeState.REFUSED, ChangeState.CANCELLED, ChangeState.EXPIRED),
        ChangeState.VOID,
    }
)
GO_ON = "Go on with the rest"
DOUBLE_CLICK = timedelta(seconds=1)
"""The same person's next press of the same button is another one after this."""


class ScheduleBook(Schedules, Protocol):
    """The schedules, to read and to change."""

    def carry_out(self, change_id: str, plan: SchedulePlan, person: Person, origin: Origin) -> Reply:
        """Do what somebody wants of a schedule, and say so. Raises `Refusal` and `UsageError`."""


@dataclass(slots=True)
class Desk:
    """Where requests arrive. Safe to use from many threads."""

    settings: Settings
    gate: Gate
    inventory: Inventory
    ledger: Ledger
    changes: Changes
    announcer: Announcer
    telling: Telling
    waiting: Waiting
    clock: Callable[[], datetime]
    digest: Callable[[str, Callable[[VM], bool]], Reply]
    """The digest for a channel, and for somebody who may see these VMs."""
    schedules: ScheduleBook
    screen: Screen
    freezing: Freezing
    codes: Codes | None = None
    health: Health = field(default_factory=NobodyLooks)
    bulkhead: Bulkhead = field(default_factory=Bulkhead)
    twins: Twins = field(default_factory=Twins)
    offers: Offers = field(default_factory=Offers)
    refusals: Refusals = field(init=False)
    forms: Forms = field(init=False)
    homes: Onlookers = field(init=False)
    orientation: Orientation = field(init=False)
    _seen: SeenLately = field(default_factory=SeenLately)
    _clicks: SeenLately = field(default_factory=SeenLately)
    _tabs: Home = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.ledger, self.clock, self.gate.name_of)
        every = kinds(self.settings.digest.timezone, self.buttons.refused)
        self.forms = Forms(every, self.screen, self.gate, self.changes, self._as_seen)

        self._tabs = Home(self.settings.access, self.ledger)
        self.homes = Onlookers(self.screen, self._home, before=self.inventory.renew_changed)
        self.orientation = Orientation(self.ledger, self.announcer)

    @property
    def buttons(self) -> Buttons:
        return Buttons(
            self.settings.access,
            self.inventory,
            self.ledger,
            self.changes,
            self.offers,
            self.clock,
            self.gate.has_left,
            self.gate.name_of,
            self.codes,
        )

    # ------------------------------------------------------------ what arrives

    def arrived(self, request: Request) -> bool:
        """Keep a request. False for one that came already, and for the second click of a double click."""
        if not self._seen.first(request.delivery_id, self.clock()):
            return False
        match request:
            case Typed():
                self.waiting.arrived(request, f"{self.settings.slack.command} {request.text}")
            case Pressed():
                if self._is_double_click(request):
                    return False
                text = _summary(request, self.ledger.changes.get(request.value))
                self.waiting.arrived(request, text, change_id=_answered_change(request))
            case Submitted():
                self.waiting.arrived(request, f"the form {request.sheet.kind}", change_id=_answered_change(request))
            case Summoned() | Edited() | Looked():
                pass  # who waits for a form sees that none comes, and nothing was asked for yet
        return True

    def dropped(self, request: Request) -> None:
        """One that arrived is not looked into, and the person knows that: the next delivery of it is the first."""
        self.waiting.answered(request)
        self._seen.forget(request.delivery_id)

    def left_out(self, request: Request) -> None:
        self.waiting.left_out(request)

    def attend(self, request: Request) -> None:
        match request:
            case Typed():
                self.typed(request)
            case Pressed():
                self.pressed(request)
            case Submitted():
                self.submitted(request)
            case Summoned():
                self._guarded(request.origin, f"shortcut {request.shortcut}", lambda: self._summoned(request))
            case Edited():
                self._guarded(request.origin, f"form {request.sheet.kind}", lambda: self.forms.edited(request))
            case Looked():
                self.homes.looked(request.origin.person_id, request.team_id)
                self._welcome(request)

    def options(self, request: Searched) -> Sequence[Option]:
        try:
            return self.forms.options(request)
        except (Refusal, UsageError, LedgerError) as refused:
            log.info("%s finds nothing: %s", request.origin.person_id, refused)
            return ()

    def mistakes(self, request: Submitted) -> Mapping[str, str]:
        """What is refused here is in the ledger as anywhere else. Where the ledger is locked the form is taken: it is
        told later."""
        origin, summary = self.forms.origin_of(request), f"form {request.sheet.kind}"
        first = next(iter(request.sheet.fields), "")
        if not first:
            return {}  # it has no place for an error: what is wrong is told when it is carried out
        try:
            return {} if self.ledger_knows(request) else self.forms.mistakes(request)
        except LedgerError as trouble:
            log.warning("%s by %s is taken unchecked: %s", summary, origin.person_id, trouble.cause)
            return {}
        except Refusal as refusal:
            self.refusals.record(origin, summary, refusal.cause)
            ask = f" {ASK_FOR_A_GRANT}" if refusal.lacks_grant and self.settings.access.ask else ""
            return {first: f"{refusal.sentence}{ask}"}
        except UsageError as error:
            self._record(error, origin, summary, ())
            return {error.about or first: f"{error.sentence} {error.hint}".strip()}

    def ledger_knows(self, request: Submitted) -> bool:
        """It was submitted before, and asked for a change then."""
        each = (_one_of(request.delivery_id, id) for id in checkpoints_of(request.sheet))
        return any(self._has_asked(one) for one in (request.delivery_id, *each))

    def _has_asked(self, delivery_id: str) -> bool:
        return self.ledger.changes.get(change_id_of(delivery_id)) is not None

    def submitted(self, request: Submitted) -> None:
        origin = self.forms.origin_of(request)
        with self.waiting.on(request):
            self._guarded(origin, f"form {request.sheet.kind}", lambda: self._submitted(request, origin))

    def _submitted(self, request: Submitted, origin: Origin) -> None:
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel)
        said = self.forms.says(request, person)
        if isinstance(said, Answers):
            person = self._who_says(said.word, person, request.team_id, origin)
            self.buttons.say(said.change_id, said.word, person, said.code, said.reason)
        elif isinstance(said, Each):
            for id, words in said.commands.items():
                act = partial(self._run_once, words, person, origin, _one_of(request.delivery_id, id))
                self._on_its_own(origin, f"form {request.sheet.kind}", act)
        else:
            self._run_once(tuple(said), person, origin, request.delivery_id)

    def _run_once(self, words: tuple[str, ...], person: Person, origin: Origin, delivery_id: str) -> None:
        """A form may come again after a restart, when what it asked for was done or is under way."""
        if not self._has_asked(delivery_id):
            self._run(words, person, origin, delivery_id)

    def _summoned(self, request: Summoned) -> None:
        origin = request.origin
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel)
        kind, memory = form_of(request)
        with self._orienting(person, origin):
            self._open(kind, request.trigger_id, person, origin, **memory)

    def _home(self, person_id: str, team_id: str, looked: bool) -> Reply:
        """What somebody's Home tab is to show; to who is not let in, why. That is in the ledger where they looked."""
        try:
            person = self.gate.admit(person_id, team_id, "")
        except Refusal as refusal:
            if looked:
                self.refusals.record(Origin("", person_id), "open the Home tab", refusal.cause)
            return self._with_whom_to_ask(say(refusal.sentence), refusal.lacks_grant)
        return self._tabs.of(self._as_seen(person, ""))

    def _welcome(self, request: Looked) -> None:
        """Who meets the bot at its Home tab first is told what it is for in a direct message."""
        try:
            person = self.gate.admit(request.origin.person_id, request.team_id, "")
        except Refusal:
            return  # they read why in the tab
        with self._orienting(person, request.origin):
            pass

    def _open(self, kind: str, trigger_id: str, person: Person, origin: Origin, **memory: str) -> None:
        """Put a form in front of somebody, and let the hosts be looked at while they fill it in."""
        somewhere = access.channels_of(self.settings.access, person)
        if not origin.channel and somewhere and not access.grants_of(self.settings.access, person, ""):
            memory = {**memory, "suggested": somewhere[0]}
        self.forms.open(kind, trigger_id, person, origin, **memory)
        self.inventory.catch_up(wait=False)

    def typed(self, request: Typed) -> None:
        with self.waiting.on(request):
            question = runner.is_question(request.text.split())
            self._guarded(request.origin, request.text, lambda: self._typed(request), question=question)

    def pressed(self, request: Pressed) -> None:
        with self.waiting.on(request):
            for one in (request,) if _opens_a_form(request) else _each_chosen(request):
                row = self.ledger.changes.get(one.value)
                vms = row.vms if row else ()
                self._on_its_own(one.origin, _summary(one, row), partial(self._pressed, one), vms=vms)

    def _on_its_own(
        self, origin: Origin, summary: str, act: Callable[[], None], *, vms: tuple[VMRef, ...] = ()
    ) -> None:
        """Of several that were chosen: the others are done all the same."""
        try:
            self._guarded(origin, summary, act, vms=vms)
        except AnnouncerError as error:
            log.error("%s could not be answered: %s", origin.person_id, error)

    def _is_double_click(self, request: Pressed) -> bool:
        """Slack gives each click of a double click a trigger of its own."""
        what = (request.action, request.value, request.chosen, request.entered)
        press = (request.origin.person_id, *what, request.message)
        return not self._clicks.first(press, self.clock(), within=DOUBLE_CLICK)

    def _typed(self, request: Typed) -> None:
        origin = request.origin
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel)
        mine = self.settings.slack.command
        if request.command not in ("", mine):
            raise UsageError(
                f"I answer to {name(mine)}, and this was {name(request.command)}.", f"Type {typed('help')}."
            )
        words = tuple(grammar.split(request.text))
        with self._orienting(person, origin):
            if words or not request.trigger_id:
                self._run(words, person, origin, request.delivery_id)
            else:
                self._open("create", request.trigger_id, person, origin)

    def _pressed(self, request: Pressed) -> None:
        origin = request.origin
        person = self.gate.admit(origin.person_id, request.team_id, origin.channel)
        with self._orienting(person, origin):
            self._take_press(request, person)

    def _who_says(self, word: Word, person: Person, team_id: str, origin: Origin) -> Person:
        """Who answers, by what the workspace says now where something is changed by that. Raises `Refusal`."""
        return self.gate.admit(person.id, team_id, origin.channel, max_age=RECENT) if word in LETS_GO else person

    def _take_press(self, request: Pressed, person: Person) -> None:
        origin = request.origin
        if request.action in ANSWERS:
            person = self._who_says(ANSWERS[request.action], person, request.team_id, origin)
            try:
                self.buttons.answer(request, person)
            except NeedsCode as needs:
                self.forms.open(CODE.name, request.trigger_id, person, origin, change=needs.change_id, word=needs.word)
        elif request.action == MINE.name and request.trigger_id:
            try:
                self.forms.open(MINE.name, request.trigger_id, person, origin)
            except NotOpened:  # the same in a message
                self._run(("digest", "--mine"), person, origin, request.delivery_id)
        elif request.action == TAKE_OVER:
            self.buttons.take_over(request, person)
        elif request.action == REFUSE:
            self._ask_why(request, person)
        elif request.action == REFUSE_WITH:
            self.buttons.refuse(request, person)
        elif _opens_a_form(request):
            ids = " ".join(request.chosen) or request.value
            if not ids and request.action != "form-create":
                raise NothingChosen
            with self.bulkhead.of(person.id)(None):  # one that was taken a moment ago was in no look at its host yet
                for id in ids.split()[:MOST_CHOSEN]:
                    self.inventory.find_checkpoint(id)
            self._open(OPENS[request.action], request.trigger_id, person, origin, **({ABOUT: ids} if ids else {}))
        else:
            words = self.buttons.words_of(request, self.bulkhead.of(person.id))
            self._run(words, person, origin, request.delivery_id)

    def _ask_why(self, request: Pressed, person: Person) -> None:
        """In a form, and where none can be opened in a message."""
        in_a_message = self.buttons.ask_why(request, person)
        try:
            if request.trigger_id:
                self.forms.open(REFUSE, request.trigger_id, person, request.origin, change=request.value)
                return
        except NotOpened:
            pass  # the trigger was too old
        self.telling.whisper(request.origin, in_a_message)

    @contextmanager
    def _orienting(self, person: Person, origin: Origin) -> Iterator[None]:
        """Whatever becomes of the request: who uses the bot for the first time is told what it is for."""
        try:
            yield
        finally:
            grants = access.grants_of(self.settings.access, person, origin.channel)
            self.orientation.give(origin, lambda right: any(right in grant.actions for grant in grants))

    def _guarded(
        self,
        origin: Origin,
        summary: str,
        act: Callable[[], None],
        *,
        vms: tuple[VMRef, ...] = (),
        question: bool = False,
    ) -> None:
        """Whatever stops a request, the person is told; what was refused is in the ledger. Who put a question is not
        told that nothing was changed."""
        try:
            act()
        except Refusal as refusal:
            if refusal.recorded:
                self.refusals.count(origin.person_id)
            else:
                self.refusals.record(origin, summary, refusal.cause, vms)
            told = say(with_unchanged(refusal.sentence, not question))
            self.telling.whisper(origin, self._with_whom_to_ask(told, refusal.lacks_grant))
        except Denied as denied:  # it is in the ledger already, with its plan
            self.refusals.count(origin.person_id)
            self._explain(origin, denied, question=False)
        except UsageError as error:
            self._record(error, origin, summary, vms)
            self._explain(origin, error, question=question)
        except BackendError as error:
            log.warning("%s by %s: %s", summary, origin.person_id, error.cause)
            self.telling.whisper(origin, say(with_unchanged(error.sentence, error.unchanged and not question)))
        except LedgerError as trouble:
            log.error("%s by %s: %s", summary, origin.person_id, trouble.cause)
            self.telling.whisper(origin, say(trouble.sentence))

    def _record(self, error: UsageError, origin: Origin, summary: str, vms: tuple[VMRef, ...]) -> None:
        if isinstance(error, NotAllowed):
            self.refusals.record(origin, summary, unmarked(error.sentence), vms)
        elif isinstance(error, NotKnown) and error.hidden:
            self.refusals.record(origin, summary, "named a VM that no grant lets them see", vms)

    def _explain(self, origin: Origin, error: UsageError, *, question: bool) -> None:
        """Say what was wrong and what to type instead, with a button for the rest of a group."""
        parts = [error.sentence, *([error.hint] if error.hint else [])]
        told = say(*parts[:-1], with_unchanged(parts[-1], error.unchanged and not question))
        told = self._with_whom_to_ask(told, isinstance(error, Denied) and error.lacks_grant)
        if offers := (*self._rest(origin, error), *self._corrected(origin, error)):
            told = Reply((*told.parts, Actions(offers)))
        self.telling.whisper(origin, told)

    def _with_whom_to_ask(self, told: Reply, lacks_grant: bool) -> Reply:
        ask = self.settings.access.ask
        return Reply((*told.parts, Paragraph(ASK_FOR_A_GRANT, to=ask))) if lacks_grant and ask else told

    def _rest(self, origin: Origin, error: UsageError) -> tuple[Button, ...]:
        return (Button(GO_ON, "rest", self.offers.make(origin.person_id, error.instead)),) if error.instead else ()

    def _corrected(self, origin: Origin, error: UsageError) -> tuple[Button, ...]:
        """A button for each command that may have been meant. Pressed, it goes the way of a typed one."""
        return tuple(
            Button(typed(*words), "rest", self.offers.make(origin.person_id, words)) for words in error.corrected
        )

    # ------------------------------------------------------------ commands

    def _run(self, words: tuple[str, ...], person: Person, origin: Origin, delivery_id: str) -> None:
        answer = runner.run(words, self._context(person, origin.channel))
        if isinstance(answer, Plan):
            self._submit(answer, person, origin, delivery_id)
            return
        if isinstance(answer, SchedulePlan):
            answer = self.schedules.carry_out(change_id_of(delivery_id), answer, person, origin)
        if isinstance(answer, FreezePlan):
            answer = self.freezing.carry_out(change_id_of(delivery_id), answer, person, origin)
        if answer.shared and self.gate.may_show(origin.channel, person):
            self._post(origin, answer)
        elif answer.shared:
            self.telling.whisper(origin, Reply((*answer.parts, Footnote(NOT_SHARED))))
        else:
            self.telling.whisper(origin, answer)

    def _post(self, origin: Origin, answer: Reply) -> None:
        """Into the channel; where nothing passes now, whoever asked is told later."""
        try:
            self.announcer.post(origin, answer)
        except AnnouncerError as error:
            if error.lasting:
                raise
            self.telling.whisper(origin, answer)

    def _as_seen(self, person: Person, channel: str) -> Context:
        """What somebody may see and do, as last seen: no host and no workspace is asked."""
        allowed = access.allowed(self.settings.access, person, channel)

        def may_view(vm: VM) -> bool:
            return allowed("view", vm.name, vm.host)

        return replace(
            self._context(person, channel),
            fleet=LastSeenView(self.inventory, may_view, grammar.normalise_name, sets=self.settings.sets),
            owners=lambda notes: notes,
            may=lambda verb, vm: allowed(verb, vm.name, vm.host),
            holding=lambda disks: Holdings(self.inventory, self.ledger).seen(person.id, disks=disks),
        )

    def _context(self, person: Person, channel: str) -> Context:
        rules = self.settings.access
        at = self.bulkhead.of(person.id)

        def may_view(vm: VM) -> bool:
            return access.may(rules, person, "view", vm.name, channel, host=vm.host)

        def digest() -> Reply:
            with at(None):
                return self.digest(channel, may_view)

        def holding(disks: bool) -> Holding:
            with at(None):
                return Holdings(self.inventory, self.ledger).of(person.id, disks=disks)

        return Context(
            person=person,
            channel=channel,
            now=self.clock(),
            fleet=FleetView(self.inventory, may_view, grammar.normalise_name, at, self.settings.sets),
            record=self.ledger,
            policy=self.settings.policy,
            may=lambda verb, vm: access.may(rules, person, verb, vm.name, channel, host=vm.host),
            grants=access.grants_of(rules, person, channel),
            elsewhere=access.grants_elsewhere(rules, person, channel),
            roles_with=partial(access.roles_with, rules),
            ask=rules.ask,
            command=self.settings.slack.command,
            growth=KnownGrowth(self.ledger, self.clock),
            owners=Ownership(self.gate.has_left).of,
            schedules=self.schedules,
            health=HealthView(self.health, at),
            holding=holding,
            frozen=self.freezing.sentence,
            digest=digest,
        )

    def _submit(self, plan: Plan, person: Person, origin: Origin, delivery_id: str) -> None:
        """Begin a change. A checkpoint that is asked for twice at the same time is taken once, and who asks again is
        told; what only they ask for is begun."""
        change_id = change_id_of(delivery_id)
        first: dict[str, ChangeRow] = {}
        rest: tuple[Target, ...] = ()
        try:
            with self.twins.asking(plan) as twins:
                first = self._going_on(twins, but=change_id)
                rest = tuple(target for target in plan.targets if target.vm_id not in first)
                if first and rest:
                    plan = self._for(rest, plan, person, origin.channel)
                if rest:
                    self._begin(change_id, plan, person, origin)
                    self.twins.asked(plan, change_id)
        finally:  # also where the rest is refused
            for row in {row.id: row for row in first.values()}.values():
                of = [vm.name for vm in row.vms if first.get(vm.id) == row] if rest else []
                self.telling.whisper(origin, say(_once(row, of, person)))

    def _going_on(self, twins: Mapping[str, str], *, but: str) -> dict[str, ChangeRow]:
        """By VM, the changes that have asked for the same and have not come to nothing."""
        rows = {vm_id: self.ledger.changes.get(one) for vm_id, one in twins.items() if one != but}
        return {vm_id: row for vm_id, row in rows.items() if row is not None and row.state not in CAME_TO_NOTHING}

    def _for(self, rest: Sequence[Target], plan: Plan, person: Person, channel: str) -> Plan:
        """The same plan for some of its VMs."""
        words = verbs.of(plan.verb).again(plan.action, rest)
        made = runner.run(words, self._context(person, channel)) if words else None
        return made if isinstance(made, Plan) else replace(plan, targets=tuple(rest))

    def _begin(self, change_id: str, plan: Plan, person: Person, origin: Origin) -> None:
        record = not self.refusals.are_many(person.id)
        try:
            self.changes.submit(change_id, plan, person, origin, record_denial=record)
        except Refusal as refusal:
            raise Denied(refusal, plan) from refusal


class Denied(UsageError):
    """The gate denies a plan, and has recorded that. Where it would allow it for some of its VMs, those are offered."""

    def __init__(self, refusal: Refusal, plan: Plan) -> None:
        super().__init__(refusal.sentence)
        self.lacks_grant = refusal.lacks_grant
        if rest := tuple(target for target in plan.targets if target.vm_name in refusal.rest):
            self.instead = verbs.of(plan.verb).again(plan.action, rest) or ()


def _opens_a_form(request: Pressed) -> bool:
    """One, whatever was chosen: a trigger opens one."""
    return request.action in OPENS and bool(request.trigger_id)


def _one_of(delivery_id: str, id: str) -> str:
    """The delivery of one command of several."""
    return f"{delivery_id} {id}"


def _each_chosen(request: Pressed) -> tuple[Pressed, ...]:
    """A press for each of those that were chosen: each is a command of its own, and meets the gate by itself."""
    return tuple(
        replace(request, delivery_id=_one_of(request.delivery_id, one), value=one, chosen=()) for one in request.chosen
    ) or (request,)


def _answered_change(request: Pressed | Submitted) -> str:
    """The change whose card it answers: by a button, with the reason of a refusal, or by a form that asks for a reason
    or a one-time code."""
    if isinstance(request, Pressed):
        return request.value if request.action in (*ANSWERS, REFUSE_WITH) else ""
    return (request.sheet.memory or {}).get("change", "")


def _once(row: ChangeRow, vms: Sequence[str], person: Person) -> str:
    """What is told of a change that asked for the same, of these VMs or of all."""
    who = "You have" if row.person_id == person.id else f"{name(row.person_name)} has"
    of = f" of {say_names(vms)}" if vms else ""
    told = f"{who} asked for the same{of} just now, so it is done once{' there' if of else ''}"
    return f"{told}. Its message tells how it ends: change {short_id(row.id)}."


def _summary(request: Pressed, row: ChangeRow | None) -> str:
    return f"press {request.action}" + (f" on change {short_id(row.id)}: {row.summary}" if row else "")
