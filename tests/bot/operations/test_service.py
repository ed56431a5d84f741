"""What systemd is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.operations.service import Notifier


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(Path(folder) / "notify"))
        listening.setblocking(False)
        yield listening


def told(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


def test_it_says_when_it_takes_commands(manager: socket.socket) -> None:
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).ready("2 hosts")

    assert told(manager) == ["READY=1\nSTATUS=2 hosts"]


def test_the_watchdog_is_fed_twice_in_its_time_while_the_bot_lives(manager: socket.socket) -> None:
    now = [0.0]
    asked = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier(asked, lambda: now[0])

    for _ in range(121):
        notifier.feed(lambda: True)
        now[0] += 0.5
    assert told(manager) == ["WATCHDOG=1"] * 3

    now[0] += 60
    notifier.feed(lambda: False)
    assert told(manager) == []


def test_another_process_is_not_fed_for(manager: socket.socket) -> None:
    Notifier({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).feed(lambda: True)

    assert told(manager) == []


def test_where_nobody_listens_nothing_is_said() -> None:
    Notifier({}).ready("")
    Notifier({"NOTIFY_SOCKET": "/nowhere/notify"}).ready("")
