"""Where forms are opened, searched in, drawn anew and submitted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from backends.base import BackendError
from bot.changes.workflow import Changes
from bot.dispatch.forms.base import CHANNEL, Answers, Each, Kind, Mistake, channel_of, chosen_channel
from bot.dispatch.requests import Edited, Searched, Sheet, Submitted
from bot.dispatch.views import Option, Screen, ScreenError
from bot.messages import Origin
from bot.people.directory import LookupFailed
from bot.people.identity import Gate
from commands.base import Context, Person, Plan, UsageError
from commands.kit import runner
from commands.kit.words import typed

log = logging.getLogger(__name__)

TOO_OLD = "This form was opened before the bot was changed. Close it, and open it again."
NOT_OPENED = "The form could not be opened."
NOT_IN_IT = "What you may do in that channel is granted to those who are in it, and you are not."
NOT_SEEN = "What you may do in that channel is granted to those who are in it, and I cannot see whether you are."
NEEDS_A_CHANNEL = "Somebody else has to approve this: choose a channel where they see it."


class NotOpened(UsageError):
    """The workspace would not show it."""


class Forms:
    """Safe to use from many threads. What it decides by is what was last seen: no host is waited for."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        screen: Screen,
        gate: Gate,
        changes: Changes,
        context: Callable[[Person, str], Context],
    ) -> None:
        """`context` gives what somebody may see and do in a channel, as last seen."""
        self._kinds = {kind.name: kind for kind in kinds}
        self._screen = screen
        self._gate = gate
        self._changes = changes
        self._context = context

    def open(self, kind: str, trigger_id: str, person: Person, origin: Origin, **memory: str) -> None:
        """Put a form in front of somebody. `memory` is what it is about: ids, and a note. Raises `UsageError` where it
        makes no sense, or cannot be shown."""
        in_channel = {CHANNEL: origin.channel} if origin.channel else {}
        sheet = Sheet(kind, {**memory, **in_channel})
        form = self._kinds[kind].draw(sheet, self._context(person, origin.channel))
        try:
            self._screen.open(trigger_id, form)
        except ScreenError as error:
            log.warning("%s", error)
            raise NotOpened(NOT_OPENED, f"Try again, or type it: {typed('help')}.") from error

    def options(self, request: Searched) -> Sequence[Option]:
        """What fits what was typed. Raises `Refusal`."""
        kind = self._kinds.get(request.sheet.kind)
        if kind is None or request.sheet.memory is None:
            return ()
        return kind.options(request.sheet, self._as_seen(request), request.text)

    def edited(self, request: Edited) -> None:
        """Draw a form anew. Raises `Refusal`."""
        kind = self._kinds.get(request.sheet.kind)
        if kind is None or request.sheet.memory is None:
            return
        try:
            self._screen.change(request.view, kind.draw(request.sheet, self._as_seen(request)))
        except (ScreenError, UsageError) as error:  # what it would say is said again when it is submitted
            log.info("a form was not drawn anew: %s", error)

    def mistakes(self, request: Submitted) -> Mapping[str, str]:
        """What is wrong with a form, by field. Raises `Refusal`, and `UsageError` for what no field is to blame for."""
        kind = self._kind_of(request.sheet)
        context = self._as_seen(request)
        try:
            said = kind.says(request.sheet, context)
            if not isinstance(said, Answers | Each):
                self._rehearse(said, context)
        except Mistake as mistake:
            return mistake.fields
        except UsageError as error:
            error.about = error.about or kind.field_of(error)
            raise
        except BackendError as error:
            log.info("a form goes on although it was not seen whole: %s", error.cause)
        return {}

    def says(self, request: Submitted, person: Person) -> Sequence[str] | Each | Answers:
        """What a form says. Raises `UsageError`."""
        self._check_channel(request.sheet, person)
        try:
            return self._kind_of(request.sheet).says(request.sheet, self._context(person, channel_of(request.sheet)))
        except Mistake as mistake:
            raise UsageError(str(mistake), "Fill in the form again.") from mistake

    def origin_of(self, request: Submitted | Edited | Searched) -> Origin:
        """Where it comes from: the channel of the form, which is untrusted as every word of a request is."""
        channel = channel_of(request.sheet)
        urls = request.urls if isinstance(request, Submitted) else {}
        return Origin(channel, request.origin.person_id, urls.get(channel) or None)

    def _rehearse(self, words: Sequence[str], context: Context) -> None:
        """Run the command on what was last seen, and ask the gate whether it would be let through. Raises what either
        raises."""
        plan = runner.run(words, context)
        if not isinstance(plan, Plan):
            return
        awaits = self._changes.foresee(plan, context.person, context.channel)
        if awaits == "approval" and not context.channel:
            raise Mistake(**{CHANNEL: NEEDS_A_CHANNEL})

    def _kind_of(self, sheet: Sheet) -> Kind:
        kind = self._kinds.get(sheet.kind)
        if kind is None or sheet.memory is None:
            raise UsageError(TOO_OLD)
        return kind

    def _as_seen(self, request: Submitted | Edited | Searched) -> Context:
        origin = self.origin_of(request)
        person = self._gate.admit(origin.person_id, request.team_id, origin.channel)
        self._check_channel(request.sheet, person)
        return self._context(person, origin.channel)

    def _check_channel(self, sheet: Sheet, person: Person) -> None:
        """Nobody gets by a choice what is granted to those who are in a channel. Raises `UsageError`."""
        channel = chosen_channel(sheet)
        try:
            if not channel or self._gate.is_at_home_in(channel, person):
                return
            wrong = UsageError(NOT_IN_IT, "Choose one that you are in.")
        except LookupFailed as failure:
            log.info("whether %s is in %s is not known: %s", person.id, channel, failure)
            wrong = UsageError(NOT_SEEN, f"Type it there instead: {typed('help')}.")
        wrong.about = CHANNEL
        raise wrong
