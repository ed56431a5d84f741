"""Long tables, a page at a time: no row is on no page, and a page fits in a message whatever its names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import click

from commands.base import Actions, Button, Figure, Footnote, Part, Pick, Table, unmarked
from commands.kit.words import typed

PAGE = 20
"""Rows."""

MOST_CHOSEN = 5
"""Rows that something is done with at once: each becomes a change with a message of its own."""

ROOM = 4_800
"""Characters that a page takes at the most where its columns are padded with blanks; a message holds about 9,000."""

PADDED = 40
"""Up to there a column is padded."""

SHORTER = (300, 200, 120, 80, 60, 40, 25)
"""So many characters are left of a cell, until the page has room."""

MOST_LABEL = 50
"""Characters of a row in the menu."""

MOST_VALUE = 1_800
"""Characters of a command that a button keeps; Slack takes 2,000."""

Cell = str | Figure
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, and how it is called in the menu beneath. `id` is empty where nothing is done with it."""

    cells: tuple[Cell, ...]
    label: str = ""
    id: str = ""


def _page_number(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", text.strip(), re.ASCII):
        raise click.BadParameter(f"{text!r} is not a page: type 1 for the first, 2 for what comes after, and so on")
    return int(text)


page_option = click.option("--page", callback=_page_number, default="1", metavar="2", help="What comes after.")


def of_page(rows: Sequence[T], page: int) -> Sequence[T]:
    """Those that stand on a page."""
    return rows[(page - 1) * PAGE : page * PAGE]


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """The rows of one page, all of them: where they are too long, their cells are shortened."""
    for most in SHORTER:
        cells = tuple(tuple(_shortened(cell, most) for cell in row.cells) for row in rows)
        if _size([tuple(columns), *cells]) <= ROOM:
            break
    return Table(tuple(columns), cells, title, whole=True)


def menu(question: str, rows: Sequence[Row], buttons: Sequence[Button]) -> Iterator[Part]:
    """What can be done with the rows of a page: Slack's tables take no menu in a row, so it stands beneath."""
    options = {row.id: (_label(row), row.id) for row in rows if row.id}
    if options and buttons:
        yield Pick(question, tuple(options.values()), tuple(buttons), min(MOST_CHOSEN, len(options)))


def turn(words: Sequence[str], page: int, *, more: bool) -> Iterator[Part]:
    """Buttons to the pages before and after. `words` are those of the command, without its page."""
    ways = (*([("Back", page - 1)] if page > 1 else []), *([("Next", page + 1)] if more else []))
    commands = [(label, unmarked(typed(*words, "--page", str(to)))) for label, to in ways]
    if commands and all(len(command) <= MOST_VALUE for _, command in commands):
        yield Actions(tuple(Button(label, "page", command) for label, command in commands))
    if more:
        yield Footnote(f"There is more: press Next, or type the same with --page {page + 1}.")


def _shortened(cell: Cell, most: int) -> Cell:
    if isinstance(cell, Figure):
        return replace(cell, text=_short(cell.text, most))
    return _short(cell, most)


def _label(row: Row) -> str:
    return _short(row.label, MOST_LABEL)


def _short(text: str, most: int) -> str:
    """Shortened in the middle: the ends tell names apart."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[most // 2 + 1 - most :]}"


def _size(rows: Iterable[Sequence[Cell]]) -> int:
    """Characters of the rows as lines, with their columns under each other."""
    texts = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in rows]
    widths = [min(PADDED, max(map(len, column))) for column in zip(*texts, strict=True)]
    return sum(max(len(text), width) + 2 for row in texts for text, width in zip(row, widths, strict=True))
