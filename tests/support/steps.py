"""A steps of steps that can crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Crash(BaseException):
    """The machine goes down."""


@dataclass
class PlainSteps:
    """Remembers what steps gave, in their order, as the durable one does. It can crash once, before or after a step."""

    crash_before: str = ""
    crash_after: str = ""
    """The step has acted, and that is not written down."""
    on_sleep: Callable[[float], None] = lambda seconds: None
    slept: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """The steps that have ended."""
    _ended: list[tuple[Any, Exception | None]] = field(default_factory=list)
    _at: int = 0
    _down: bool = False

    def begin_again(self) -> None:
        """After a crash: the same steps will be asked for in the same order."""
        self._at, self._down = 0, False

    def step(self, name: str, act: Callable[[], T]) -> T:
        self._crash_if(self._down)
        if self._at == len(self._ended):
            self._crash_if(name == self.crash_before)
            ended = _attempt(act)
            self._crash_if(name == self.crash_after)
            self._ended.append(ended)
            self.names.append(name)
        assert self.names[self._at] == name, "the steps came in another order after a crash"
        result, error = self._ended[self._at]
        self._at += 1
        if error is not None:
            raise error
        return cast(T, result)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep(seconds)

    def _crash_if(self, due: bool) -> None:
        if due:
            self.crash_before = self.crash_after = ""
            self._down = True
            raise Crash


def _attempt(act: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return act(), None
    except Exception as error:
        return None, error
