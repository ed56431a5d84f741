"""A few rows that come and go all the time, in a file that is only added to: each costs one write, and no lock.

A row outlives the process once `add` has returned, and a power cut perhaps not. The file is begun anew, with the rows
that are left, when it has grown; those that there are, are read one after the other.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock

Row = Mapping[str, str]

VERSION = 1
"""Of a line."""

LARGEST = 4_000_000
"""Bytes after which a file is begun anew."""


class Journal:
    """Safe to use from many threads. Raises OSError where the file cannot be read or written."""

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        """Files are called as `path` is, with a number. Nothing is read or made yet."""
        self._path = path
        self._largest = largest
        self._lock = Lock()
        self._rows: dict[str, Row] | None = None
        self._file: FileIO | None = None
        self._old: list[FileIO] = []
        self._size = 0
        self._closed = False

    def add(self, id: str, row: Row) -> None:
        """One that is there already stays as it is."""
        rows = self._read()
        if rows.setdefault(id, row) is not row:
            return
        try:
            self._append({"id": id, "row": row})
        except OSError:
            rows.pop(id, None)
            raise

    def drop(self, ids: Iterable[str]) -> None:
        """Harmless for one that is not there. Where it cannot be written, all of them are there still."""
        rows = self._read()
        gone = {id: rows.pop(id) for id in ids if id in rows}
        if not gone:
            return
        try:
            self._append({"gone": list(gone)})
        except OSError:
            rows.update(gone)
            raise
        if self._size > self._largest and self._lock.acquire(blocking=False):
            try:
                self._begin_anew(rows)
            finally:
                self._lock.release()

    def rows(self) -> Mapping[str, Row]:
        """By id, as they came."""
        return dict(self._read())

    def close(self) -> None:
        with self._lock:
            for file in (*self._old, self._file):
                if file is not None:
                    file.close()
            self._old, self._file, self._rows, self._closed = [], None, None, True

    def _read(self) -> dict[str, Row]:
        if self._rows is not None:
            return self._rows
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, f"{self._path.name} is closed")
            if self._rows is None:
                rows: dict[str, Row] = {}
                for path in self._paths():
                    for line in path.read_bytes().splitlines():
                        _apply(line, rows)
                self._rows = rows
            return self._rows

    def _append(self, line: Mapping[str, object]) -> None:
        file = self._file
        if file is None:
            with self._lock:
                if self._closed:
                    raise OSError(errno.EBADF, f"{self._path.name} is closed")
                file = self._file or self._begin_anew(self._rows or {})
        self._size += _write(file, line)  # nearly: nothing but the end of the file hangs on it

    def _begin_anew(self, rows: Mapping[str, Row]) -> FileIO:
        """A new file, with the rows that there are. What others write meanwhile goes into it or was a row before."""
        before = self._paths()
        number = 1 + max((_number(path) for path in before), default=0)
        path = self._path.with_name(f"{self._path.name}.{number}")
        file = FileIO(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600), "w")
        if self._file is not None:
            self._old.append(self._file)
        self._file, self._size = file, 0  # from here on others write into it
        for id, row in list(rows.items()):
            _write(file, {"id": id, "row": row})
        for old in self._old[:-1]:  # the last one may be in somebody's hands still
            old.close()
        self._old = self._old[-1:]
        for one in before:
            with suppress(PermissionError):  # Windows keeps one that is open: it goes the next time
                one.unlink(missing_ok=True)
        return file

    def _paths(self) -> list[Path]:
        found = self._path.parent.glob(f"{self._path.name}.*")
        return sorted((path for path in found if _number(path)), key=_number)


def _number(path: Path) -> int:
    end = path.name.rpartition(".")[2]
    return int(end) if end.isascii() and end.isdigit() else 0


def _write(file: FileIO, line: Mapping[str, object]) -> int:
    """With a break before it too: a line that was cut off takes no other with it."""
    written = f"\n{json.dumps({'version': VERSION, **line}, separators=(',', ':'))}\n".encode()
    if file.write(written) != len(written):
        raise OSError(errno.ENOSPC, "the line could not be written whole")
    return len(written)


def _apply(line: bytes, rows: dict[str, Row]) -> None:
    """What a line says; one that was cut off, or that another version wrote, says nothing."""
    try:
        said = json.loads(line) if line else {}
    except ValueError:
        return
    if not isinstance(said, dict) or said.get("version") != VERSION:
        return
    if isinstance(said.get("row"), dict):
        rows[str(said["id"])] = {str(name): str(value) for name, value in said["row"].items()}
    for id in said.get("gone", ()):
        rows.pop(id, None)
