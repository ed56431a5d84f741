"""The accounts that a host knows, for Basic and for pyspnego's NTLM."""

from __future__ import annotations

import atexit
import hmac
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock


class Accounts:
    """User names (`admin` or `LAB\\admin`) and their passwords. Names are compared without case.

    Raises `ValueError` for a name or a password that pyspnego's file of accounts cannot hold.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._passwords = {name.casefold(): password for name, password in users.items()}
        self._names = {name.casefold(): name for name in users}
        self._lines = "".join(_line(name, password) for name, password in users.items())

    def name(self, typed: str) -> str | None:
        """The account's own spelling."""
        return self._names.get(typed.casefold())

    def verify(self, typed: str, password: str) -> str | None:
        """The account of that name when the password is right."""
        known = self._passwords.get(typed.casefold(), "")
        right = hmac.compare_digest(known.encode(), password.encode())
        return self.name(typed) if right else None

    @contextmanager
    def shown_to_spnego(self) -> Iterator[None]:
        """While this lasts, pyspnego's acceptors know these accounts and no others."""
        with _file.lock:
            _file.hold(self._lines)
            yield


class _AccountsFile:
    """pyspnego's acceptor reads its accounts from the file that NTLM_USER_FILE names: one for the whole process. The
    hosts of a process take turns with it, for the moments that a logon takes."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._content: str | None = None

    def hold(self, lines: str) -> None:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="simulated-accounts-")
            atexit.register(self._folder.cleanup)
        path = Path(self._folder.name, "accounts")
        if lines != self._content:
            path.touch(mode=0o600)
            path.write_text(lines, encoding="utf-8")
            self._content = lines
        if os.environ.get("NTLM_USER_FILE") != str(path):
            os.environ["NTLM_USER_FILE"] = str(path)


_file = _AccountsFile()


def _line(name: str, password: str) -> str:
    if not name or any(c in ":\r\n" for c in name + password):
        raise ValueError(f"{name!r}: a simulated account has no colon and no line break in its name or password")
    domain, _, user = name.rpartition("\\")
    return f"{domain}:{user}:{password}\n"
