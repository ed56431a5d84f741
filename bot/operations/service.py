"""Tells systemd how the bot is (sd_notify): that it takes commands, what it is at, and that it still lives.

Where no service manager asks for it, nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Notifier:
    """Speaks to the socket that NOTIFY_SOCKET names. A watchdog is fed as long as `lives` says so."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Callable[[], float] = time.monotonic
    _fed: float = float("-inf")

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, text: str) -> None:
        self._send(f"STATUS={text}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def feed(self, lives: Callable[[], bool]) -> None:
        """Called often: the watchdog is fed twice in its time, and not at all when the bot does not live."""
        every = self._every()
        if every is not None and self.clock() - self._fed >= every and lives():
            self._fed = self.clock()
            self._send("WATCHDOG=1")

    def _every(self) -> float | None:
        """Seconds between two feedings; None where nobody watches this process."""
        told, pid = self.environment.get("WATCHDOG_USEC", ""), self.environment.get("WATCHDOG_PID", str(os.getpid()))
        return int(told) / 2_000_000 if told.isdigit() and pid == str(os.getpid()) else None

    def _send(self, state: str) -> None:
        path = self.environment.get("NOTIFY_SOCKET", "")
        if not path or not hasattr(socket, "AF_UNIX"):
            return
        address = f"\0{path[1:]}" if path.startswith("@") else path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_manager:
                to_manager.sendto(state.encode(), address)
        except OSError:  # the manager is gone or restarts: it finds out by itself
            return
