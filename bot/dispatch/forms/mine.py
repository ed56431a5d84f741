"""The form in which somebody chooses several of their own stale checkpoints, and what becomes of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.dispatch.forms.base import CHOSEN, Each, Mistake, checkpoints_of
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Choice, Form, Option, Several
from commands.base import Context, Paragraph, UsageError
from commands.kit import mine
from commands.kit.telling import button_words
from commands.kit.words import typed

WHAT = "what"


class MineForm:
    """A `Kind`. It holds what was last seen; each command looks again."""

    name = "mine"

    def draw(self, sheet: Sheet, context: Context) -> Form:
        found = mine.stale(context)
        if not found:
            raise UsageError(mine.NONE)
        shown = tuple(Option(mine.label(context, *one), one[1].id) for one in found[: mine.MOST_SHOWN])
        first = f" These are the first {len(shown)}." if len(found) > len(shown) else ""
        return Form(
            self.name,
            "All of mine",
            "Do it",
            (
                Several(
                    id=CHOSEN,
                    label="Your stale checkpoints",
                    hint=f"Up to {mine.MOST_CHOSEN}, the largest first.{first}",
                    options=shown,
                    most=mine.MOST_CHOSEN,
                ),
                Choice(
                    id=WHAT,
                    label="What becomes of them",
                    options=tuple(Option(one.label, one.action) for one in mine.actions(context)),
                ),
                Paragraph(
                    f"Each becomes a change of its own, and a delete asks first. All: {typed('list', '--stale')}"
                ),
            ),
            sheet.memory or {},
        )

    def says(self, sheet: Sheet, context: Context) -> Each:
        """A command for each that was chosen and is there still."""
        what = sheet.values.get(WHAT, "")
        if what not in {one.action for one in mine.actions(context)}:
            raise Mistake(**{WHAT: "Choose what becomes of them."})
        verb, *words = button_words(what)
        there = {one.id: seen.vm.id for seen in context.fleet.known() for one in seen.checkpoints}
        found = [id for id in checkpoints_of(sheet)[: mine.MOST_CHOSEN] if id in there]
        if not found:
            raise Mistake(**{CHOSEN: "Choose at least one that is there still."})
        return Each({id: (verb, there[id], id, *words) for id in found})

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - all is about what was chosen
        return CHOSEN

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - it has no search
        return ()


MINE = MineForm()
