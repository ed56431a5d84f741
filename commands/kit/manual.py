"""How a command is described: its usage line, and the page that `--help` and `help` show."""

from __future__ import annotations

from collections.abc import Iterator

import click

from commands.base import Heading, Paragraph, Part, Reply, Table, Tree
from commands.base.names import command as say_command
from commands.kit import rights
from commands.kit.rights import OnlyWith
from commands.kit.words import typed

HELP = "--help"


class HelpAsked(Exception):
    """Somebody typed `--help`."""


def with_help(command: click.Command, name: str) -> click.Command:
    """The command under its name, with a `--help` that is an answer instead of Click's, which prints and exits."""
    command.name = name
    command.add_help_option = False
    if not any(HELP in param.opts for param in command.params):
        asked = click.Option([HELP], is_flag=True, is_eager=True, expose_value=False, callback=_ask, help="This page.")
        command.params.append(asked)
    return command


def describe(command: click.Command, ctx: click.Context, has: OnlyWith = lambda _right: True) -> Reply:
    """The whole page of one command: usage, what it does, options, examples. `has` says which rights the reader holds:
    what needs another one is left out."""
    left_out = frozenset(flag for one in rights.hidden(command, has) for flag in one.opts)
    parts: list[Part] = [Heading(typed(str(command.name))), Paragraph(usage(command, ctx, left_out), code=True)]
    parts += [Paragraph(" ".join(text.split())) for text in (command.help or "").split("\n\n") if text]
    if rows := tuple(_option_rows(command, ctx, left_out)):
        parts.append(Table(("Option", "What it does"), rows))
    if examples := [line for line in (command.epilog or "").splitlines() if left_out.isdisjoint(line.split())]:
        parts += [
            Paragraph("For example:"),
            Tree(tuple(say_command(f"/checkpoint {line.strip()}") for line in examples)),
        ]
    return Reply(tuple(parts))


def usage(command: click.Command, ctx: click.Context, left_out: frozenset[str] = frozenset()) -> str:
    """The usage line: `/checkpoint create <vm> [<name>] [--keep 7d]`."""
    arguments = [p.make_metavar(ctx) for p in command.params if isinstance(p, click.Argument)]
    options = [f"[{_option(p, ctx)}]" for p in _options(command, left_out)]
    return say_command(" ".join(["/checkpoint", str(command.name), *arguments, *options]))


def summary(command: click.Command) -> str:
    """The first sentence of the command's help."""
    return (command.help or "").split("\n\n")[0].replace("\n", " ").strip()


def _option_rows(command: click.Command, ctx: click.Context, left_out: frozenset[str]) -> Iterator[tuple[str, str]]:
    return ((_option(p, ctx), p.help or "") for p in _options(command, left_out))


def _options(command: click.Command, left_out: frozenset[str]) -> Iterator[click.Option]:
    options = (p for p in command.params if isinstance(p, click.Option) and HELP not in p.opts)
    return (one for one in options if left_out.isdisjoint(one.opts))


def _option(option: click.Option, ctx: click.Context) -> str:
    """`--subtree`, `--keep 7d`, `--type production|standard`."""
    if option.is_flag:
        return option.opts[0]
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    return f"{option.opts[0]} {choices or option.make_metavar(ctx)}"


def _ask(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        raise HelpAsked
