"""What people do in the workspace, and what Slack makes of the app's answer.

Each act goes to the app as an envelope; the outcome tells what the person saw: the ack, or Slack's own complaint.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

from bot.sandbox import payloads
from bot.sandbox.errors import SandboxError, SlackError
from bot.sandbox.events import Events
from bot.sandbox.finding import are_options, find
from bot.sandbox.messages import Message, View
from bot.sandbox.outcomes import How, Outcome
from bot.sandbox.payloads import Act, Value
from bot.sandbox.reacting import react, unreact
from bot.sandbox.request_url import Delivery
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import EnvelopeType, NoConnection
from bot.sandbox.state import State, Trigger, Typed
from bot.sandbox.viewing import STATELESS, Filled, errors_of, missing, push_view, replace_view, values_of, view_of
from bot.sandbox.workspace import Channel, User

TRIGGER_LIFE = 3.0
"""Seconds."""
TOO_SLOW = "operation_timeout"
NOBODY_THERE = "dispatch_failed"


@dataclass
class People:
    """Acts as a person. Lives on the sandbox's own thread; every method raises `SandboxError` for the impossible."""

    state: State
    app: Delivery
    urls: ResponseUrls
    events: Events
    clock: Callable[[], float]
    ack_timeout: float

    async def command(self, who: str, where: str, typed: str, how: How) -> Outcome:
        """Type a slash command."""
        user = self._user(who, how)
        channel = self._channel(user, where, how)
        command, text = (*re.split(r"[ \n]", typed, maxsplit=1), "")[:2]
        known = {one.command for one in self.state.workspace.app.commands}
        if command not in known and not how.forged:
            raise SandboxError(f"{command} is not a valid command. There is {', '.join(sorted(known))}.")
        url = self.urls.make("commands", channel.id, user.id)
        self.state.echo(Typed(channel.id, self.state.ids.ts(), user.id, typed.strip()))
        act = self._act(user, how, url=url)
        outcome = await self._send(
            "slash_commands",
            payloads.slash_command(act, channel, command, escape(text.strip(" \r\n"), quote=False)),
            act,
            how,
        )
        if outcome.ack:
            outcome = self._answered(outcome, url)
        if outcome.error is not None:
            self._complain(channel, user.id, f'{command} failed with the error "{outcome.error}"')
        return outcome

    async def press(
        self,
        who: str,
        message: Message,
        action_id: str,
        how: How,
        *,
        block_id: str | None = None,
        value: Value = None,
        filled: Filled | None = None,
    ) -> Outcome:
        """Press a button in a message, or choose from a menu in it. A value that is not there needs `forged`.

        `filled` is what the person has filled in there since; it stays until the message changes.
        """
        user = self._user(who, how)
        self._channel(user, message.channel, how)
        if message.ephemeral_to not in (None, user.id) and not how.forged:
            raise SandboxError("Somebody else's ephemeral message cannot be seen.")
        block, element = find(list(message.elements()), action_id, block_id, value, forged=how.forged)
        act = self._act(user, how, url=self.urls.make("actions", message.channel, user.id, message))
        chosen: Filled = {} if element["type"] in STATELESS else {block: {element["action_id"]: value}}
        self._choose(user, message, filled or {})
        values = self._choose(user, message, chosen)
        action = payloads.action(element, block, value, self.state.ids.ts())
        shown = self.state.show(message)
        return await self._send("interactive", payloads.message_action(act, message, shown, values, action), act, how)

    async def shortcut(self, who: str, callback_id: str, message: Message | None, how: How) -> Outcome:
        """Choose a shortcut: of the whole workspace, or of a message."""
        user = self._user(who, how)
        kind = "message" if message else "global"
        known = {one.callback_id for one in self.state.workspace.app.shortcuts if one.type == kind}
        if callback_id not in known and not how.forged:
            there = ", ".join(sorted(known)) or "none"
            raise SandboxError(f"There is no {kind} shortcut {callback_id}. There is {there}.")
        ts = self.state.ids.ts()
        if message is None:
            act = self._act(user, how)
            return await self._send("interactive", payloads.shortcut(act, callback_id, ts), act, how)
        self._channel(user, message.channel, how)
        if message.ephemeral_to is not None and not how.forged:
            raise SandboxError("Ephemeral messages have no shortcuts.")
        act = self._act(user, how, url=self.urls.make("actions", message.channel, user.id, message))
        payload = payloads.message_shortcut(act, callback_id, message, self.state.show(message), ts)
        return await self._send("interactive", payload, act, how)

    async def suggest(
        self, who: str, place: Message | View, action_id: str, typed: str, how: How, *, filled: Filled | None = None
    ) -> Outcome:
        """Type into a menu whose options the app gives; `ack` of the outcome has them. `filled` is what the person has
        filled in beside it."""
        user = self._user(who, how)
        block, element = find(list(place.elements()), action_id, None, None, forged=how.forged)
        if "external_select" not in element["type"] and not how.forged:
            raise SandboxError(f"{action_id} does not ask for its options.")
        act = self._act(user, how)
        payload = payloads.suggestion(act, self._place(place, filled or {}), element, block, typed)
        outcome = await self._send("interactive", payload, act, how)
        if outcome.error is None and not are_options(outcome.ack or {}):
            return replace(outcome, error="invalid_options")
        return outcome

    async def react(self, who: str, message: Message, name: str, how: How) -> None:
        """Put an emoji on a message, or take it off where it is one's own already."""
        user = self._user(who, how)
        self._channel(user, message.channel, how)
        mine = any(one.name == name and user.id in one.users for one in message.reactions)
        (unreact if mine else react)(self.state, self.events, message, name, user.id)

    def _place(self, place: Message | View, filled: Filled) -> Json:
        """Where an element stands, as payloads say it."""
        if isinstance(place, View):
            container: Json = {"type": "view", "view_id": place.id}
            return {"container": container, "view": place.as_slack(self.state.workspace, values_of(place, filled))}
        container = {"type": "message", "message_ts": place.ts, "channel_id": place.channel, "is_ephemeral": False}
        shown = {name: value for name, value in self.state.show(place).items() if name != "channel"}
        return {"container": container, "channel": {"id": place.channel}, "message": shown}

    def _choose(self, user: User, message: Message, filled: Filled) -> Json:
        """Keep what a person filled in a message. Gives all that is filled in there, as `state.values` has it."""
        mine = self.state.choices.setdefault((message.channel, message.ts), {}).setdefault(user.id, {})
        for block_id, fields in filled.items():
            mine.setdefault(block_id, {}).update(fields)
        return values_of(message, mine)

    async def press_in_view(
        self, who: str, view: View, action_id: str, filled: Filled, how: How, *, value: Value = None
    ) -> Outcome:
        """Press or choose something in a modal or on the Home tab."""
        act = self._act(self._user(who, how), how, view_id=view.id)
        block, element = find(list(view.elements()), action_id, None, value, forged=how.forged)
        action = payloads.action(element, block, value, self.state.ids.ts())
        return await self._send(
            "interactive", payloads.view_action(act, view, values_of(view, filled), action), act, how
        )

    async def submit(self, who: str, view: View, filled: Filled, how: How) -> Outcome:
        """Submit a modal. Required inputs that are empty never reach the app."""
        user = self._user(who, how)
        act = self._act(user, how, view_id=view.id)
        values = values_of(view, filled)
        problems = missing(view, values)
        if problems and not how.forged:
            return Outcome(error="incomplete", errors=tuple(problems.items()))
        urls = self._response_urls(user, view, values)
        outcome = await self._send("interactive", payloads.view_submission(act, view, values, urls), act, how)
        return self._submitted(view, outcome) if outcome.acked else outcome

    def _response_urls(self, user: User, view: View, values: Json) -> list[Json]:
        """A way back to each channel that was chosen in a menu with `response_url_enabled`."""
        made: list[Json] = []
        for block_id, element in view.elements():
            entry = values.get(block_id, {}).get(element["action_id"], {})
            channel = entry.get("selected_conversation") or entry.get("selected_channel")
            if element.get("response_url_enabled") and channel in self.state.workspace.channels:
                url = self.urls.make("actions", channel, user.id)
                place = {"block_id": block_id, "action_id": element["action_id"], "channel_id": channel}
                made.append({**place, "response_url": url})
        return made

    async def close(self, who: str, view: View, how: How) -> Outcome:
        """Close a modal without submitting it; the app hears of it where the view says `notify_on_close`."""
        act = self._act(self._user(who, how), how)
        clear = bool(view.body.get("clear_on_close"))
        self.state.close_view(view, all_of_them=clear)
        if not view.body.get("notify_on_close"):
            return Outcome()
        return await self._send("interactive", payloads.view_closed(act, view, is_cleared=clear), act, how)

    async def say(self, who: str, where: str, text: str, how: How, *, thread_ts: str | None = None) -> Message:
        """Write an ordinary message, or a reply to one."""
        user = self._user(who, how)
        channel = self._channel(user, where, how)
        if thread_ts is not None and (channel.id, thread_ts) not in self.state.messages:
            raise SandboxError(f"There is no message {thread_ts} in {channel.name}.")
        message = self.state.post(
            Message(channel.id, self.state.ids.ts(), user.id, self._written(text), thread_ts=thread_ts)
        )
        self.events.said(message)
        return message

    async def deliver(self, kind: EnvelopeType, payload: Json, how: How) -> Outcome:
        """Send any envelope at all: for what the sandbox has no person do, and for what no person could."""
        workspace = self.state.workspace
        return await self._send(
            kind, payload, Act(workspace, workspace.users[workspace.app.bot_user_id], workspace.team), how
        )

    def open_home(self, who: str, tab: str = "home") -> None:
        """Look at the app's Home tab, or at its `messages`."""
        user = self.state.workspace.user(who)
        self.events.home_opened(user.id, self.state.workspace.direct(user.id).id, self.state.homes.get(user.id), tab)

    # ---------------------------------------------------------------- how an act travels

    async def _send(self, kind: EnvelopeType, payload: Json, act: Act, how: How) -> Outcome:
        first, *again = await asyncio.gather(*(self._deliver(kind, payload, act) for _ in range(how.times)))
        return replace(first, again=tuple(again))

    async def _deliver(self, kind: EnvelopeType, payload: Json, act: Act) -> Outcome:
        outcome = Outcome(trigger_id=act.trigger_id, response_url=act.response_url)
        try:
            ack = await self.app.deliver(kind, payload, self.ack_timeout)
        except NoConnection:
            return replace(outcome, error=NOBODY_THERE)
        if ack is None:
            return replace(outcome, error=TOO_SLOW)
        return replace(outcome, ack=ack.payload, ack_ms=ack.ms)

    def _user(self, who: str, how: How) -> User:
        user = self.state.workspace.user(who)
        if (user.deleted or user.is_bot) and not how.forged:
            raise SandboxError(f"{user.name} cannot act: deactivated, or a bot.")
        return user

    def _channel(self, user: User, where: str, how: How) -> Channel:
        channel = self.state.workspace.channel(where, user)
        if user.id not in channel.members and not how.forged:
            raise SandboxError(f"{user.name} is not in {channel.name}.")
        return channel

    def _act(self, user: User, how: How, *, url: str = "", view_id: str | None = None) -> Act:
        """With a new trigger_id."""
        workspace = self.state.workspace
        trigger_id = self.state.ids.trigger(workspace.team.id)
        self.state.add_trigger(trigger_id, Trigger(user.id, self.clock() + TRIGGER_LIFE, view_id=view_id))
        return Act(workspace, user, workspace.team_of(how.team or user.team_id), trigger_id, url)

    def _written(self, text: str) -> str:
        """A person's words as Slack stores them: escaped, with mentions of people as such."""
        ids = {user.name: user.id for user in self.state.workspace.users.values()}
        return re.sub(
            r"@([\w.-]+)",
            lambda found: f"<@{ids[found[1]]}>" if found[1] in ids else found[0],
            escape(text, quote=False),
        )

    # ---------------------------------------------------------------- what Slack makes of an ack

    def _answered(self, outcome: Outcome, url: str) -> Outcome:
        """Post what the ack of a command says."""
        hook = self.state.hooks[url.removeprefix(f"{self.urls.base}/hooks/")]
        try:
            self.urls.respond(hook, outcome.ack or {})
        except SlackError:
            return replace(outcome, error="invalid_command_response")
        return outcome

    def _complain(self, channel: Channel, user: str, text: str) -> None:
        """Say what Slackbot says, to the person alone."""
        self.state.post(Message(channel.id, self.state.ids.ts(), "USLACKBOT", text, ephemeral_to=user))

    def _submitted(self, view: View, outcome: Outcome) -> Outcome:
        """Do to the modal what the ack says."""
        answer = outcome.ack or {}
        try:
            match answer.get("response_action"):
                case "errors":
                    errors = errors_of(view, answer)
                    self.state.show_view(view.with_errors(errors))
                    return replace(outcome, error="errors", errors=tuple(errors.items()))
                case "update":
                    replace_view(self.state, view, view_of(answer))
                case "push":
                    push_view(self.state, view.user, view_of(answer))
                case None | "clear" as action:
                    self.state.close_view(view, all_of_them=action == "clear")
                case _:
                    raise SlackError("invalid_response_action")
        except SlackError as refused:
            return replace(outcome, error=refused.code)
        return outcome
