"""checkpointbot restore: a backup back into the data folder, on this machine or on another."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from backends.sites.jobs import FILE as JOBS_KEY
from bot.changes.perform import Restored
from bot.ledger.archive import keep_names
from bot.operations.backup import (
    JOBS,
    LEDGER,
    NOTE,
    Backup,
    BackupError,
    told,
    verified,
)
from bot.operations.folder import RESTORING, give_to_owner, held, make_private, utc_now
from bot.operations.options import config_for
from bot.people.codes import FILE as CODES
from bot.settings import kept

MARK = "restored.json"
"""Beside the files that were put back: of which moment they are."""


def restore(backup: Path, folder: Path, *, replace: bool, clock: Callable[[], datetime] = utc_now) -> Backup:
    """Put a backup into the data folder, which no bot may be using. What is there goes into a folder of its own beside
    it with `replace`; without, it is a reason to refuse. One-time codes that are there stay: a backup brings none
    back that were taken away since. Raises `BackupError`, `FolderError`, OSError."""
    made = read(backup)
    with held(folder, look=False):
        there = _files(folder, LEDGER, JOBS)
        if there and not replace:
            raise BackupError(
                f"{folder} holds a ledger already. Nothing was changed. With --replace it is put aside, and kept."
            )
        copies = _prepare(backup, folder, made)
        going = [*there, *(_files(folder, f"{LEDGER}-arrivals") if there else ())]
        if JOBS_KEY in copies:  # what the backup's jobs are signed with
            going += _files(folder, JOBS_KEY)
        if going:
            _put_aside(going, folder / f"before-restore-{clock().astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}")
        for name, copy in copies.items():
            copy.replace(folder / name)
        keep_names(folder)  # a power cut must not take them where it leaves the mark taken away
        (folder / RESTORING).unlink()
        keep_names(folder)
    return made


def _put_aside(paths: list[Path], aside: Path) -> None:
    make_private(aside)
    give_to_owner(aside.parent, aside)
    for path in paths:
        path.replace(aside / path.name)
    keep_names(aside)


def _files(folder: Path, *databases: str) -> list[Path]:
    """Those that are there."""
    files = [folder / f"{name}{end}" for name in databases for end in ("", "-wal", "-shm")]
    return [path for path in files if path.exists()]


def restored(folder: Path) -> Restored | None:
    """The backup that was put into this folder last; None where none was."""
    try:
        mark = json.loads((folder / MARK).read_text("utf-8"))
        made_at, head = datetime.fromisoformat(mark["made_at"]), mark.get("head", "")
        return Restored(made_at, frozenset(mark["unfinished"]), head)
    except FileNotFoundError:
        return None


def _mark(made: Backup) -> str:
    with closing(sqlite3.connect(f"{(made.folder / LEDGER).absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        ids = [row[0] for row in db.execute("SELECT id FROM open_changes")]
    return json.dumps({"version": 1, "made_at": made.made_at.isoformat(), "unfinished": ids, "head": made.head})


def read(backup: Path) -> Backup:
    """A backup that is whole. Raises `BackupError` for one that is not, or that is none."""
    try:
        note = json.loads((backup / NOTE).read_text("utf-8"))
        made_at, head, has_jobs = datetime.fromisoformat(note["made_at"]), str(note["head"]), bool(note["has_jobs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{backup} is no backup: its {NOTE} cannot be read. Nothing was changed.") from error
    if has_jobs and not (backup / JOBS).is_file():
        raise BackupError(f"{backup} is not whole: its {JOBS} is missing. Nothing was changed.")
    found = verified(backup, made_at)
    if found.head != head:
        raise BackupError(f"The ledger in {backup} is not the one that was backed up. Nothing was changed.")
    return found


def _prepare(backup: Path, folder: Path, made: Backup) -> dict[str, Path]:
    """Copies beside what is there, so that a full disk leaves that as it is, and then the mark that keeps a bot from
    starting, all of it on the disk. The copies, by what they will be called."""
    names = (LEDGER, JOBS, JOBS_KEY, *(() if (folder / CODES).exists() else (CODES,)))
    copies = {name: folder / f"{name}.restored" for name in names if (backup / name).is_file()}
    mark, restoring = folder / f"{MARK}.restored", folder / f"{RESTORING}.new"
    try:
        for name, copy in copies.items():
            with (backup / name).open("rb") as source, _new(copy) as file:
                shutil.copyfileobj(source, file)
        with _new(mark) as file:
            file.write(_mark(made).encode())
        with _new(restoring) as file:
            file.write(json.dumps({"version": 1, "backup": str(backup.absolute())}).encode())
        restoring.replace(folder / RESTORING)
        keep_names(folder)
    except OSError:
        for one in (*copies.values(), mark, restoring):
            with suppress(OSError):
                one.unlink(missing_ok=True)
        raise
    return {**copies, MARK: mark}


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A file for the account alone that the folder belongs to. It is on the disk when the block is left."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    give_to_owner(path.parent, path)
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--replace", is_flag=True, help="Put what is in the data folder aside, and keep it.")
@config_for("data_dir and database_url are")
def restore_command(backup: Path, replace: bool, config: Path | None) -> None:
    """Put a backup into the data folder, on this machine or on another. No bot may be running with it, nor with the
    folder that it was made of."""
    with told():
        folder = kept(config).named()
        made = restore(backup, folder, replace=replace)
    click.echo(f"{folder} holds the backup of {made.made_at:%Y-%m-%d %H:%M} UTC: {made.events} events.")
    click.echo("What was under way then is looked at on the hosts at the next start, and finished or settled.")
