"""The Home tab: a `Reply` as a view."""

from __future__ import annotations

from collections.abc import Callable

from bot.slack.render.blocks import render
from bot.slack.render.newer import Block, Form
from commands.base import Reply


def home_view(home: Reply, new_id: Callable[[], str], form: Form) -> Block:
    """The view. It has the parts that a message has, within a message's limits, which are narrower than a view's."""
    return {"type": "home", "blocks": render(home, new_id, form).blocks}
