"""Shows messages in Slack: at Slack's pace, and by another way when the first is barred."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.messages import AnnouncerError, MessageRef, Origin
from bot.slack import response_url
from bot.slack.pace import MOST_KEPT, Pace
from bot.slack.render.blocks import Rendered, render
from bot.slack.web import WEB_ERRORS, error_code
from commands.base import Reply

Way = Callable[[Origin, Reply], MessageRef | None]
Send = Callable[[Rendered], MessageRef | None]

_LAYOUT_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_blocks_too_long"})
_BARE = "\n(Slack refused the layout of this message, so its buttons are missing.)"

_log = logging.getLogger(__name__)


class Outbox:
    """The `Announcer` over Slack's Web API. `client` must be one that does not repeat posts: see `bot.slack.web`."""

    def __init__(
        self,
        client: WebClient,
        pace: Pace | None = None,
        *,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._client = client
        self._pace = pace or Pace()
        self._new_id = new_id
        self._says: dict[MessageRef, Reply] = {}
        """What the last messages say, so that no update is sent which changes nothing. Written by who has the turn."""
        self._remembering = Lock()

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        ways = (self._channel, self._direct_message, self._response_url, self._ephemeral)
        return self._by_first_that_works(ways, origin, message)

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
                raise AnnouncerError(f"a message in {ref.channel} could not be updated: {error_code(error)}") from error
            self._remember(ref, message)

    def whisper(self, origin: Origin, message: Reply) -> None:
        ways = (self._response_url, self._ephemeral, self._direct_message)
        self._by_first_that_works(ways, origin, message)

    def _by_first_that_works(self, ways: Iterable[Way], origin: Origin, message: Reply) -> MessageRef | None:
        failures: list[str] = []
        for way in ways:
            try:
                shown = way(origin, message)
            except _NoWay as barred:
                failures.append(str(barred))
            except WEB_ERRORS as error:
                failures.append(f"{way.__name__.strip('_')}: {_reason(error)}")
            else:
                if failures:
                    _log.info("Shown to %s by %s (%s).", origin.person_id, way.__name__.strip("_"), "; ".join(failures))
                return shown
        raise AnnouncerError(f"a message for {origin.person_id} could be shown nowhere ({'; '.join(failures)})")

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

    def _post(self, channel: str, message: Reply) -> MessageRef | None:
        self._pace.wait(channel)

        def send(rendered: Rendered) -> MessageRef:
            answer = self._client.chat_postMessage(
                channel=channel,
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
            if len(self._says) > MOST_KEPT:
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
        for tables in (True, False):
            rendered = render(message, self._new_id, tables=tables)
            try:
                return send(rendered)
            except (SlackApiError, response_url.Unusable) as error:
                if _reason(error) not in _LAYOUT_REFUSED:
                    raise
                _log.warning("Slack refused the layout of a message: %s", error)
        return send(Rendered(rendered.text + _BARE, []))


class _NoWay(Exception):
    """A way that does not exist for this origin."""


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, response_url.Unusable) else error_code(error)
