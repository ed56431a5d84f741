"""A `Backend` for a host, from the settings of its connection."""

from __future__ import annotations

import time
from collections.abc import Callable

from backends.hyperv.backend import Deadlines, HyperVBackend
from backends.hyperv.connection import HostConnection
from backends.hyperv.session import PsrpSession


def connect(
    connection: HostConnection, *, clock: Callable[[], float] = time.monotonic, deadlines: Deadlines | None = None
) -> HyperVBackend:
    """The backend of a host. Nothing is sent until it is first used; settings that cannot work are then `Unreachable`
    with a sentence that says what to set (`connection.problem` tells it beforehand).

    `clock` counts seconds for idle times and for how long a failing host is left alone.
    """
    session = PsrpSession(connection, clock=clock)
    return HyperVBackend(connection.name, session, find_endpoint=connection.is_custom, deadlines=deadlines)
