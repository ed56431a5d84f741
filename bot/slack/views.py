"""The `Screen` over Slack's Web API: forms and the Home tab."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.dispatch.views import Alert, Form, ScreenError, ViewRef
from bot.slack.render.form import modal
from bot.slack.render.home import home_view
from bot.slack.render.newer import Block, forms
from bot.slack.render.signed import Voice
from bot.slack.web import WEB_ERRORS, error_code
from commands.base import Reply

_REFUSED = frozenset({"invalid_arguments", "invalid_blocks", "invalid_view"})
"""What a server says of a view with a block in it that it does not know. It was not shown."""

_log = logging.getLogger(__name__)


class Views:
    """`client` must be one that does not repeat posts: see `bot.slack.web`."""

    def __init__(
        self, client: WebClient, *, voice: Voice | None = None, new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    ) -> None:
        self._client = client
        self._voice = voice or Voice()
        self._new_id = new_id

    def open(self, trigger_id: str, form: Form) -> None:
        self._shown(form, lambda view: self._client.views_open(trigger_id=trigger_id, view=view))

    def change(self, view: ViewRef, form: Form) -> None:
        given = {"hash": view.hash} if view.hash else {}
        self._shown(form, lambda body: self._client.views_update(view_id=view.id, view=body, **given))

    def publish(self, person_id: str, home: Reply) -> None:
        home = self._voice.over(home)
        for form in forms(home):
            try:
                self._client.views_publish(user_id=person_id, view=home_view(home, self._new_id, form))
            except WEB_ERRORS as error:
                if error_code(error) in _REFUSED:
                    _log.warning("Slack refused the layout of a Home tab: %s", error)
                    continue
                raise ScreenError(f"the Home tab of {person_id} could not be shown: {error_code(error)}") from error
            return
        raise ScreenError(f"the Home tab of {person_id} could not be shown in any form")

    def _shown(self, form: Form, show: Callable[[Block], object]) -> None:
        form = self._voice.over_form(form)
        for alerts in (True, False):
            try:
                show(modal(form, alerts=alerts))
            except WEB_ERRORS as error:
                refused = isinstance(error, SlackApiError) and error_code(error) in _REFUSED
                if refused and alerts and any(isinstance(part, Alert) for part in form.parts):
                    _log.warning("Slack refused the layout of a form: %s", error)
                    continue
                raise ScreenError(f"the form {form.kind} could not be shown: {error_code(error)}") from error
            return
