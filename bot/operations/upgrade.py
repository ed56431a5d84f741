"""Brings a data folder of an earlier build up to date: what its jobs.db holds as pickles becomes plain values.

The first build pickled the workflows' inputs and what their steps gave, and so named classes that have other places
now. Only those classes are known here, by their names and fields as they were; nothing else in such a file is loaded.
The ledger brings itself up to date (`bot.ledger.migrations`).
"""

from __future__ import annotations

import base64
import io
import logging
import pickle
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bot.durable import KINDS, JSONSerializer

log = logging.getLogger(__name__)

OURS = ("bot.", "backends.")

RECORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "VMInventory": ("vm", ("vm", "checkpoints", "disks")),
    "HostInventory": ("host", ("host", "taken_at", "vms", "volumes")),
    "Checkpoint": (
        "checkpoint",
        ("id", "name", "vm_id", "created", "parent_id", "snapshot_type", "automatic", "has_memory"),
    ),
    "VM": (
        "",
        (
            *("id", "name", "host", "state", "checkpoint_type", "automatic_checkpoints", "operational_status"),
            *("uptime", "current_id", "memory_assigned"),
        ),
    ),
    "Disk": ("", ("path", "file_size", "size", "parent_path", "checkpoint_ids", "attached")),
    "Volume": ("", ("path", "size", "free")),
    "Answer": ("answer", ("word", "person_id", "person_name", "at")),
    "Outcome": (
        "outcome",
        ("vm_id", "vm_name", "state", "sentence", "cause", "checkpoint_id", "safety_id", "bytes_before"),
    ),
    "Look": ("look", ("state", "size", "at")),
    "Watch": ("watch", ("outcome", "looks", "moved", "told")),
}
"""The dataclasses of the first build: the kind of value that each is now, and its fields in their order then."""

ENUMS = frozenset({"VMState", "CheckpointType", "SnapshotType", "OperationalStatus", "ChangeState"})
"""Pickled as the class and a value; the value is what counts."""

SAFE: Mapping[tuple[str, str], Callable[..., object]] = {
    ("datetime", "datetime"): datetime,
    ("datetime", "timedelta"): timedelta,
    ("datetime", "timezone"): timezone,
}

NOTHING_CHANGED = " Nothing was changed."
"""Stood in the sentences then."""

COLUMNS = (
    ("workflow_status", "inputs"),
    ("workflow_status", "output"),
    ("workflow_status", "error"),
    ("workflow_input", "inputs"),
    ("workflow_output", "output"),
    ("workflow_output", "error"),
    ("operation_outputs", "output"),
    ("operation_outputs", "error"),
    ("workflow_schedules", "context"),
)
"""Where DBOS 3.4 keeps values."""


class _Old:
    """An object of the first build: its class by name, what made it, and its state."""

    name = ""
    args: tuple[object, ...] = ()
    state: Any = None

    def __init__(self, *args: object) -> None:
        self.args = args

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Loads no class of any program: only what stands in for those that the first build wrote."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in SAFE:
            return SAFE[module, name]
        if module.startswith(OURS) and name in ENUMS:
            return _value
        return type(name, (_Old,), {"name": name})


def _value(value: object) -> object:
    return value


def jobs(path: Path) -> None:
    """Bring the jobs of the first build up to date, all at once or not at all. A file that is not there, or is up to
    date, is left as it is. Raises `sqlite3.Error`."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'workflow_status'").fetchone():
            return
        if not db.execute("SELECT 1 FROM workflow_status WHERE serialization = 'py_pickle'").fetchone():
            return
        log.info("%s is of an earlier build and is brought up to date.", path)
        db.execute("BEGIN IMMEDIATE")
        _leave_the_queue(db)
        _convert(db)
        db.execute("COMMIT")


def _leave_the_queue(db: sqlite3.Connection) -> None:
    """VMs waited in a queue of DBOS then. What had not begun is queued again from the ledger, and what had begun goes
    on by itself. A stretch that only decided is decided again: the ledger knows what had been decided."""
    began = "name IN ('change', 'answer') AND status IN ('PENDING', 'ENQUEUED')"
    waited = "queue_name = 'vms' AND status = 'ENQUEUED'"
    for which in (began, waited):
        ids = f"SELECT workflow_uuid FROM workflow_status WHERE {which}"  # noqa: S608
        db.execute(f"DELETE FROM operation_outputs WHERE workflow_uuid IN ({ids})")  # noqa: S608
    db.execute(f"DELETE FROM workflow_status WHERE {waited}")  # noqa: S608
    db.execute("UPDATE workflow_status SET queue_name = NULL, queue_partition_key = NULL WHERE queue_name = 'vms'")
    db.execute("DELETE FROM queues WHERE name = 'vms'")


def _convert(db: sqlite3.Connection) -> None:
    serializer = JSONSerializer(KINDS)
    for table, column in COLUMNS:
        if column not in {row[1] for row in db.execute(f"PRAGMA table_info({table})")}:
            continue
        rows = db.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()  # noqa: S608
        for rowid, text in rows:
            if (value := _unpickled(text)) is not _NO_PICKLE:
                written = serializer.serialize(_plain(value))
                db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [written, rowid])  # noqa: S608
    for table in ("workflow_status", "operation_outputs"):
        db.execute(
            f"UPDATE {table} SET serialization = ? WHERE serialization = 'py_pickle'",  # noqa: S608
            [serializer.name()],
        )


_NO_PICKLE = object()


def _unpickled(text: str) -> object:
    """What was pickled; a pickle that this build does not understand is left as it is, and its workflow fails alone."""
    try:
        raw = base64.b64decode(text, validate=True)
        if not raw.startswith(b"\x80"):
            return _NO_PICKLE
        return _Unpickler(io.BytesIO(raw)).load()
    except Exception as error:  # a damaged pickle may raise anything
        log.error("a value of an earlier build cannot be read: %s", error)
        return _NO_PICKLE


def _plain(value: object, *, inside: bool = False) -> object:
    """A value as `JSONSerializer` writes it; inside of a record, times are text."""
    match value:
        case _Old():
            return _record(value, inside=inside)
        case list() | tuple() | frozenset() | set():
            return [_plain(one, inside=inside) for one in value]
        case dict():
            return {str(key): _plain(one, inside=inside) for key, one in value.items()}
        case datetime():
            return value.isoformat() if inside else {"$": "time", "value": value.isoformat()}
        case _:
            return value


def _record(old: _Old, *, inside: bool) -> object:
    if old.name in RECORDS and isinstance(old.state, list):
        kind, fields = RECORDS[old.name]
        value = {name: _plain(one, inside=True) for name, one in zip(fields, old.state, strict=False)}
        return value if inside else {"$": kind, "value": value}
    if old.name == "NotNow":
        state, sentence = old.args
        return {"$": "not now", "value": {"state": state, "sentence": _without(sentence)}}
    if len(old.args) == 2 and all(isinstance(one, str) for one in old.args):
        sentence, cause = old.args
        value = {
            "kind": old.name,
            "sentence": _without(sentence),
            "cause": cause,
            "unchanged": NOTHING_CHANGED in str(sentence),
        }
        return {"$": "host error", "value": value}
    return {"$": "defect", "value": f"{old.name}: {' '.join(map(str, old.args))}"}


def _without(sentence: object) -> str:
    return str(sentence).replace(NOTHING_CHANGED, "")
