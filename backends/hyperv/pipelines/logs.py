"""What is asked of the event logs: by level and id, since a moment. Values of a query, and no script text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from backends.base import EventLog

LEVELS: Final = (1, 2, 3)
"""Critical, error, warning: codes count whatever event they come with."""

IDS: Final[Mapping[EventLog, tuple[int, ...]]] = {
    EventLog.VMMS: (12240, 15268, 16300, 18012, 18014, 18590, 19070, 19080, 19090, 19100, 20415, 20417, 32510),
    EventLog.WORKER: (3216, 3280),
}
"""Those that count at every level. A query holds about twenty such conditions (PowerShell/PowerShell#12303)."""

DEPTH: Final = 4
"""An event has properties, and each of them a value."""


def moment(at: datetime) -> str:
    """In UTC with milliseconds: `2026-11-15T14:05:00.000Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def query(log: EventLog, since: datetime) -> str:
    """In XPath, as Windows' event log takes it. Unlike a table of conditions it is one text, and its time is UTC."""
    wanted = [f"Level={level}" for level in LEVELS] + [f"EventID={id}" for id in IDS[log]]
    return f"*[System[({' or '.join(wanted)}) and TimeCreated[@SystemTime>='{moment(since)}']]]"
