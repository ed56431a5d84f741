"""checkpointbot freeze: lift a freeze on the machine of the bot, where no two people can lift it in Slack."""

from __future__ import annotations

import getpass
import uuid
from pathlib import Path

import click

from bot.ledger import Ledger, LedgerError
from bot.operations.folder import give_to_owner, utc_now
from bot.operations.options import config_for
from bot.settings import SettingsError, kept


@click.group()
@config_for("data_dir is")
@click.pass_context
def freeze(ctx: click.Context, config: Path | None) -> None:
    """Lift a freeze where no two people can do it in Slack. The bot may be running."""
    try:
        ctx.obj = kept(config).named()
    except SettingsError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)


@freeze.command()
@click.pass_obj
def lift(folder: Path) -> None:
    """Let everything go on. It is in the ledger, with the account that this is typed by."""
    path = folder / "ledger.db"
    if not path.exists():
        raise click.ClickException(f"There is no ledger at {path}.")
    try:
        with Ledger(path, clock=utc_now) as ledger:
            lifted = ledger.freezes.lift_here(str(uuid.uuid4()), _account())
    except LedgerError as error:
        raise click.ClickException(error.sentence) from error
    finally:
        give_to_owner(folder, *folder.glob("ledger.db*"))
    if lifted is None:
        raise click.ClickException("Nothing is frozen.")
    click.echo(
        f"The freeze of {lifted.by_name} is lifted. A bot that runs takes changes again at once, and its clock goes on "
        "within minutes. Tell the people: it is in the ledger, and in no channel."
    )


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # it has no name; which of these is raised depends on Python's version
        return "somebody"
