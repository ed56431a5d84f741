"""checkpointbot backup: the ledger and the jobs as they were at one moment, the one-time codes, and the key of jobs
that are kept in a database of their own.

While both are locked against writers, a read transaction is begun on each; from then on SQLite shows them as they were
at that moment, whatever is written meanwhile. So a backup is what a crash at that moment would have left, and a bot
that starts with it does what it does after a crash: it looks at the hosts, and finishes what was under way. What had
not begun may have been done since the backup, so it is not begun any more (`bot.changes.perform`).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from backends.sites.jobs import FILE as JOBS_KEY
from bot.ledger import Ledger, LedgerError, Verdict, current_copy
from bot.operations.folder import FolderError, check_restored, make_private, utc_now
from bot.operations.options import config_for
from bot.people.codes import FILE as CODES
from bot.people.codes import CodesError, people_in
from bot.settings import SettingsError, kept

LEDGER, JOBS, NOTE = "ledger.db", "jobs.db", "backup.json"
VERSION = 1
"""Of what stands in the note."""
WAIT = 30.0
"""Seconds to wait for a writer. The bot's own transactions take milliseconds."""
PAGES = 2048
"""Copied at a time."""


class BackupError(Exception):
    """It could not be made, or cannot be used. Its text is a sentence."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds."""

    folder: Path
    made_at: datetime
    head: str
    """Of the ledger's chain."""
    events: int
    """That are in it: those of an archive are not."""
    has_jobs: bool
    """False where the jobs are kept in a database of their own, which is backed up by its own means."""
    has_codes: bool = False
    """It holds the secrets of those who have one-time codes."""


def back_up(folder: Path, into: Path, *, jobs: bool = True, clock: Callable[[], datetime] = utc_now) -> Backup:
    """Make a backup in a new folder of `into`, while the bot runs or not. What could not be finished is taken away.
    Without `jobs` they are kept elsewhere, and a file of them is left over. Raises `BackupError`, `FolderError` for a
    folder into which a backup is half put back, and OSError where it cannot be written."""
    check_restored(folder)
    if not (folder / LEDGER).is_file():
        raise BackupError(f"There is no ledger in {folder}, so there is nothing to back up.")
    now = clock().astimezone(UTC)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = into / f"checkpointbot-{now:%Y-%m-%dT%H-%M-%SZ}"
    partial = into / f"{done.name}.partial"
    if done.exists():
        raise BackupError(f"{done} is there already. Nothing was written.")
    make_private(partial)
    try:
        names = [name for name in ((LEDGER, JOBS) if jobs else (LEDGER,)) if (folder / name).is_file()]
        with _at_one_moment([folder / name for name in names]) as sources:
            for name, source in zip(names, sources, strict=True):
                _copy(source, partial / name)
        for name in (CODES, JOBS_KEY):
            if (folder / name).is_file():
                _copy_private(folder / name, partial / name)
        made = verified(partial, now)
        (partial / NOTE).touch(mode=0o600)
        (partial / NOTE).write_text(_note(made), encoding="utf-8")
        partial.rename(done)
    except sqlite3.Error as error:
        raise BackupError(f"The backup could not be made: {error}. Nothing was changed.") from error
    finally:
        if partial.exists():
            shutil.rmtree(partial)
    return replace(made, folder=done)


# ---------------------------------------------------------------- one moment


@contextmanager
def _at_one_moment(paths: list[Path]) -> Iterator[list[sqlite3.Connection]]:
    """A connection to each that shows it as it was at one moment, which is the same for all."""
    with ExitStack() as open_ones:
        sources = [open_ones.enter_context(closing(_connect(path))) for path in paths]
        with ExitStack() as locks:
            for path in paths:
                writer = locks.enter_context(closing(_connect(path)))
                writer.execute("BEGIN IMMEDIATE")
                locks.callback(writer.rollback)
            for source in sources:
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # this is what takes the snapshot
        yield sources


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT, isolation_level=None)


def _copy(source: sqlite3.Connection, to: Path) -> None:
    """By SQLite's own online backup, which reads within the transaction that the source is in."""
    to.touch(mode=0o600)
    with closing(sqlite3.connect(to)) as copy:
        source.backup(copy, pages=PAGES)
        copy.execute("PRAGMA journal_mode = delete")  # one file, which can be read where nothing can be written


def _copy_private(source: Path, to: Path) -> None:
    """For this account alone from its first byte on. The file is replaced as a whole, so it is never seen half."""
    to.touch(mode=0o600)
    shutil.copyfile(source, to)


# ---------------------------------------------------------------- what a backup must be


def verified(folder: Path, made_at: datetime) -> Backup:
    """Raises `BackupError` unless each file is whole, and the chain of the ledger holds."""
    has_jobs = (folder / JOBS).is_file()
    for name in (LEDGER, JOBS) if has_jobs else (LEDGER,):
        _check_integrity(folder / name)
    try:
        has_codes = bool(people_in(folder / CODES))
    except CodesError as error:
        raise BackupError(f"{error} Nothing was changed.") from error
    verdict = _walked(folder / LEDGER)
    if verdict.broken is not None:
        broken = verdict.broken
        raise BackupError(f"The ledger is broken {broken.where}: {broken.what} checkpointbot audit verify says more.")
    return Backup(folder, made_at, str(verdict.head), verdict.head.seq - verdict.base.seq, has_jobs, has_codes)


def _walked(path: Path) -> Verdict:
    """The chain of a ledger, which may be of an older version."""
    try:
        with current_copy(path) as current, Ledger(current, clock=utc_now, read_only=True) as ledger:
            return ledger.audit.verify()
    except LedgerError as error:
        raise BackupError(error.sentence) from error


def _check_integrity(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupError(f"{path.name} is damaged ({found}). checkpointbot doctor says what to do.")


def _note(made: Backup) -> str:
    known = {**asdict(made), "folder": made.folder.name.removesuffix(".partial"), "made_at": made.made_at.isoformat()}
    return json.dumps({"version": VERSION, "program": version("hyperv-checkpoint-bot"), **known}, indent=2) + "\n"


# ---------------------------------------------------------------- what is typed


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False))
@config_for("data_dir and database_url are")
def backup_command(path: Path, config: Path | None) -> None:
    """Copy the ledger, the jobs and the one-time codes into a new folder of PATH, as they are at one moment. The bot
    may be running.

    The copy is looked through before it counts: both files, and the whole chain of the ledger.
    """
    with told():
        given = kept(config)
        made = back_up(given.data_dir, path, jobs=given.has_jobs_file)
    click.echo(f"The backup is in {made.folder}: {made.events} events{'' if made.has_jobs else ', and no jobs'}.")
    click.echo(f"Its head, to keep elsewhere and to check with audit verify --head: {made.head}")
    if made.has_codes:
        click.echo("It holds the secrets of one-time codes: keep it as safe as the data folder itself.", err=True)
    if not made.has_jobs:
        click.echo("Where the settings name a database_url, back that database up by its own means.", err=True)


@contextmanager
def told() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error
    except (BackupError, FolderError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'} cannot be used: {error.strerror}.") from error
