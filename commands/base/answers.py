"""What a command says: an answer in parts, all of them plain text. Whoever shows it escapes it, so a VM's name cannot
become markup."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from commands.base.names import unmarked


@dataclass(frozen=True, slots=True)
class Button:
    """What a person can press. `value` is an id and nothing else: all that it means is looked up when it is pressed."""

    label: str
    action: str
    """`confirm`, `cancel`, `delete`, `keep`, …"""
    value: str
    style: Literal["primary", "danger"] | None = None
    confirm: str = ""
    """A second question, asked when it is pressed."""


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; `code` shows it in a fixed-width face, and `to` addresses people and user groups by their ids."""

    text: str
    code: bool = False
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """Lines that are drawn in a fixed-width face, already indented."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A short list: what is lost, and what stays."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One of several things that are under way."""

    id: str
    title: str
    status: Literal["pending", "in_progress", "complete", "error"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far several things have come. `lines` says the same in lines."""

    title: str
    tasks: tuple[Task, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a table, by which its column is sorted, and how it reads."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; with a title it can be sorted and leafed through, and folded it opens at a click."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | Figure, ...], ...]
    title: str = ""
    folded: bool = False
    whole: bool = False
    """Its rows have room before what else the message says."""


@dataclass(frozen=True, slots=True)
class Chart:
    """How something went, as a line. `text` says the same in words: not every reader sees a chart."""

    title: str
    points: tuple[tuple[str, float], ...]
    """Label and value, in their order."""
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list, with what can be done about it."""

    text: str
    detail: str = ""
    buttons: tuple[Button, ...] = ()
    choices: tuple[Button, ...] = ()
    """The same in a menu, which takes less room: one of them is chosen. Five at the most."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A choice of several, and what to do with all that are chosen. Options are label and id; the buttons' values are
    empty."""

    label: str
    options: tuple[tuple[str, str], ...]
    buttons: tuple[Button, ...]
    most: int
    """So many may be chosen at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line to type in. What was typed comes with the button that is pressed beneath it."""

    label: str
    most: int = 300
    """Characters."""


@dataclass(frozen=True, slots=True)
class Actions:
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    text: str


Part = Heading | Paragraph | Points | Tree | Progress | Table | Chart | Item | Pick | Entry | Actions | Footnote


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Seen by the person who asked, unless `shared` puts it in the channel."""

    parts: tuple[Part, ...]
    shared: bool = False

    @property
    def text(self) -> str:
        """The same in plain text: for notifications, screen readers and the log."""
        return unmarked("\n".join(line for part in self.parts for line in _lines(part)))


def say(*sentences: str) -> Reply:
    """A reply of plain paragraphs."""
    return Reply(tuple(Paragraph(s) for s in sentences))


def _lines(part: Part) -> Iterable[str]:
    match part:
        case Heading(text) | Paragraph(text) | Footnote(text):
            yield text
        case Tree(lines) | Points(lines):
            yield from lines
        case Progress(title, _, lines):
            yield title
            yield from lines
        case Table(columns, rows, title):
            yield from [title] if title else []
            yield " | ".join(columns)
            yield from (" | ".join(cell if isinstance(cell, str) else cell.text for cell in row) for row in rows)
        case Chart():
            yield part.text
        case Item(text, detail):
            yield f"{text} {detail}".strip()
        case Pick(label, options):
            yield label
            yield from (name for name, _ in options)
        case Entry(label):
            yield label
        case Actions():
            return
