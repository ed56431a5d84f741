"""How values are written down where they outlive the code that wrote them: plain JSON, and records by their fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter

from backends.base.errors import BackendError


class Kind(Protocol):
    """How the values of one type are written."""

    type: type[Any]

    def dump(self, value: Any) -> object: ...

    def load(self, written: Any) -> object: ...


class Record:
    """A dataclass, by its fields. What a later version adds must have a default; what it no longer knows is left
    out."""

    def __init__(self, type: type[Any]) -> None:
        self.type = type
        self._adapter = TypeAdapter(type)

    def dump(self, value: Any) -> object:
        return self._adapter.dump_python(value, mode="json")

    def load(self, written: Any) -> object:
        return self._adapter.validate_python(written)


class HostError:
    """A `BackendError` of any kind, by the name of its class."""

    type: type[Any] = BackendError

    def dump(self, value: BackendError) -> object:
        return {
            "kind": type(value).__name__,
            "sentence": value.sentence,
            "cause": value.cause,
            "unchanged": value.unchanged,
        }

    def load(self, written: Mapping[str, Any]) -> BackendError:
        found = _descendants(BackendError).get(written["kind"], BackendError)
        return found(written["sentence"], written["cause"], unchanged=written["unchanged"])


def _descendants(top: type[BackendError]) -> dict[str, type[BackendError]]:
    below = [found for one in top.__subclasses__() for found in _descendants(one).items()]
    return {top.__name__: top, **dict(below)}


class Defect(Exception):
    """An error of the bot itself, as it was written down: its name and what it said."""


class Writing:
    """Values as what JSON has itself: that, times, tuples as lists, and the kinds that were registered by name."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = dict(kinds)

    def dump(self, value: Any) -> Any:
        """Raises TypeError for what is no such value."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return [self.dump(one) for one in value]
        if isinstance(value, dict):
            return {str(key): self.dump(one) for key, one in value.items()}
        if isinstance(value, datetime):
            return {"$": "time", "value": value.isoformat()}
        for name, kind in self._kinds.items():
            if isinstance(value, kind.type):
                return {"$": name, "value": kind.dump(value)}
        if isinstance(value, BaseException):
            return {"$": "defect", "value": f"{type(value).__name__}: {value}"}
        raise TypeError(f"{type(value).__name__} is no kind of value that is written down")

    def load(self, written: Any) -> Any:
        """Raises ValueError for what this version cannot read."""
        match written:
            case list():
                return [self.load(one) for one in written]
            case {"$": "time", "value": at}:
                return datetime.fromisoformat(at)
            case {"$": "defect", "value": text}:
                return Defect(text)
            case {"$": name, "value": value}:
                if name not in self._kinds:
                    raise ValueError(f"there is no kind of value called {name}")
                return self._kinds[name].load(value)
            case dict():
                return {key: self.load(one) for key, one in written.items()}
            case _:
                return written
