"""The data folder: this program's alone while it runs, and this account's alone for good."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

LOCK, HOLDER = "checkpointbot.lock", "checkpointbot.pid"
RESTORING = "restoring.json"
"""There while a backup is put back, and left where that was cut off."""
OURS = (
    "ledger.db*",
    "jobs.db*",
    "hosts.json",
    "slack.json",
    "checkpointbot-demo",
    "restored.json",
    "restoring.json",
    LOCK,
    HOLDER,
    "codes.json*",
    "jobs.key",
    "worker.json",
    "shells",
    "shells/*",
)
"""What the program writes into the folder. Anything else in it is left as it is."""

IS_POSIX = os.name == "posix"


class FolderError(Exception):
    """The data folder cannot be used. Its text is a sentence for who started the program."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def held(
    folder: Path, clock: Callable[[], datetime] = utc_now, *, look: bool = True, jobs: bool = True
) -> Iterator[None]:
    """Hold the folder, which is made if there is none, and write nothing that others may read. The operating system
    lets go of it when the program ends, however it ends. With `look`, what is in it must not be damaged; without
    `jobs`, a file of them is left over, and may be.

    Raises `FolderError` when another program holds it, and OSError when it cannot be used.
    """
    with _umask(0o077):
        make_private(folder)
        lock = FileLock(folder.absolute() / LOCK, timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise FolderError(_told(folder)) from None
        try:
            _shut(folder)
            (folder / HOLDER).write_text(f"{os.getpid()} {clock():%Y-%m-%dT%H:%M:%SZ}\n", encoding="ascii")
            give_to_owner(folder, folder / LOCK, folder / HOLDER)
            if look:
                check_restored(folder)
                if jobs:
                    check_jobs(folder / "jobs.db")
            yield
        finally:
            with suppress(OSError):
                (folder / HOLDER).unlink()
            lock.release()


def make_private(path: Path) -> None:
    """Make a folder that only this account can read, where there is none yet."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if IS_POSIX and path.stat().st_uid == os.getuid() and not any(path.iterdir()):
        path.chmod(0o700)


def give_to_owner(folder: Path, *paths: Path) -> None:
    """What an administrator makes in the folder as root belongs to the account that the folder belongs to."""
    if IS_POSIX and os.geteuid() == 0:
        owner = folder.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def check_restored(folder: Path) -> None:
    """Raises `FolderError` when a backup is half put back: a ledger made anew would know nothing of what was done."""
    try:
        backup = json.loads((folder / RESTORING).read_text("utf-8"))["backup"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, LookupError, TypeError):
        backup = "BACKUP"
    raise FolderError(
        f"A backup was being put into {folder}, and that was cut off. Nothing is lost: type checkpointbot restore "
        f"{backup} --replace again, and start it then."
    )


def check_jobs(path: Path, mode: Literal["rw", "ro"] = "rw") -> None:
    """Raises `FolderError` when the file of the jobs is there and is damaged."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise FolderError(f"The file of the jobs {path} cannot be opened: {error}.") from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise FolderError(f"The file of the jobs {path} is damaged ({found}). Put a backup in its place.")


def _shut(folder: Path) -> None:
    """What an earlier version wrote for all to read becomes this account's alone."""
    for pattern in OURS if IS_POSIX else ():
        for path in folder.glob(pattern):
            if not path.is_symlink() and path.stat().st_uid == os.getuid():
                path.chmod(0o700 if path.is_dir() else 0o600)


def _told(folder: Path) -> str:
    """Who holds the folder."""
    try:
        pid, since = (folder / HOLDER).read_text(encoding="ascii").split()
        moment = datetime.fromisoformat(since)
    except (OSError, ValueError):
        return f"Another Checkpoint Bot is using the data folder {folder}. End that one first, or name another folder."
    return (
        f"Checkpoint Bot is running with the data folder {folder} already: process {pid}, since "
        f"{moment:%Y-%m-%d %H:%M} UTC. End that one first, or name another folder."
    )


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
