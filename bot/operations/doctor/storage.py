"""Looks at what the bot keeps: the data folder, the ledger with its chain, and the jobs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from bot.changes import freezing
from bot.ledger import Ledger, LedgerError
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.folder import IS_POSIX, FolderError, check_jobs, check_restored
from bot.people.codes import FILE, CodesError, people_in
from bot.settings import Settings
from commands.base import unmarked

LEAST_ROOM = 500 * 1024**2
"""Bytes. A year of a busy team is less."""

FOLDER = "data_dir"
NOT_YET = "It is not there yet, and is made at the first start."
PUT_BACK = "Put a backup back with checkpointbot restore, and keep this file to look at."


def free_room(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def look(
    settings: Settings, clock: Callable[[], datetime], *, room: Callable[[Path], int] = free_room, deep: bool = True
) -> Iterator[Check]:
    """With `deep`, the whole chain of the ledger is walked, and the whole file of the jobs."""
    folder = settings.data_dir
    yield (checked := _folder(folder, room))
    if checked.is_fault and not folder.is_dir():
        yield from (unseen(name, "The data folder cannot be used.") for name in ("ledger.db", "jobs.db"))
        return
    yield from _frozen(folder / "ledger.db", clock)
    yield from _codes(settings)
    if deep:
        yield _ledger(folder / "ledger.db", clock)
        yield _jobs(settings)


def _folder(folder: Path, room: Callable[[Path], int]) -> Check:
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        return broken(FOLDER, f"{there} is a file, and no folder.", "Name another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        return broken(FOLDER, f"This account may not write in {there}.", "Give it the folder, or name another.")
    try:
        check_restored(folder)
    except FolderError as error:
        said, _, mend = str(error).partition(". ")
        return broken(FOLDER, f"{said}.", mend)
    free = room(there)
    if free < LEAST_ROOM:
        said = f"Only {free // 1024**2} MB are free on the volume of {there}."
        return warning(FOLDER, said, "Make room: without it nothing can be recorded, and nothing is done.")
    if there == folder.absolute() and IS_POSIX and stat.S_IMODE(there.stat().st_mode) & 0o077:
        return warning(FOLDER, f"Others on this machine may look into {folder}.", f"Type chmod 700 {folder}.")
    return works(FOLDER, f"{folder} can be written, and {free // 1024**3} GB are free.")


def _ledger(path: Path, clock: Callable[[], datetime]) -> Check:
    if not path.exists():
        return works(path.name, NOT_YET)
    try:
        with Ledger(path, clock=clock, read_only=True) as ledger:
            verdict = ledger.audit.verify()
    except LedgerError as error:
        said, _, mend = error.sentence.partition(". ")
        return broken(path.name, f"{said.rstrip('.')}.", mend or PUT_BACK)
    if verdict.broken is not None:
        mend = f"checkpointbot audit verify says more. {PUT_BACK}"
        return broken(path.name, f"Its chain is broken {verdict.broken.where}: {verdict.broken.what}", mend)
    if verdict.is_archive:
        return broken(path.name, "It is an archive of a ledger.", "Put the ledger itself in its place.")
    return works(path.name, f"Its chain is whole: {verdict.events}.")


def _frozen(path: Path, clock: Callable[[], datetime]) -> Iterator[Check]:
    """What cannot be read is said where the whole ledger is looked at."""
    if not path.exists():
        return
    try:
        with Ledger(path, clock=clock, read_only=True) as ledger:
            said = freezing.sentence(ledger.freezes.current())
    except LedgerError:
        return
    if said:
        yield warning("freeze", unmarked(said), "Find out why, and let two people who may change something lift it.")


def _codes(settings: Settings) -> Iterator[Check]:
    """Where some VMs ask for them."""
    if not settings.codes.vms:
        return
    enroll = "Type checkpointbot codes enroll with the user id of each who confirms or approves."
    try:
        people = people_in(settings.data_dir / FILE)
    except (CodesError, OSError) as error:
        yield broken("codes.vms", f"One-time codes cannot be read: {type(error).__name__}.", f"{error} {enroll}")
        return
    if people:
        yield works("codes.vms", f"{len(people)} people have one-time codes.")
    else:
        yield broken("codes.vms", "Nobody has one-time codes, so nobody can confirm a change of these VMs.", enroll)


def _jobs(settings: Settings) -> Check:
    if settings.database_url is not None:
        return _database(settings.database_url.get_secret_value())
    path = settings.data_dir / "jobs.db"
    if not path.exists():
        return works(path.name, NOT_YET)
    try:
        check_jobs(path, "ro")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (pending,) = db.execute(
                "SELECT count(*) FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
            ).fetchone()
    except FolderError as error:
        said, _, _ = str(error).partition(". ")
        return broken(path.name, f"{said.rstrip('.')}.", PUT_BACK)
    except sqlite3.Error as error:
        return broken(path.name, f"It cannot be read: {error}.", PUT_BACK)
    return works(path.name, f"It is whole, and holds {pending} jobs that wait or are under way.")


def _database(url: str) -> Check:
    about = "database_url"
    try:
        engine = create_engine(url)
        with engine.connect():
            pass
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        said = f"The database of the jobs cannot be reached ({type(error).__name__})."
        return broken(about, said, "Look whether it runs, and whether the URL, the user and the password are right.")
    return works(about, "The database of the jobs answers.")
