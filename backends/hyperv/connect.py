"""A `Backend` for a host, from the settings of its connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from backends.base import HostConnection
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.deadlines import Deadlines
from backends.hyperv.psrp.lost import ShellBook
from backends.hyperv.psrp.session import PsrpSession


def connect(
    connection: HostConnection,
    *,
    shells: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    deadlines: Deadlines | None = None,
) -> HyperVBackend:
    """The backend of a host. Nothing is sent until it is first used; settings that cannot work are then `Unreachable`
    with a sentence that says what to set (`connection.problem` tells it beforehand).

    `shells` is the file that keeps which shells stand open on the host: with it, `end_lost_calls` ends those of a
    program that died too. `clock` counts seconds for idle times and for how long a failing host is left alone.
    """
    session = PsrpSession(connection, book=ShellBook(shells), clock=clock)
    return HyperVBackend(connection.name, session, find_endpoint=connection.is_custom, deadlines=deadlines)
