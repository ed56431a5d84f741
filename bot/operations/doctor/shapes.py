"""Sends every shape of message that the bot shows to Slack's blocks.validate, which shows none of them to anybody."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import click
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

import commands
from bot.operations.doctor.findings import Check, broken, unseen, works
from bot.slack.render.blocks import Rendered, render
from bot.slack.render.newer import forms
from bot.slack.web import WEB_ERRORS, error_code
from commands.base import (
    Actions,
    Button,
    Chart,
    Entry,
    Figure,
    Footnote,
    Heading,
    Item,
    Paragraph,
    Pick,
    Points,
    Progress,
    Reply,
    Table,
    Task,
    Tree,
)
from commands.kit import manual

REFUSED = "Tell whoever makes this bot, with this line. Until then it shows such messages in simpler blocks."
MOST_TOLD = 300

BUTTONS = (
    Button("Apply", "confirm", "1", "danger", "Really?"),
    Button("Keep", "keep", "2", "primary"),
    Button("Cancel", "cancel", "3"),
)
EVERY_PART = Reply(
    (
        Heading("Stale checkpoints"),
        Paragraph("web01 has a checkpoint of 41 days."),
        Paragraph("/checkpoint list web01", code=True),
        Paragraph("look at this", to=("U024BE7LH",)),
        Points(("All written since 2026-11-22 14:05 UTC is lost.", "Its checkpoints stay.")),
        Tree(("before-upgrade", "└─ now")),
        Progress("1 of 2", (Task("1", "web01", "complete", "Took x."), Task("2", "web02", "pending")), ("⏳ web02",)),
        Table(("VM", "Days"), (("web01", "41"), ("sql01", ""))),
        Item("web01 before-upgrade", "41 days, 18 GB", BUTTONS[:2]),
        Item("web02 before-upgrade", "41 days, 18 GB", choices=BUTTONS),
        Chart("Held by checkpoints", (("1 Nov", 40.0), ("2 Nov", 43.5)), "GB", "From 40 GB to 43.5 GB."),
        Pick("Which of yours", (("before-upgrade of web01", "1"),), BUTTONS[:1], 10),
        Entry("Why?"),
        Actions(BUTTONS),
        Footnote("change 1a2b3c"),
    )
)
"""One of every kind of part."""


def shapes() -> Iterator[tuple[str, Reply]]:
    """Each by a name for it: one of every part, a long table, and every page of the manual."""
    yield "every part", EVERY_PART
    rows = tuple((f"vm{n}", Figure(n, f"{n} days")) for n in range(150))
    yield "a table that is sorted", Reply((Table(("VM", "Age"), rows, "Stale checkpoints"),))
    yield "a table that folds", Reply((Table(("VM", "Age"), rows[:30], "30 more", folded=True),))
    yield "a long table", Reply((Table(("VM", "Checkpoint"), tuple((f"vm{n}", f"name {n}") for n in range(150))),))
    group = commands.load()
    with click.Context(group, info_name="/checkpoint") as ctx:
        for name, command in sorted(group.commands.items()):
            yield f"help {name}", manual.describe(command, ctx)


def look(client: WebClient) -> Iterator[Check]:
    """Each in every form in which it may go out."""
    for name, reply in shapes():
        for form in forms(reply):
            about = f"the message “{name}” in {form} blocks"
            yield _validated(client, about, render(reply, lambda: uuid.uuid4().hex, form))


def _validated(client: WebClient, about: str, rendered: Rendered) -> Check:
    message = {"text": rendered.text, "blocks": rendered.blocks}
    try:
        client.blocks_validate(message=message)
    except SlackApiError as error:
        if error_code(error) not in ("invalid_message", "invalid_blocks"):
            return unseen(about, f"Slack did not look at it ({error_code(error)}).")
        return broken(about, f"Slack refuses it: {json.dumps(error.response.get('errors'))[:MOST_TOLD]}.", REFUSED)
    except WEB_ERRORS as error:
        return unseen(about, f"Slack could not be reached ({error_code(error)}).")
    return works(about, "Slack takes it.")
