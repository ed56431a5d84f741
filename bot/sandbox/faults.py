"""Faults that can be switched on: what a Slack on a bad day does to an app."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bot.sandbox.errors import SlackError
from bot.sandbox.pace import rate_limited


@dataclass
class Fault:
    """What happens to the next calls of a Web API method."""

    method: str = "*"
    """The method's name; `*` is every method."""
    times: int | None = 1
    """How many calls it meets; None is every one until it is cleared."""
    error: str | None = None
    """Answer this error code instead of doing anything."""
    status: int = 200
    """The HTTP status that goes with it; with 500 and more the body is no JSON."""
    retry_after: int | None = None
    """Answer HTTP 429 with so many seconds."""
    delay: float = 0.0
    """Wait so many seconds before doing anything."""
    cut: Literal["before", "after"] | None = None
    """Reset the connection instead of answering: before the call was carried out, or after."""

    def refuse(self) -> None:
        """Raises the `SlackError` that this fault answers with, if it is one that answers."""
        if self.retry_after is not None:
            raise rate_limited(self.retry_after)
        if self.error is not None or self.status != 200:
            raise SlackError(self.error or "internal_error", status=self.status)


@dataclass
class Faults:
    """The faults that are switched on now."""

    calls: list[Fault] = field(default_factory=list)
    refuse_connections: bool = False
    """Answer 503 to every new Socket Mode connection."""

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets."""
        for fault in self.calls:
            if fault.method in ("*", method):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.calls.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self.calls.clear()
        self.refuse_connections = False
