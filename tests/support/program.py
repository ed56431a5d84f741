"""`checkpointbot` as a program of its own: a settings file, variables for the secrets, and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import yaml

from tests.support import jobs
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.office import Office
from tests.support.waiting import DEADLINE

EXECUTABLE = Path(sys.executable).with_name("checkpointbot")


class BotProcess:
    """`checkpointbot run`, or another of its programs, from `with` until it is told to end."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object],
        secrets: Mapping[str, str],
        *,
        words: Sequence[str] = ("run",),
        within: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`secrets` are variables without their prefix: `SLACK__BOT_TOKEN`; `more` are others. `within` is a program
        that runs it."""
        config = folder / "checkpointbot.yaml"
        config.write_text(yaml.safe_dump({"data_dir": str(folder / "data"), **settings}), encoding="utf-8")
        self._command = [*within, str(EXECUTABLE), *words, "--config", str(config)]
        self._folder = folder
        url = jobs.url_of(folder / "data") if words == ("run",) else None
        secrets = {**({"DATABASE_URL": url} if url else {}), **secrets}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHECKPOINTBOT_")},
            **{f"CHECKPOINTBOT_{name}": value for name, value in secrets.items()},
            "PYTHONUNBUFFERED": "1",
            **(more or {}),
        }
        self._lines: list[str] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_until_running(self) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: any("is running" in line for line in self._lines), DEADLINE)
        assert found, self.output

    def kill(self) -> None:
        """SIGKILL; comes back when it is gone."""
        self._process.kill()
        self._process.wait(DEADLINE)

    def interrupt(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(DEADLINE)

    def exit_code(self) -> int:
        """Wait until it ends by itself."""
        return self._process.wait(DEADLINE)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()


def children_of(pid: int) -> list[int]:
    """The programs that a program has begun and that run, by Linux."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (one / "stat").read_text("utf-8").rpartition(") ")[2].split()[:2]
        except OSError:  # it has ended
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(one.name))
    return found


def settings(office: Office, **more: object) -> Mapping[str, object]:
    """The settings file of a bot that serves an office from outside."""
    hosts = [{"name": name, "address": "127.0.0.1", "port": server.port} for name, server in office.servers.items()]
    hosts[1] |= {"auth": "basic", "allow_unencrypted": True}
    return {
        "slack": {"api_url": office.sandbox.api_url},
        "host_defaults": {"ssl": False, "username": ACCOUNT},
        "hosts": hosts,
        "access": {"grants": [{"to": ["S0VMADMIN"], "role": "owner", "vms": ["*"]}]},
        "digest": {"at": "09:00", "timezone": "Europe/Paris", "channels": [{"channel": "C0OPS0001"}]},
        **more,
    }


def secrets(office: Office) -> dict[str, str]:
    """What its environment holds."""
    return {
        "SLACK__BOT_TOKEN": office.sandbox.bot_token,
        "SLACK__APP_TOKEN": office.sandbox.app_token,
        "HOST_DEFAULTS__PASSWORD": PASSWORD,
    }
