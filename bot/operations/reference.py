"""Writes the README's tables of commands and settings from the code.

`python -m bot.operations.reference` writes them, and `--check` only compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import commands
from bot.settings import Settings
from bot.settings.starter import plain
from commands import Commands
from commands.base import Heading, Paragraph, Part, Table, Tree, unmarked
from commands.kit import manual

README = Path(__file__).resolve().parents[2] / "README.md"
COMMAND = "python -m bot.operations.reference"


class MarkerMissing(Exception):
    """The text has no place for a table: `<!-- commands -->` … `<!-- /commands -->`."""


def main(arguments: Sequence[str]) -> int:
    """Bring the README up to date; with `--check` only say whether it is. The exit code: 0 fine, 1 not, 2 usage."""
    if list(arguments) not in ([], ["--check"]):
        print(f"usage: {COMMAND} [--check]", file=sys.stderr)
        return 2
    old = README.read_text("utf-8")
    new = written_into(old)
    if arguments:
        print(
            "README.md is up to date."
            if new == old
            else "README.md is out of date: run python -m bot.operations.reference"
        )
        return int(new != old)
    README.write_text(new, "utf-8")
    return 0


def written_into(readme: str) -> str:
    """`readme` with what stands between its markers made anew. Raises `MarkerMissing`."""
    for name, text in (("commands", commands_text(commands.load())), ("settings", settings_text(Settings))):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if readme.count(begin) != 1 or readme.count(end) != 1 or readme.index(begin) > readme.index(end):
            raise MarkerMissing(f"{begin} … {end} must stand in the text once")
        before, after = readme.partition(begin)[0], readme.partition(end)[2]
        readme = f"{before}{begin}\n{text}\n{end}{after}"
    return readme


# ---------------------------------------------------------------- commands


def commands_text(group: Commands) -> str:
    """A table of all commands, and a page for each under it."""
    with click.Context(group, info_name="/checkpoint") as ctx:
        every = [command for _, command in sorted(group.commands.items())]
        rows = [(f"`{unmarked(manual.usage(command, ctx))}`", _escape(manual.summary(command))) for command in every]
        pages = "\n\n".join(_page(command, ctx) for command in every)
    table = _table(("Type", "What it does"), rows)
    return (
        f"{table}\n\n<details>\n<summary>Every command with its options and examples</summary>\n\n{pages}\n\n</details>"
    )


def _page(command: click.Command, ctx: click.Context) -> str:
    return "\n\n".join(_markdown(part) for part in manual.describe(command, ctx).parts)


def _markdown(part: Part) -> str:
    match part:
        case Heading(text):
            return f"#### {unmarked(text)}"
        case Paragraph(text, code=True):
            return f"`{unmarked(text)}`"
        case Paragraph(text):
            return _escape(text)
        case Tree(lines):
            return "\n".join(("```", *map(unmarked, lines), "```"))
        case Table(columns, rows):
            return _table(columns, [(f"`{first}`", *map(_escape, map(str, others))) for first, *others in rows])
        case _:
            raise TypeError(f"a command's page has a {type(part).__name__}, which the README cannot show")


# ---------------------------------------------------------------- settings


def settings_text(model: type[BaseModel]) -> str:
    """A table of every setting with its default and meaning."""
    return _table(("Setting", "Default", "What it is"), list(_rows(model, "")))


def _rows(section: type[BaseModel], path: str) -> Iterator[tuple[str, str, str]]:
    """What a section inherits is described where it comes from."""
    for name, field in section.model_fields.items():
        if name not in section.__annotations__:
            continue
        inner = _section_of(field)
        if inner is None or field.description:
            yield f"`{path}{field.alias or name}`", _default(field), _escape(field.description or "")
        if inner is not None:
            yield from _rows(inner, f"{path}{name}." if inner is field.annotation else f"{path}{name}.0.")


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field is, or a list of."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none: must be set"
    value = plain(field.get_default())
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


# ---------------------------------------------------------------- markdown


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _escape(text: str) -> str:
    """Plain text as Markdown; what stands in backquotes is code already."""
    return re.sub(r"(`[^`]*`)|([*<\[\\])", lambda found: found[1] or f"\\{found[2]}", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
