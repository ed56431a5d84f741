"""Putting an emoji on a message and taking it off, for the app and for people alike."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.messages import Message, Reaction
from bot.sandbox.state import State

MOST_EMOJI = 50
"""Different ones on a message."""


def react(state: State, events: Events, message: Message, name: str, user: str) -> None:
    """Raises `SlackError` already_reacted, too_many_emoji."""
    present = {one.name: one.users for one in message.reactions}
    if user in present.get(name, ()):
        raise SlackError("already_reacted")
    if name not in present and len(present) >= MOST_EMOJI:
        raise SlackError("too_many_emoji")
    present[name] = (*present.get(name, ()), user)
    _put(state, message, present)
    events.reacted("reaction_added", message, name, user)


def unreact(state: State, events: Events, message: Message, name: str, user: str) -> None:
    """Raises `SlackError` no_reaction."""
    present = {one.name: one.users for one in message.reactions}
    if user not in present.get(name, ()):
        raise SlackError("no_reaction")
    present[name] = tuple(one for one in present[name] if one != user)
    _put(state, message, present)
    events.reacted("reaction_removed", message, name, user)


def _put(state: State, message: Message, present: dict[str, tuple[str, ...]]) -> None:
    state.mark(replace(message, reactions=tuple(Reaction(name, users) for name, users in present.items() if users)))
