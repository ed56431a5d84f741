"""A reply as this bot says it: with its name, where it has one, and with the slash command that its people type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from backends.base.names import COMMAND
from bot.dispatch.views import Alert, Field, Form
from bot.settings.kinds import SLASH
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
    Part,
    Pick,
    Points,
    Progress,
    Reply,
    Table,
    Tree,
)


@dataclass(frozen=True, slots=True)
class Voice:
    """Of several bots in a workspace, who speaks."""

    command: str = SLASH
    label: str = ""

    def sentence(self, text: str) -> str:
        """With the commands in it as people type them here. Names, and whatever else people wrote, are left alone."""
        return text if self.command == SLASH else text.replace(f"{COMMAND}{SLASH}", f"{COMMAND}{self.command}")

    def over(self, message: Reply) -> Reply:
        if self == Voice():
            return message
        parts = tuple(_part(one, self.sentence) for one in message.parts)
        return replace(message, parts=(Footnote(self.label), *parts) if self.label else parts)

    def over_form(self, form: Form) -> Form:
        """The same of a form, above whose fields the name stands."""
        if self == Voice():
            return form
        parts = tuple(self._field(one) for one in form.parts)
        return replace(form, parts=(Paragraph(self.label), *parts) if self.label else parts)

    def _field(self, part: Field | Alert | Paragraph) -> Field | Alert | Paragraph:
        if isinstance(part, Field):
            return replace(part, hint=self.sentence(part.hint))
        return replace(part, text=self.sentence(part.text))


def _part(part: Part, say: Callable[[str], str]) -> Part:  # noqa: PLR0911 - one for each kind
    match part:
        case Heading() | Paragraph() | Footnote():
            return replace(part, text=say(part.text))
        case Tree(lines):
            return Tree(tuple(map(say, lines)))
        case Points(lines):
            return Points(tuple(map(say, lines)))
        case Progress(title, tasks, lines):
            told = tuple(replace(one, detail=say(one.detail)) for one in tasks)
            return Progress(say(title), told, tuple(map(say, lines)))
        case Entry():
            return replace(part, label=say(part.label))
        case Table():
            rows = tuple(tuple(_cell(cell, say) for cell in row) for row in part.rows)
            return replace(part, rows=rows, title=say(part.title))
        case Item():
            buttons, choices = _labelled(part.buttons, say), _labelled(part.choices, say)
            return replace(part, text=say(part.text), detail=say(part.detail), buttons=buttons, choices=choices)
        case Chart():
            return replace(part, text=say(part.text))
        case Pick():
            return replace(part, label=say(part.label), buttons=_labelled(part.buttons, say))
        case Actions(buttons):
            return Actions(_labelled(buttons, say))


def _cell(cell: str | Figure, say: Callable[[str], str]) -> str | Figure:
    return say(cell) if isinstance(cell, str) else cell


def _labelled(buttons: tuple[Button, ...], say: Callable[[str], str]) -> tuple[Button, ...]:
    return tuple(replace(one, label=say(one.label), confirm=say(one.confirm)) for one in buttons)
