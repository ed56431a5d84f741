"""The database of the jobs goes while the program runs: who watches it is told, and who would end it is not."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from bot.demo.postgres import Postgres
from tests.support.office import Office, free_port
from tests.support.program import BotProcess, secrets, settings
from tests.support.waiting import DEADLINE, wait_until

SOONER = (
    "import sys; from bot import durable; durable.AWAY, durable.LOOKS = 3.0, 0; "
    "sys.argv = sys.argv[1:]; from bot.cli import entry; entry()"
)
"""The program, but for how long it waits for an answer."""


def health(port: int) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz") as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read().decode())


def test_its_health_says_so_and_the_watchdog_lets_it_run(tmp_path: Path, postgres: Postgres, database_url: str) -> None:
    port, notify = free_port(), str(tmp_path / "notify")
    with (
        Office(tmp_path / "unused", with_bot=False) as office,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(notify)
        given = settings(office, metrics={"listen": f"127.0.0.1:{port}"})
        known = {**secrets(office), "DATABASE_URL": database_url}
        more = {"NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "2000000"}
        with BotProcess(tmp_path, given, known, within=(sys.executable, "-c", SOONER), more=more) as program:
            program.wait_until_running()
            wait_until(lambda: health(port) == "ok\n")

            postgres.stop()
            try:
                wait_until(lambda: health(port) == "down: scheduler\n")
                forget(manager)
                assert manager.recv(4096) == b"WATCHDOG=1"
            finally:
                postgres.start()

            wait_until(lambda: health(port) == "ok\n")
            assert program.interrupt() == 0


def forget(manager: socket.socket) -> None:
    """What it was told until now."""
    manager.setblocking(False)
    with suppress(BlockingIOError):
        while manager.recv(4096):
            pass
    manager.settimeout(DEADLINE)
