"""Shows messages in Slack: at Slack's pace, and by another way when the first is barred."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.messages import AnnouncerError, MessageGone, MessageRef, Origin
from bot.slack import response_url
from bot.slack.pace import Pace
from bot.slack.render.blocks import Rendered, escape, render
from bot.slack.render.newer import forms
from bot.slack.render.signed import Voice
from bot.slack.web import WEB_ERRORS, error_code, missing_scope
from commands.base import Reply, say, unmarked

Way = Callable[[Origin, Reply], MessageRef | None]
Send = Callable[[Rendered], MessageRef | None]

_LAYOUT_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_blocks_too_long"})

GONE = frozenset({"message_not_found", "channel_not_found", "not_in_channel", "is_archived"})
"""Why a message can be updated no more, and may be posted anew: it, or its channel, is not there for the bot."""

LASTING = GONE | frozenset(
    {
        *("cant_update_message", "edit_window_closed", "is_inactive", "missing_scope", "restricted_action"),
        *("user_not_found", "user_disabled", "cannot_dm_bot", "used_url", "expired_url", "no_text", "msg_too_long"),
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "no_permission", "ekm_access_denied"),
    }
)
"""What does not heal by waiting. Rate limits, errors of the server and time-outs do."""

NOT_THERE = frozenset({"channel_not_found", "not_in_channel"})
REMEMBERED = 100
"""Messages of which it is known what they say: those that are updated just now."""

INVITE = "I am not in this channel, so only you see what becomes of this. To bring me here, type /invite @ and my name."

_BARE = "\n(Slack refused the layout of this message, so its buttons are missing.)"

_log = logging.getLogger(__name__)


class Outbox:
    """The `Announcer` over Slack's Web API. `client` must be one that does not repeat posts: see `bot.slack.web`."""

    def __init__(
        self,
        client: WebClient,
        pace: Pace | None = None,
        *,
        voice: Voice | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._client = client
        self._pace = pace or Pace()
        self._voice = voice or Voice()
        self._new_id = new_id
        self._says: dict[MessageRef, Reply] = {}
        """What the last messages say, so that no update is sent which changes nothing. Written by who has the turn."""
        self._remembering = Lock()

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        ways = (self._channel, self._direct_message, self._response_url, self._ephemeral)
        ref, barred = self._by_first_that_works(ways, origin, message)
        if not NOT_THERE.isdisjoint(barred):
            self._say_how_to_invite(origin)
        return ref

    def update(self, ref: MessageRef, message: Reply) -> None:
        if self._says.get(ref) == message and self._pace.is_idle(ref):
            return
        with self._pace.newest(ref) as current:
            if not current or self._says.get(ref) == message:
                return  # a newer update of this message is on its way, or it says this already
            with self._remembering:
                self._says.pop(ref, None)
            try:
                self._laid_out(message, lambda rendered: self._change(ref, rendered))
            except WEB_ERRORS as error:
                code = error_code(error)
                text = f"a message in {ref.channel} could not be updated: {_told(error)}"
                raise MessageGone(text) if code in GONE else AnnouncerError(text, lasting=code in LASTING) from error
            self._remember(ref, message)

    def address(self, ref: MessageRef, person_id: str, sentence: str) -> None:
        """In the message's thread, with a mention."""
        sentence = unmarked(self._voice.sentence(sentence))
        if self._voice.label:
            sentence = f"{sentence} ({self._voice.label})"
        words = [{"type": "user", "user_id": person_id}, {"type": "text", "text": f" {sentence}"}]
        section = {"type": "rich_text_section", "elements": words}
        self._pace.wait(ref.channel)
        try:
            self._client.chat_postMessage(
                channel=ref.channel,
                thread_ts=ref.ts,
                text=f"<@{person_id}> {escape(sentence)}",
                blocks=[{"type": "rich_text", "elements": [section]}],
                unfurl_links=False,
                unfurl_media=False,
            )
        except WEB_ERRORS as error:
            lasting = error_code(error) in LASTING
            raise AnnouncerError(f"{person_id} could not be addressed: {_told(error)}", lasting=lasting) from error

    def reply(self, ref: MessageRef, message: Reply) -> None:
        try:
            self._post(ref.channel, message, thread=ref.ts)
        except WEB_ERRORS as error:
            text = f"a reply in {ref.channel} could not be posted: {_told(error)}"
            raise AnnouncerError(text, lasting=error_code(error) in LASTING) from error

    def whisper(self, origin: Origin, message: Reply) -> None:
        ways = (self._response_url, self._ephemeral, self._direct_message)
        self._by_first_that_works(ways, origin, message)

    def _say_how_to_invite(self, origin: Origin) -> None:
        try:
            self.whisper(origin, say(INVITE))
        except AnnouncerError as error:
            _log.info("%s could not be told how to invite the bot: %s", origin.person_id, error)

    def _by_first_that_works(
        self, ways: Iterable[Way], origin: Origin, message: Reply
    ) -> tuple[MessageRef | None, list[str]]:
        """Where it was shown, and what barred the ways before."""
        failures: list[str] = []
        codes: list[str] = []
        for way in ways:
            try:
                shown = way(origin, message)
            except _NoWay as barred:
                failures.append(str(barred))
            except WEB_ERRORS as error:
                failures.append(f"{way.__name__.strip('_')}: {_told(error)}")
                codes.append(_reason(error))
            else:
                if failures:
                    _log.info("Shown to %s by %s (%s).", origin.person_id, way.__name__.strip("_"), "; ".join(failures))
                return shown, codes
        raise AnnouncerError(
            f"a message for {origin.person_id} could be shown nowhere ({'; '.join(failures)})",
            lasting=LASTING.issuperset(codes),
        )

    def _channel(self, origin: Origin, message: Reply) -> MessageRef | None:
        if not origin.channel:
            raise _NoWay("no channel")
        return self._post(origin.channel, message)

    def _direct_message(self, origin: Origin, message: Reply) -> MessageRef | None:
        if not origin.person_id.startswith(("U", "W")):
            raise _NoWay("no person to write to")
        opened = self._client.conversations_open(users=origin.person_id)
        return self._post(str(opened["channel"]["id"]), message)

    def _response_url(self, origin: Origin, message: Reply) -> None:
        url = origin.response_url
        if not url:
            raise _NoWay("no response_url")

        def send(rendered: Rendered) -> None:
            response_url.respond(url, self._client.base_url, text=rendered.text, blocks=rendered.blocks)

        self._laid_out(message, send)

    def _ephemeral(self, origin: Origin, message: Reply) -> None:
        if not origin.channel:
            raise _NoWay("no channel")

        def send(rendered: Rendered) -> None:
            self._client.chat_postEphemeral(
                channel=origin.channel,
                user=origin.person_id,
                text=rendered.text,
                blocks=rendered.blocks,
                parse="none",
                link_names=False,
            )

        self._laid_out(message, send)

    def _post(self, channel: str, message: Reply, *, thread: str | None = None) -> MessageRef | None:
        self._pace.wait(channel)

        def send(rendered: Rendered) -> MessageRef:
            answer = self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                text=rendered.text,
                blocks=rendered.blocks,
                mrkdwn=False,
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
            return MessageRef(str(answer.get("channel") or channel), str(answer["ts"]))

        ref = self._laid_out(message, send)
        if ref is not None:
            self._remember(ref, message)
        return ref

    def _remember(self, ref: MessageRef, message: Reply) -> None:
        with self._remembering:
            self._says[ref] = message
            if len(self._says) > REMEMBERED:
                del self._says[next(iter(self._says))]

    def _change(self, ref: MessageRef, rendered: Rendered) -> None:
        self._client.chat_update(
            channel=ref.channel,
            ts=ref.ts,
            text=rendered.text,
            blocks=rendered.blocks,
            parse="none",  # chat.update alone has "client" as its default, which would make links of names
            link_names=False,
        )

    def _laid_out(self, message: Reply, send: Send) -> MessageRef | None:
        """Send a message; when the server refuses its layout, send it simpler, and last as plain text.

        A refused message was not shown, so sending it again shows it once.
        """
        message = self._voice.over(message)
        for form in forms(message):
            rendered = render(message, self._new_id, form)
            try:
                return send(rendered)
            except (SlackApiError, response_url.Unusable) as error:
                if _reason(error) not in _LAYOUT_REFUSED:
                    raise
                _log.warning("Slack refused the layout of a message: %s", error)
        return send(Rendered(rendered.text + _BARE, []))


class _NoWay(Exception):
    """A way that does not exist for this origin."""


def _told(error: Exception) -> str:
    """The reason for the log, with the scope that a token lacks."""
    scope = missing_scope(error)
    return f"{_reason(error)} {scope}".strip()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, response_url.Unusable) else error_code(error)
