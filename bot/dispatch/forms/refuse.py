"""The form in which an approver says why they refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.dispatch.buttons import MOST_REASON
from bot.dispatch.forms.base import CHANNEL, Answers
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Form, Option, Text
from commands.base import Context, Paragraph, UsageError


class RefuseForm:
    """A `Kind`. What it brings back: the change, and the channel."""

    name = "refuse"

    def __init__(self, about: Callable[[str], str]) -> None:
        """`about` says what somebody refuses, by the change's id."""
        self._about = about

    def draw(self, sheet: Sheet, context: Context) -> Form:  # noqa: ARG002 - it is the same for all
        memory = sheet.memory or {}
        return Form(
            self.name,
            "Refuse",
            "Refuse",
            (
                Paragraph(self._about(memory.get("change", ""))),
                Text(
                    id="reason",
                    label="Why?",
                    hint="The card shows it, and who asked is told.",
                    optional=True,
                    long=True,
                    most=MOST_REASON,
                ),
            ),
            {key: memory[key] for key in ("change", CHANNEL) if key in memory},
        )

    def says(self, sheet: Sheet, context: Context) -> Answers:  # noqa: ARG002 - it is the same for all
        return Answers((sheet.memory or {}).get("change", ""), "refuse", reason=sheet.values.get("reason", ""))

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - there is one
        return "reason"

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - it has no search
        return ()
