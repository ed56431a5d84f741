"""What several commands take: arguments and options that mean the same everywhere, and how their words are read."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

import click

from backends.base import MAX_NAME
from commands.base import Context
from commands.kit import dates


def span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """Click's callback for what comes again and again, for which a date means nothing: `7d`, `1d12h`, `2 weeks`;
    `timedelta.max` is forever."""
    found = period(ctx, param, value)
    if found is not None and found.until is not None:
        raise click.BadParameter(
            f"{value!r} is one moment, and this comes again and again: type a span such as 36h or 7d"
        )
    return found.span if found else None


def moment(ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """The same for a moment that has been: a span ago, or a date in the person's zone: `yesterday`, `friday 18:00`."""
    if value is None:
        return None
    context: Context = ctx.obj
    try:
        return dates.since(value, context.now, dates.zone_of(context.person.zone))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def period(ctx: click.Context, _param: click.Parameter, value: str | None) -> dates.Period | None:
    """Click's callback for a span of time, or `forever`, or a date in the person's zone: `until friday 18:00`."""
    if value is None:
        return None
    context: Context = ctx.obj
    try:
        return dates.parse(value, context.now, dates.zone_of(context.person.zone))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def new_name(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Click's callback for a checkpoint's new name: 1 to 100 characters, none of them a control character; blanks
    around it are dropped."""
    if value is None:
        return None
    name = value.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise click.BadParameter(f"a checkpoint's name has 1 to {MAX_NAME} characters, and this one has {len(name)}")
    if all(unicodedata.category(character) in ("Cf", "Zs") for character in name):
        raise click.BadParameter("a checkpoint's name has something in it that can be seen")
    if any(is_control(character) for character in name):
        raise click.BadParameter("a checkpoint's name has no line breaks or other control characters in it")
    return name


def is_control(character: str) -> bool:
    """Whether it breaks a line, or is no character at all."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


vm_argument = click.argument("vm", metavar="<vm>")
checkpoint_argument = click.argument("checkpoint", metavar="<checkpoint>")
share_option = click.option("--share", is_flag=True, help="Put the answer in the channel.")
