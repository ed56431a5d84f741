"""A few rows that come and go all the time, in a file that is only added to: each costs one write.

A row outlives the process once `add` has returned, and a power cut perhaps not. The file is begun anew, with the rows
that are left, when it has grown; those that there are, are read one after the other.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
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
        self._size = 0
        self._closed = False

    def add(self, id: str, row: Row) -> None:
        """One that is there already stays as it is."""
        with self._lock:
            rows = self._read()
            if id not in rows:
                self._append({"id": id, "row": row})
                rows[id] = row

    def drop(self, ids: Iterable[str]) -> None:
        """Harmless for one that is not there. Where it cannot be written, all of them are there still."""
        with self._lock:
            rows = self._read()
            gone = [id for id in ids if id in rows]
            if gone:
                self._append({"gone": gone})
            for id in gone:
                del rows[id]

    def rows(self) -> Mapping[str, Row]:
        """By id, as they came."""
        with self._lock:
            return dict(self._read())

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()

    def _read(self) -> dict[str, Row]:
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
        if self._file is None or self._size > self._largest:
            self._begin_anew()
        if self._file is not None:
            self._size += _write(self._file, line)

    def _begin_anew(self) -> None:
        """A new file, with the rows that there are. The one before goes when the new one is whole."""
        before = self._paths()
        number = 1 + max((_number(path) for path in before), default=0)
        path = self._path.with_name(f"{self._path.name}.{number}")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = FileIO(os.open(path, flags, 0o600), "w")
        try:
            size = sum(_write(file, {"id": id, "row": row}) for id, row in self._read().items())
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        if self._file is not None:
            self._file.close()
        self._file, self._size = file, size
        for one in before:
            one.unlink(missing_ok=True)

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
