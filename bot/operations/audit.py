"""checkpointbot audit: prove that the ledger is whole, and take it away as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, NoReturn, TextIO

import click

from bot.ledger import Head, Ledger, LedgerError, Verdict, current_copy
from bot.operations.folder import FolderError, held
from bot.operations.options import config_for
from bot.operations.stream.verify import verify as proved
from bot.settings import SettingsError, kept
from commands.kit.words import parse_span

LEAST_AGE = timedelta(days=30)
"""What is younger may still be told of: merges, and changes whose end is looked for."""


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
@config_for("data_dir is")
@click.pass_context
def audit(ctx: click.Context, path: Path | None, config: Path | None) -> None:
    """Check the ledger, export it, or archive what is old. But for archive, nothing is changed and the bot may run."""
    ctx.meta[_PATH] = lambda: path or _of_settings(config)


@audit.command()
@click.option(
    "--head",
    "anchor",
    metavar="HEAD",
    callback=_head,
    help="A head that was printed earlier and kept elsewhere: it must still be there.",
)
@click.option(
    "--stream",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Walk what a receiver has kept of the audit stream instead: a line an event. - is standard input.",
)
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that audit archive has made of this ledger, to prove both together. It may be given several times.",
)
@click.pass_context
def verify(ctx: click.Context, anchor: Head | None, stream: Path | None, archives: tuple[Path, ...]) -> None:
    """Walk the whole ledger. Exit code 1, and the first row that is wrong, when anything was edited, deleted, inserted
    or cut off."""
    if stream is not None:
        _verify_stream(ctx, stream, anchor)
        return
    if archives:
        anchor = _verify_archives(ctx, archives, anchor)
    with _ledger(ctx) as ledger:
        verdict = ledger.audit.verify(anchor)
    if verdict.broken is not None:
        click.echo(f"The ledger is broken {verdict.broken.where}. {verdict.broken.what}", err=True)
        if verdict.base.seq < verdict.head.seq < (verdict.broken.seq or verdict.head.seq + 1):
            click.echo(f"Events {verdict.base.seq + 1} to {verdict.head.seq} are as the bot wrote them.", err=True)
        ctx.exit(1)
    with _written("Standard output"):
        what = "archive" if verdict.is_archive else "ledger"
        click.echo(f"The {what} is whole: {verdict.events}.")
        if verdict.base.seq and not archives:
            click.echo(f"What was archived before it must end with: {verdict.base}")
        click.echo(f"Its head, to keep elsewhere and to check with --head: {verdict.head}")


def _verify_archives(ctx: click.Context, paths: tuple[Path, ...], anchor: Head | None) -> Head | None:
    """Walk archives from the oldest on, to where the ledger begins. The anchor, unless it was in one of them."""
    seen: list[tuple[Path, Verdict]] = []
    for path in paths:
        with _opened(path) as archive:
            seen.append((path, archive.audit.verify()))
    seen.sort(key=lambda one: one[1].base.seq)
    with _ledger(ctx) as ledger:
        last = ledger.audit.base()
    follows = [*(verdict.base for _, verdict in seen[1:]), last]
    for (path, verdict), after in zip(seen, follows, strict=True):
        if verdict.broken is not None:
            _end(ctx, f"{path} is broken {verdict.broken.where}. {verdict.broken.what}")
        if verdict.head != after:
            _end(ctx, f"{path} ends with {verdict.head}, and what follows begins after {after}: an archive is missing.")
        if anchor is not None and verdict.base.seq < anchor.seq <= verdict.head.seq:
            with _opened(path) as archive:
                if (broken := archive.audit.verify(anchor).broken) is not None:
                    _end(ctx, f"{path} is broken {broken.where}. {broken.what}")
            anchor = None
        with _written("Standard output"):
            click.echo(f"The archive {path} is whole: {verdict.events}, and the chain goes on after it.")
            if verdict.base.seq and verdict is seen[0][1]:
                click.echo(f"What was archived before it must end with: {verdict.base}")
    return anchor


def _end(ctx: click.Context, why: str) -> NoReturn:
    click.echo(why, err=True)
    ctx.exit(1)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--before",
    metavar="SPAN|DAY",
    default="365d",
    show_default=True,
    callback=_moment,
    help="What happened before that goes: 365d, or 2026-01-01 (UTC). It is 30 days at least.",
)
@click.pass_context
def archive(ctx: click.Context, file: Path, before: datetime) -> None:
    """Move what is old and over from the ledger into FILE, a ledger of its own to be read and kept. Stop the bot first.

    The chain stays provable over both: audit verify --archive FILE. What is open, whose each checkpoint is and what
    schedules took stay. Cut off at any point, it has lost nothing: type it again.
    """
    if datetime.now(UTC) - before < LEAST_AGE:
        raise click.BadParameter("must be 30 days ago, or longer.", ctx, param_hint="--before")
    path = ctx.meta[_PATH]()
    if not path.is_file():
        raise click.ClickException(f"There is no ledger at {path}.")
    try:
        with held(path.parent, look=False), Ledger(path, clock=lambda: datetime.now(UTC)) as ledger:
            lines = archived(ledger, file, before)
    except (LedgerError, FolderError) as error:
        raise click.ClickException(getattr(error, "sentence", str(error))) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or file} cannot be written: {error.strerror}.") from error
    for line in lines:
        click.echo(line)


def archived(ledger: Ledger, file: Path, before: datetime) -> list[str]:
    """Part the ledger, or end what an earlier run has begun. What there is to say of it."""
    if file.exists():
        cut = ledger.archive.known(file)  # its name is taken last: it is whole
        if cut is None:
            ledger.archive.shrink()
            return [f"{file} is the archive that the ledger begins after already."]
    else:
        cut = ledger.archive.cut(before)
        if cut.head == ledger.audit.base():
            why = cut.held_back_by
            return [f"Nothing was archived. {why}" if why else "Nothing is old and over, so nothing was archived."]
        ledger.archive.write(file, cut)
    ledger.archive.leave(file, cut, before)
    ledger.archive.shrink()
    over = f"{cut.passed_over} of them have a time that is still to come, by a clock that was ahead."
    return [
        *([f"It is not more: {cut.held_back_by}"] if cut.held_back_by else []),
        f"The events up to {cut.head.seq} are in {file}. Keep it: what was before is nowhere else.",
        *([over] if cut.passed_over else []),
        f"Its head, to keep elsewhere: {cut.head}",
    ]


def _verify_stream(ctx: click.Context, path: Path, anchor: Head | None) -> None:
    try:
        with click.open_file(str(path), encoding="utf-8", errors="replace") as lines:
            proof = proved(lines, anchor)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}.") from error
    if proof.broken is not None:
        click.echo(f"The stream is broken {proof.broken.where}. {proof.broken.what}", err=True)
        ctx.exit(1)
    if proof.before is None or proof.head is None:
        raise click.ClickException(f"{path} holds no event of an audit stream.")
    with _written("Standard output"):
        again = f" {proof.repeated} came more than once." if proof.repeated else ""
        click.echo(f"The stream is whole: events {proof.before.seq + 1} to {proof.head.seq}.{again}")
        if proof.before.seq:
            click.echo(f"What came before it must end with: {proof.before}")
        click.echo(f"Its head, to hold against that of the ledger: {proof.head}")


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
    with _opened(ctx.meta[_PATH]()) as ledger:
        yield ledger


@contextmanager
def _opened(path: Path) -> Iterator[Ledger]:
    try:
        with current_copy(path) as current, Ledger(current, clock=lambda: datetime.now(UTC), read_only=True) as ledger:
            yield ledger
    except LedgerError as error:
        raise click.ClickException(error.sentence) from error


def _of_settings(config: Path | None) -> Path:
    try:
        return kept(config).data_dir / "ledger.db"
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
