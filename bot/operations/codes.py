"""checkpointbot codes: who has one-time codes. A secret is shown once, here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bot.operations.folder import give_to_owner, make_private, utc_now
from bot.operations.options import config_for
from bot.people.codes import FILE, Codes, CodesError
from bot.settings import CodesSettings, SettingsError, kept


def _user_id(ctx: click.Context, param: click.Parameter, text: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{1,20}", text):
        raise click.BadParameter(f"{text!r} is not a user id, such as U024BE7LH.", ctx, param)
    return text


@click.group()
@config_for("data_dir is")
@click.pass_context
def codes(ctx: click.Context, config: Path | None) -> None:
    """Give people their one-time codes, or take them away. The bot may be running."""
    with _told_plainly():
        folder = kept(config).named()
        make_private(folder)
    # The bot runs by another account, perhaps, which must be able to read what root writes here.
    ctx.call_on_close(lambda: give_to_owner(folder, *folder.glob(f"{FILE}*")))
    ctx.obj = Codes(folder, CodesSettings(), utc_now)


@codes.command()
@click.argument("user_id", callback=_user_id)
@click.option("--again", is_flag=True, help="Another secret for somebody who has one: the old one stops working.")
@click.pass_obj
def enroll(codes: Codes, user_id: str, again: bool) -> None:
    """Show, once, what the person's app needs: an otpauth address, for a QR code or to type in."""
    with _told_plainly():
        uri = codes.enroll(user_id, again=again)
    click.echo(uri)
    click.echo(f"This is shown once. Give it to {user_id} in person, and keep it nowhere.", err=True)


@codes.command()
@click.argument("user_id", callback=_user_id)
@click.pass_obj
def remove(codes: Codes, user_id: str) -> None:
    """Take somebody's codes away."""
    with _told_plainly():
        if not codes.remove(user_id):
            raise click.ClickException(f"{user_id} has no codes.")
    click.echo(f"{user_id} has no codes any more.")


@codes.command(name="list")
@click.pass_obj
def list_(codes: Codes) -> None:
    """The user ids of those who have codes."""
    with _told_plainly():
        for one in codes.enrolled():
            click.echo(one)


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error
    except (CodesError, OSError) as error:
        raise click.ClickException(str(error)) from error
