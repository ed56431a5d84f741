"""The listeners of the Bolt app: each payload is acknowledged at once and handed over, and every person is answered."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace
from typing import TypeVar

from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.dispatch.rate import Rate
from bot.dispatch.requests import (
    Edited,
    Handler,
    Looked,
    Pressed,
    Request,
    Searched,
    Submitted,
    Summoned,
    Typed,
)
from bot.dispatch.views import NOTHING, Option
from bot.messages import AnnouncerError, Origin, Whispers
from bot.slack.intake import Intake
from bot.slack.payloads import Delivery, Misfit, read
from bot.slack.render.form import options
from bot.slack.render.signed import Voice
from commands.base import say, unmarked
from commands.kit.words import typed, with_unchanged

_ANYTHING = re.compile("")
_REQUEST, _AFTERWARDS, _OTHERWISE = "checkpoint_request", "checkpoint_afterwards", "checkpoint_otherwise"

BUSY = "You have asked for more than the bot can look into at once, so it did not take this up. Try again in a minute."
TOO_FAST = (
    "You ask faster than the bot takes requests from one person, so it leaves out what comes too fast, and says so "
    "once a minute. If that is not you, somebody else uses your Slack session: tell whoever keeps the bot's settings."
)
STOPPING = "The bot is being stopped and did not take this up. Try again in a minute."

IN_TIME = 2.0
"""Seconds that an answer may take which goes into an acknowledgement: Slack waits three for that."""

NOT_IN_TIME = "I could not check this in time. Try again in a moment."

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """What to send back for one delivery, and what to do once that has left, or could not leave."""

    ack: BoltResponse
    afterwards: tuple[Callable[[], None], ...]
    otherwise: tuple[Callable[[], None], ...]


def serve(app: App, payload: object, envelope_id: str, *, kept: bool = False) -> Served:
    """Take one delivery through the app. Raises nothing; talks to nobody. `kept` says that who received it has kept it.

    Bolt knows no moment at which an acknowledgement has left the machine, so whatever takes longer is returned, for
    the connection to start when it has.
    """
    request = read(payload, envelope_id)
    if isinstance(request, Typed):
        request = replace(request, kept=kept)
    afterwards: list[Callable[[], None]] = []
    otherwise: list[Callable[[], None]] = []
    context = {_REQUEST: request, _AFTERWARDS: afterwards, _OTHERWISE: otherwise}
    response = app.dispatch(BoltRequest(mode="socket_mode", body=_bare(request), context=context))
    return Served(response, tuple(afterwards), tuple(otherwise))


def _bare(request: Delivery) -> dict[str, object]:  # noqa: PLR0911 - one for each kind
    """As much of a payload as Bolt needs to find the listener.

    Bolt looks into a body in many places before any listener runs, its error handler included, and raises where the
    shape is not what it expects; so it gets none that came from outside.
    """
    match request:
        case Typed():
            return {"command": "/checkpoint"}
        case Pressed():
            return {"type": "block_actions", "actions": [{"type": "button", "action_id": request.action}]}
        case Edited():
            return {"type": "block_actions", "actions": [{"type": "button", "action_id": request.sheet.kind}]}
        case Summoned():
            return {"type": "shortcut", "callback_id": request.shortcut}
        case Searched():
            return {"type": "block_suggestion", "action_id": request.sheet.kind}
        case Submitted():
            return {"type": "view_submission", "view": {"type": "modal", "callback_id": request.sheet.kind}}
        case Looked():
            return {"type": "event_callback", "event": {"type": "app_home_opened"}}
        case Misfit():
            return {}


def build_app(
    desk: Handler,
    announcer: Whispers,
    intake: Intake,
    *,
    api_url: str,
    new_reference: Callable[[], str] = lambda: secrets.token_hex(4),
    rate: Rate | None = None,
    voice: Voice | None = None,
) -> App:
    """The app. It calls no Web API method: not at its start, and not between a delivery and its acknowledgement.

    `new_reference` makes the short ids by which a person's report is found in the log, and `rate` says how fast one
    person may ask; `voice` is that of what goes into an acknowledgement.
    """
    reception = _Reception(desk, announcer, intake, new_reference, rate or Rate(), voice=voice or Voice())
    app = App(
        name="checkpoint",
        client=WebClient(base_url=api_url),
        # Bolt asks auth.test at the first request when it is given a token. Deliveries over Socket Mode come on a
        # connection that the app token opened, so there is nothing left to ask.
        authorize=_authorize,
        before_authorize=reception.turn_away_misfits,
        # Run in the thread that brought the delivery: Bolt's other way hands the listener to a pool of five and polls
        # for its acknowledgement every 10 ms.
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.command(_ANYTHING)(reception.take)  # whatever the command is called in this workspace
    app.action(_ANYTHING)(reception.take)
    app.shortcut(_ANYTHING)(reception.take)
    app.event("app_home_opened")(reception.take)
    app.options(_ANYTHING)(reception.search)
    app.view(_ANYTHING)(reception.submit)
    app.error(reception.apologise)
    return app


def _authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id=None)


class _NotInTime(Exception):
    """What goes into an acknowledgement was not found in time. It says why."""


class _Reception:
    """The listeners."""

    def __init__(
        self,
        desk: Handler,
        announcer: Whispers,
        intake: Intake,
        new_reference: Callable[[], str],
        rate: Rate,
        *,
        voice: Voice,
    ) -> None:
        self._desk = desk
        self._announcer = announcer
        self._intake = intake
        self._new_reference = new_reference
        self._rate = rate
        self._voice = voice

    def take(self, ack: Ack, context: BoltContext) -> None:
        """It is kept before its acknowledgement leaves: what was acknowledged is carried out, or told as lost."""
        ack()
        self._take(context)

    def search(self, ack: Ack, context: BoltContext) -> None:
        """What somebody types into a search. Its options are the acknowledgement; where nothing was looked for, that is
        said in the place of one, since Slack says of none that there is no result."""
        request: Searched = context[_REQUEST]
        found: Sequence[Option] = ()
        if not self._is_too_fast(request, context):
            try:
                found = self._in_time(request, lambda: self._desk.options(request))
            except _NotInTime as why:
                found = (Option(str(why), NOTHING),)
        ack(options=options(found))

    def submit(self, ack: Ack, context: BoltContext) -> None:
        """A form. One that comes too fast is not looked into. What is wrong with it is the acknowledgement; else it is
        taken, and closes."""
        request: Submitted = context[_REQUEST]
        first = request.sheet.fields[:1]
        too_fast = self._is_too_fast(request, context)
        try:
            said = dict.fromkeys(first, TOO_FAST) if too_fast else self._mistakes(request)
        except _NotInTime as why:
            said = dict.fromkeys(first, str(why))
        wrong = {field: unmarked(self._voice.sentence(sentence)) for field, sentence in said.items()}
        if wrong and first:  # a form without a field shows no errors: there the person is told
            at_field = {name: text for name, text in wrong.items() if name in request.sheet.fields}
            ack(response_action="errors", errors=at_field or dict.fromkeys(first, " ".join(wrong.values())))
            return
        ack()
        self._keep(request, context, too_fast=too_fast)

    def _mistakes(self, request: Submitted) -> Mapping[str, str]:
        return self._in_time(request, lambda: self._desk.mistakes(request))

    def _take(self, context: BoltContext) -> None:
        request: Request = context[_REQUEST]
        self._keep(request, context, too_fast=self._is_too_fast(request, context))

    def _keep(self, request: Request, context: BoltContext, *, too_fast: bool) -> None:
        if too_fast or not self._desk.arrived(request):
            self._desk.left_out(request)
            return
        context[_AFTERWARDS].append(lambda: self._hand_over(request))
        context[_OTHERWISE].append(lambda: self._desk.dropped(request))

    def _is_too_fast(self, request: Request | Searched, context: BoltContext) -> bool:
        """Buttons have a measure of their own: whoever types too fast can still cancel. What is left out is kept
        nowhere, so that it costs next to nothing."""
        origin = request.origin
        verdict = self._rate.of(f"{type(request).__name__} {origin.person_id}")
        if verdict == "tell":
            _log.warning("%s asks too fast, and is slowed.", origin.person_id)
            context[_AFTERWARDS].append(lambda: self._answer(origin, with_unchanged(TOO_FAST, True)))
        return verdict != "take"

    def _in_time(self, request: Searched | Submitted, look: Callable[[], T]) -> T:
        """What `look` finds, on a worker: the workspace may take its time to say who somebody is. Raises
        `_NotInTime`."""
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(look())
            except Exception as error:  # raised to who waits; logged here where nobody does any more
                _log.info("An answer that goes into an acknowledgement failed: %s", type(error).__name__)
                answer.set_exception(error)

        if not self._intake.offer(work, person_id=request.origin.person_id, press=True):
            raise _NotInTime(self._why_not_taken)
        try:
            return answer.result(IN_TIME)
        except FutureTimeout:
            raise _NotInTime(NOT_IN_TIME) from None

    def turn_away_misfits(self, ack: Ack, context: BoltContext, next_: Callable[[], BoltResponse]) -> BoltResponse:
        """Every other kind of payload, and those that are not what they should be."""
        request = context[_REQUEST]
        if not isinstance(request, Misfit):
            return next_()
        _log.info("Turned away: %s.", request.reason)
        origin = request.origin
        if origin is not None:
            context[_AFTERWARDS].append(lambda: self._answer(origin, with_unchanged(request.sentence, True)))
        return ack(options=[]) if request.wants_options else ack()

    def apologise(self, error: Exception, context: BoltContext) -> BoltResponse:
        """An error in the app itself, before anything was handed over."""
        request: Delivery = context[_REQUEST]
        reference = self._log_error(error)
        sentence = f"Something went wrong inside the bot. Reference for the log: {reference}."
        if not isinstance(request, Searched | Misfit):
            self._desk.left_out(request)
        if request.origin is not None and not isinstance(request, Searched | Looked):
            origin = request.origin
            context[_AFTERWARDS].append(lambda: self._answer(origin, with_unchanged(sentence, True)))
        return BoltResponse(status=200)

    def _hand_over(self, request: Request) -> None:
        person_id, press = request.origin.person_id, not isinstance(request, Typed)
        if not self._intake.offer(lambda: self._attend(request), person_id=person_id, press=press):
            self._answer(request.origin, self._why_not_taken)
            self._desk.dropped(request)

    @property
    def _why_not_taken(self) -> str:
        return STOPPING if self._intake.closed else BUSY

    def _attend(self, request: Request) -> None:
        """Runs on a worker."""
        try:
            self._desk.attend(request)
        except AnnouncerError as error:
            _log.error("%s could not be answered: %s", request.origin.person_id, error)
        except Exception as error:  # the last frame on this thread: whatever it was, the person hears of it
            reference = self._log_error(error)
            self._answer(
                request.origin,
                f"Something went wrong inside the bot. If a change was under way, {typed('history')} says how far it "
                f"came. Reference for the log: {reference}.",
            )

    def _answer(self, origin: Origin, sentence: str) -> None:
        try:
            self._announcer.whisper(origin, say(sentence))
        except AnnouncerError as error:
            _log.error("%s could not be told %r: %s", origin.person_id, sentence, error)

    def _log_error(self, error: Exception) -> str:
        reference = self._new_reference()
        _log.error("Reference %s: an error in the bot", reference, exc_info=error)
        return reference
