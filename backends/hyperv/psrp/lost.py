"""The shells of a host that nobody listens to any more, and their end.

A connection that breaks, or a program that dies, leaves its shell on the host, and what was sent to it may begin only
later: a busy host takes seconds to load Hyper-V's module. Deleting the shell ends its pipelines, so what has not begun
by then never will. What Hyper-V has begun goes on.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Final

from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import DEFAULT_CONFIGURATION_NAME
from pypsrp.wsman import SelectorSet

from backends.base import HostConnection
from backends.hyperv.psrp.connection import transport
from backends.hyperv.psrp.faults import SHELL_UNKNOWN

_log = logging.getLogger(__name__)

FORGOTTEN_AFTER: Final = 3600.0
"""Seconds after which the host has long ended a lost shell by itself (`shell.IDLE_TIMEOUT`)."""

_RESOURCE: Final = "http://schemas.microsoft.com/powershell/"


class ShellBook:
    """Which shells stand open on one host. With a file it outlives the program: those that an earlier one did not close
    are lost. Safe to use from many threads; one program at a time.

    A file that cannot be written is the bot's own trouble and no word about the host: it is logged, and the host is
    asked all the same. A shell that is not in the file is ended by its host, after `IDLE_TIMEOUT`.
    """

    def __init__(self, file: Path | None = None, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now = now
        self._lock = Lock()
        self._unwritten = False
        self._open: set[str] = set()
        self._lost: dict[str, float] = dict.fromkeys(_read(file), now())

    def opened(self, shell_id: str) -> None:
        """To be told before the host is asked for the shell: from then on it may be there."""
        with self._lock:
            self._open.add(shell_id)
            self._write()

    def lost(self, shell_id: str) -> None:
        """Nobody listens to it any more, and it was not closed."""
        with self._lock:
            if shell_id in self._open:
                self._open.discard(shell_id)
                self._lost[shell_id] = self._now()

    def closed(self, shell_id: str) -> None:
        """It is gone from the host."""
        with self._lock:
            self._open.discard(shell_id)
            self._lost.pop(shell_id, None)
            self._write()

    @property
    def all_lost(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._lost)

    def _write(self) -> None:
        oldest = self._now() - FORGOTTEN_AFTER
        self._lost = {shell_id: since for shell_id, since in self._lost.items() if since > oldest}
        if self._file is None:
            return
        try:
            _replace(self._file, json.dumps(sorted({*self._open, *self._lost})))
        except OSError as error:
            if not self._unwritten:
                _log.error("%s, which keeps the open shells, cannot be written: %s", self._file, error)
            self._unwritten = True
        else:
            self._unwritten = False


def end_shells(connection: HostConnection, book: ShellBook) -> None:
    """End the lost shells of the book. Raises whatever pypsrp, requests and spnego raise."""
    resource = f"{_RESOURCE}{connection.configuration_name or DEFAULT_CONFIGURATION_NAME}"
    with closing(transport(connection)) as wsman:
        for shell_id in book.all_lost:
            shell = SelectorSet()
            shell.add_option("ShellId", shell_id)
            try:
                wsman.delete(resource, selector_set=shell)
            except WSManFaultError as fault:
                if fault.code != SHELL_UNKNOWN:
                    raise
            book.closed(shell_id)


def _read(file: Path | None) -> list[str]:
    """A file that cannot be read as what it should be names no shells: they end by themselves."""
    if file is None or not file.exists():
        return []
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
