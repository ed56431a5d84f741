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

from sqlalchemy import make_url

from bot.changes import freezing
from bot.ledger import Ledger, LedgerError
from bot.operations.doctor import database
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.folder import IS_POSIX, FolderError, check_jobs, check_restored
from bot.people.codes import FILE, CodesError, people_in
from bot.settings import Settings
from commands.base import unmarked

LEAST_ROOM = 500 * 1024**2
"""Bytes. A year of a busy team is less."""

FOLDER = "data_dir"
CLOSED = "The data folder cannot be used."
NOT_YET = "It is not there yet, and is made at the first start."
PUT_BACK = "Put a backup back with checkpointbot restore, and keep this file to look at."
OWN = "Run this as the account that the bot runs as: the data folder and what is in it have to belong to that one."


def free_room(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def look(
    settings: Settings, clock: Callable[[], datetime], *, room: Callable[[Path], int] = free_room, deep: bool = True
) -> Iterator[Check]:
    """With `deep`, the whole chain of the ledger is walked, and the whole file of the jobs."""
    folder = settings.data_dir
    yield (checked := _folder(folder, room))
    if not IS_POSIX:
        yield unseen(FOLDER, "Its rights were not looked at: Windows tells them to nobody who does not try.")
    is_open = _is_open(folder / "ledger.db") and not (checked.is_fault and not folder.is_dir())
    if is_open:
        yield from _frozen(folder / "ledger.db", clock)
        yield from _codes(settings)
    else:
        yield unseen("ledger.db", CLOSED)
    if is_open and deep:
        yield from _kept(folder / "ledger.db", lambda path: _ledger(path, clock))
    if deep:
        yield from _jobs(settings, is_open)


def _is_open(path: Path) -> bool:
    """This account may look into the folder of that file, or it is not there yet."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kept(path: Path, look: Callable[[Path], Check]) -> Iterator[Check]:
    """A file, where it is there and is this account's to use. Root may use any, so it is told whose it is."""
    if not _is_open(path):
        yield broken(path.name, f"The folder {path.parent} may not be looked into.", OWN)
        return
    if not path.exists():
        yield works(path.name, NOT_YET)
        return
    if not os.access(path, os.R_OK | os.W_OK):
        yield broken(path.name, "This account may not read and write it.", OWN)
        return
    if IS_POSIX and os.geteuid() == 0 and path.stat().st_uid != path.parent.stat().st_uid:
        said = f"It belongs to another account than the folder {path.parent}."
        yield warning(path.name, said, "Give both to the account that the bot runs as (chown).")
    yield look(path)


def _folder(folder: Path, room: Callable[[Path], int]) -> Check:
    try:
        return _looked_at(folder, room)
    except OSError as error:
        return broken(FOLDER, f"{folder} cannot be looked at: {error.strerror}.", OWN)


def _looked_at(folder: Path, room: Callable[[Path], int]) -> Check:
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        return broken(FOLDER, f"{there} is a file, and no folder.", "Name another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        make = f"Make {folder}, and give it to the account that the bot runs as, or name another folder."
        mend = OWN if there == folder.absolute() else make
        return broken(FOLDER, f"This account may not write in {there}.", mend)
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
    can = f"{folder} can be written, and " if IS_POSIX else ""
    return works(FOLDER, f"{can}{free // 1024**3} GB are free on the volume of {there}.")


def _ledger(path: Path, clock: Callable[[], datetime]) -> Check:
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
        alone = "Where no two may, type checkpointbot freeze lift on the bot's machine."
        mend = f"Find out why, and let two people who may change something lift it. {alone}"
        yield warning("freeze", unmarked(said), mend)


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


def _jobs(settings: Settings, is_open: bool) -> Iterator[Check]:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    if url.startswith("postgresql"):
        yield from database.look(settings, url)
    elif url:
        yield from _kept(Path(make_url(url).database or ""), _jobs_in)
    elif is_open:
        yield from _kept(settings.data_dir / "jobs.db", _jobs_in)
    else:
        yield unseen("jobs.db", CLOSED)


def _jobs_in(path: Path) -> Check:
    try:
        check_jobs(path, "ro")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (pending,) = db.execute(
                "SELECT count(*) FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
            ).fetchone()
    except FolderError as error:
        said, _, _ = str(error).partition(". ")
        shut = isinstance(error.__cause__, sqlite3.OperationalError)
        return broken(path.name, f"{said.rstrip('.')}.", OWN if shut else PUT_BACK)
    except sqlite3.Error as error:
        return broken(path.name, f"It cannot be read: {error}.", PUT_BACK)
    return works(path.name, f"It is whole, and holds {pending} jobs that wait or are under way.")
