"""The app's real listeners in front of a headquarters' desk: deliveries as Slack sends them, without a wire."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.dispatch.views import Form, Text
from bot.slack.intake import Intake, Job
from bot.slack.listeners import build_app, serve
from bot.slack.render.form import modal
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, TEAM

Payload = dict[str, Any]


class AtOnce(Intake):
    """Each job is over when it was offered."""

    def offer(self, job: Job, *, person_id: str = "", press: bool = False) -> bool:
        job()
        return True


@dataclass
class FrontDoor:
    """Each act gives the acknowledgement; whatever follows from it is over then."""

    hq: Headquarters
    _numbers: ClassVar[Iterator[int]] = itertools.count(1)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """For the headquarters as they run now."""
        self._app = build_app(self.hq.core.desk, self.hq.board, AtOnce(), api_url="http://127.0.0.1:9/api/")

    def deliver(self, payload: Payload) -> Any:
        served = serve(self._app, payload, f"envelope-{next(self._numbers)}")
        for work in served.afterwards:
            work()
        assert served.ack.status == 200
        return json.loads(served.ack.body) if served.ack.body else {}

    def command(self, text: str, *, who: str = ADA, channel: str = CHANNEL, team: str = TEAM) -> Any:
        flat = {"command": "/checkpoint", "text": text, "user_id": who, "channel_id": channel, "team_id": team}
        return self.deliver({**flat, "trigger_id": self.trigger()})

    def shortcut(self, *, who: str = ADA, team: str = TEAM) -> Any:
        return self.deliver({**self.by(who, team), "type": "shortcut", "callback_id": "take_checkpoint"})

    def message_shortcut(self, text: str, *, who: str = ADA, channel: str = CHANNEL, team: str = TEAM) -> Any:
        about = {"callback_id": "take_checkpoint_of_message", "channel": {"id": channel}, "message": {"text": text}}
        return self.deliver({**self.by(who, team), "type": "message_action", **about})

    def search(self, form: Form, text: str, *, who: str = ADA, team: str = TEAM, **values: str) -> list[str]:
        """The labels that are found."""
        view = self.view(form, "V0", values)
        payload = {**self.by(who, team), "type": "block_suggestion", "action_id": "bot.vm.0", "value": text}
        return [one["text"]["text"] for one in self.deliver({**payload, "view": view})["options"]]

    def edit(self, form: Form, *, who: str = ADA, view: str = "", team: str = TEAM, **values: str) -> Any:
        action = {"type": "external_select", "action_id": "bot.vm.0"}
        shown = self.view(form, view or f"V{next(self._numbers)}", values)
        return self.deliver({**self.by(who, team), "type": "block_actions", "actions": [action], "view": shown})

    def submit(self, form: Form, *, who: str = ADA, view: str = "", team: str = TEAM, **values: str) -> Any:
        """The errors by field, or nothing."""
        shown = self.view(form, view or f"V{next(self._numbers)}", values)
        ack = self.deliver({**self.by(who, team), "type": "view_submission", "view": shown})
        return ack.get("errors", {})

    def open_home(self, *, who: str = ADA, team: str = TEAM) -> Any:
        event = {"type": "app_home_opened", "user": who, "channel": "D0", "tab": "home"}
        return self.deliver({"type": "event_callback", "team_id": team, "event": event, "event_id": self.trigger()})

    def press_at_home(self, action: str, value: str, *, who: str = ADA, team: str = TEAM) -> Any:
        pressed = {"type": "button", "action_id": f"bot.{action}.0", "value": value}
        container = {"container": {"type": "view", "view_id": "V0HOME"}, "view": {"type": "home", "id": "V0HOME"}}
        return self.deliver({**self.by(who, team), "type": "block_actions", "actions": [pressed], **container})

    def press(
        self, action: str, value: str = "", *, who: str = ADA, channel: str = CHANNEL, chosen: Iterable[str] = ()
    ) -> Any:
        """A button of a message of the channel, beside which these were chosen."""
        pressed = {"type": "button", "action_id": f"bot.{action}.0", **({"value": value} if value else {})}
        options = {"bot.pick.0": {"selected_options": [{"value": one} for one in chosen]}}
        state = {"state": {"values": {"pick": options}}, "channel": {"id": channel}}
        return self.deliver({**self.by(who), "type": "block_actions", "actions": [pressed], **state})

    def by(self, who: str, team: str = TEAM) -> Payload:
        return {"user": {"id": who, "team_id": team}, "team": {"id": team}, "trigger_id": self.trigger()}

    def trigger(self) -> str:
        return f"trigger-{next(self._numbers)}"

    @property
    def form(self) -> Form:
        """The one that was opened last."""
        return self.hq.screens.opened[-1][1]

    name_field: ClassVar[tuple[Text, ...]] = (Text(id="name", label="Name"),)

    @staticmethod
    def view(form: Form, id: str, values: Mapping[str, str]) -> Payload:
        """The form as Slack brings it back, with these values in it."""
        shown: Payload = {**modal(form), "id": id, "hash": "1"}
        filled: Payload = {}
        for block in shown["blocks"]:
            if block["type"] == "input":
                element = block["element"]
                how = _ENTERED[element["type"]]
                entered = how(values[block["block_id"]]) if block["block_id"] in values else _initial(element)
                filled[block["block_id"]] = {element["action_id"]: {"type": element["type"], **entered}}
        return {**shown, "state": {"values": filled}}


_ENTERED: Mapping[str, Callable[[str], Payload]] = {
    "external_select": lambda value: {"selected_option": {"value": value}},
    "static_select": lambda value: {"selected_option": {"value": value}},
    "multi_static_select": lambda value: {"selected_options": [{"value": one} for one in value.split("\n")]},
    "plain_text_input": lambda value: {"value": value},
    "datepicker": lambda value: {"selected_date": value},
    "conversations_select": lambda value: {"selected_conversation": value},
}


def _initial(element: Payload) -> Payload:
    if "initial_option" in element:
        return {"selected_option": element["initial_option"]}
    found = next((value for name, value in element.items() if name.startswith("initial_")), None)
    return {"value": found} if element["type"] == "plain_text_input" else {"selected_conversation": found}
