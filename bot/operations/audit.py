"""checkpointbot audit: prove that the ledger is whole, and take it away as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TextIO

import click

from bot.ledger import Head, Ledger, LedgerError
from bot.settings import SettingsError, data_dir
from commands.kit.words import parse_span


def _head(ctx: click.Context, param: click.Parameter, text: str | None) -> Head | None:
    try:
        return None if text is None else Head.parse(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from error


def _moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - parse_span(text)
        except ValueError as error:
            raise click.BadParameter(f"{error}, or a day such as 2026-11-20.", ctx, param) from error
    try:
        return day.astimezone(UTC) if day.tzinfo else day.replace(tzinfo=UTC)
    except OverflowError as error:
        raise click.BadParameter(f"{text} is no day of the calendar in UTC.", ctx, param) from error


@click.group()
@click.option(
    "--ledger",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to look at, such as a backup, instead of the one of the settings.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file, instead of checkpointbot.yaml or the one that CHECKPOINTBOT_CONFIG names. Of it, only "
    "data_dir is asked for.",
)
@click.pass_context
def audit(ctx: click.Context, path: Path | None, config: Path | None) -> None:
    """Check the ledger, or export it. Nothing is changed; the bot may be running."""
    ctx.meta[_PATH] = lambda: path or _of_settings(config)


@audit.command()
@click.option(
    "--head",
    "anchor",
    metavar="HEAD",
    callback=_head,
    help="A head that was printed earlier and kept elsewhere: it must still be there.",
)
@click.pass_context
def verify(ctx: click.Context, anchor: Head | None) -> None:
    """Walk the whole ledger. Exit code 1, and the first row that is wrong, when anything was edited, deleted, inserted
    or cut off."""
    with _ledger(ctx) as ledger:
        verdict = ledger.audit.verify(anchor)
    if verdict.broken is not None:
        click.echo(f"The ledger is broken {verdict.broken.where}. {verdict.broken.what}", err=True)
        if 0 < verdict.head.seq < (verdict.broken.seq or verdict.head.seq + 1):
            click.echo(f"Events 1 to {verdict.head.seq} are as the bot wrote them.", err=True)
        ctx.exit(1)
    with _written("Standard output"):
        click.echo(f"The ledger is whole: {verdict.head.seq} events.")
        click.echo(f"Its head, to keep elsewhere and to check with --head: {verdict.head}")


@audit.command()
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option(
    "--since", metavar="SPAN|DAY", callback=_moment, help="Only what happened since: 30d, or 2026-11-20 (UTC)."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file that is not there yet; - is standard output.",
)
@click.pass_context
def export(ctx: click.Context, form: Literal["csv", "jsonl"], since: datetime | None, output: Path | None) -> None:
    """Write all events as CSV or JSON Lines, to a file or to standard output."""
    to_file = output is not None and str(output) != "-"
    with _ledger(ctx) as ledger, _new_file(output, form) if output and to_file else _standard_output() as out:
        count = ledger.audit.export(form, out, since=since)
    if to_file:
        click.echo(f"{count} events are in {output}.", err=True)


_PATH = f"{__name__}.path"


@contextmanager
def _ledger(ctx: click.Context) -> Iterator[Ledger]:
    try:
        with Ledger(ctx.meta[_PATH](), clock=lambda: datetime.now(UTC), read_only=True) as ledger:
            yield ledger
    except LedgerError as error:
        raise click.ClickException(error.sentence) from error


def _of_settings(config: Path | None) -> Path:
    try:
        return data_dir(config) / "ledger.db"
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    """In UTF-8, whatever the console's own encoding is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    with _written("Standard output"):
        yield sys.stdout
        sys.stdout.flush()


@contextmanager
def _new_file(path: Path, form: str) -> Iterator[TextIO]:
    """Excel takes a CSV file for UTF-8 only with a byte order mark. A file that could not be finished is taken away: it
    would not show that its end is missing."""
    with _written(str(path)):
        try:
            file = path.open("x", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="")
        except FileExistsError as error:
            raise click.ClickException(f"{path} is there already. Nothing was written; name another file.") from error
        try:
            with file:
                yield file
        except BaseException:
            path.unlink()
            raise


@contextmanager
def _written(what: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read has enough, as `head` does: Click ends the program without a word
    except OSError as error:
        raise click.ClickException(f"{what} cannot be written: {error.strerror}.") from error
