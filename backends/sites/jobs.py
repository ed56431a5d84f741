"""The key with which the bot signs its own jobs in a database that others may write into.

A signed value is bound to the workflow and the step that it is of, so that none passes for another. The key is in the
data folder, which nobody else reads, and goes with it into a backup.
"""

from __future__ import annotations

import itertools
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS
from dbos._serialization import DBOSPortableJSON

from backends.base.written import Kind, Record
from backends.sites.signing import Forged, Key

log = logging.getLogger(__name__)
T = TypeVar("T")

FILE = "jobs.key"


def jobs_key(folder: Path) -> Key:
    """Made where there is none yet, for this account alone."""
    path = folder / FILE
    if not path.exists():
        new = path.with_name(f"{FILE}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        new.replace(path)
    return Key("the bot's own jobs", path.read_text("ascii").strip())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: which workflow it was begun with, or which of its steps gave it."""

    workflow_id: str
    name: str
    """Of the workflow for its input, else of the step, with its number."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a step gave, or the error that it ended with, with its place."""

    place: Place
    value: Any = None
    failed: bool = False


class _SealedKind:
    """How `Sealed` is written: the value in it by the kind that it is of."""

    type: type[Sealed] = Sealed

    def __init__(self, dump: Callable[[Any], Any], load: Callable[[Any], Any]) -> None:
        self._dump, self._load = dump, load

    def dump(self, value: Sealed) -> object:
        place = value.place
        return {"of": place.workflow_id, "name": place.name, "failed": value.failed, "is": self._dump(value.value)}

    def load(self, written: Mapping[str, Any]) -> Sealed:
        place = Place(str(written["of"]), str(written["name"]))
        return Sealed(place, self._load(written["is"]), bool(written["failed"]))


def kinds(dump: Callable[[Any], Any], load: Callable[[Any], Any]) -> Mapping[str, Kind]:
    """What is written beside the workflows' own values, which `dump` and `load` write and read. The names are in the
    database and stay."""
    return {"place": Record(Place), "sealed": _SealedKind(dump, load)}


_steps: ContextVar[itertools.count[int]] = ContextVar("steps")


def opened(name: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the present workflow, of that name, was begun with. Raises `Forged` where it was another one that was."""
    _steps.set(itertools.count(1))
    workflow_id = str(DBOS.workflow_id)
    if given and isinstance(given[0], Place):
        _hold(given[0], Place(workflow_id, name))
        return given[1:]
    # DBOS begins what is due by a cron line, and says when.
    due = given[0].isoformat() if given and hasattr(given[0], "isoformat") else None
    if due is None or workflow_id != f"sched-{name}-{due}":
        raise tell(f"{workflow_id} was begun as the workflow {name} by nobody")
    return given


def sealed(step: str, run: Callable[[Callable[[], Any]], Any], act: Callable[[], T]) -> T:
    """What a step of the present workflow gives, which `run` lets run, or finds as it was kept."""
    place = Place(str(DBOS.workflow_id), f"{step} {next(_steps.get())}")

    def kept() -> Sealed:
        try:
            return Sealed(place, act())
        except Exception as error:
            return Sealed(place, error, failed=True)

    found = run(kept)
    if not isinstance(found, Sealed):
        raise tell(f"a step of {place.workflow_id} was not kept by this bot")
    _hold(found.place, place)
    if found.failed:
        raise found.value
    value: T = found.value
    return value


def _hold(found: Place, wanted: Place) -> None:
    if found != wanted:
        raise tell(f"{found.name} of {found.workflow_id} stands in the place of {wanted.name} of {wanted.workflow_id}")


def tell(why: str) -> Forged:
    """Say in the log that somebody else writes in the database; an error to raise."""
    log.error("A row of the bot's jobs in the database is forged, and nothing is done with it: %s", why)
    return Forged(why)


def refuse_portable() -> None:
    """DBOS reads a value as the plain JSON that its row says it is (seen with 3.4), whatever the serializer. Of this
    program's only the moments at which a workflow wakes are such."""
    read = type(DBOSPortableJSON).deserialize

    def numbers_alone(written: str | None) -> Any:
        found = read(DBOSPortableJSON, written)  # type: ignore[arg-type]
        if found is None or isinstance(found, int | float):
            return found
        raise tell("a value was written by another program")

    DBOSPortableJSON.deserialize = numbers_alone  # type: ignore[assignment,method-assign]
