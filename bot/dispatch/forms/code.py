"""The form that asks for a one-time code, before somebody's word on a card is taken."""

from __future__ import annotations

from collections.abc import Sequence

from bot.dispatch.forms.base import Answers, Mistake
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Form, Option, Text
from commands.base import Context, Paragraph, UsageError

MOST = 12
"""Characters: six digits, and perhaps a blank between them."""


class CodeForm:
    """A `Kind`. What it brings back: the change, and the word that was pressed."""

    name = "code"

    def draw(self, sheet: Sheet, context: Context) -> Form:  # noqa: ARG002 - it is the same for all
        memory = sheet.memory or {}
        return Form(
            self.name,
            "One-time code",
            "Approve" if memory.get("word") == "approve" else "Confirm",
            (
                Paragraph("The settings ask for a one-time code here, so that it is you and not only your Slack."),
                Text(id="code", label="Code", hint="The six digits that your app shows now.", most=MOST),
            ),
            {key: memory[key] for key in ("change", "word", "channel") if key in memory},
        )

    def says(self, sheet: Sheet, context: Context) -> Sequence[str] | Answers:  # noqa: ARG002 - it is the same for all
        memory, code = sheet.memory or {}, sheet.values.get("code", "").replace(" ", "")
        if not (code.isascii() and code.isdigit() and len(code) == 6):
            raise Mistake(code="A code has six digits.")
        word = memory.get("word")
        if word == "approve":
            return Answers(memory.get("change", ""), "approve", code)
        if word == "confirm":
            return Answers(memory.get("change", ""), "confirm", code)
        raise UsageError("This form asks for nothing.", "Press the button of the message again.")

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - there is one
        return "code"

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - it has no search
        return ()


CODE = CodeForm()
