"""How one host is reached, and what its settings need to work: the one type and the one place for both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Auth = Literal["negotiate", "kerberos", "ntlm", "credssp", "certificate", "basic"]

DEFAULT_CONFIGURATION: Final = "Microsoft.PowerShell"

_PASSWORD: Final = ("basic", "credssp")
"""Methods that send a name and a password, where the others may take them from a ticket."""


@dataclass(frozen=True, slots=True)
class HostConnection:
    """The settings of one host's connection, with nothing left open."""

    name: str
    """The configured name, which persons see."""
    address: str
    port: int = 5986
    ssl: bool = True
    auth: Auth = "negotiate"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    configuration_name: str | None = None
    """The session configuration on the host; None is its default, a full PowerShell."""
    allow_unencrypted: bool = False
    """Let a password and everything else travel readable: basic authentication over plain http."""
    ca_bundle: str | Path | None = None
    """A file of certificates to trust instead of the system's. Certificates are always checked."""
    certificate_pem: str | Path | None = None
    certificate_key_pem: str | Path | None = None
    connect_timeout: float = 10.0
    """Seconds until a TCP connection must stand."""
    shells: int = 6
    """How many shells to have open on the host at the most. A host allows 30 for an account."""

    @property
    def is_custom(self) -> bool:
        """A session configuration of the host's own, which may be the bot's JEA endpoint."""
        return self.configuration_name not in (None, DEFAULT_CONFIGURATION)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What keeps these settings from working: the setting, and what is wrong with it."""
        if self.auth == "basic" and not self.ssl and not self.allow_unencrypted:
            yield (
                "auth",
                "basic over plain HTTP shows the password to everyone on the way: set ssl: true, or "
                "allow_unencrypted: true if that network is trusted",
            )
        if self.auth == "certificate" and not self.ssl:
            yield "auth", "certificate needs ssl: true"
        for name in self._needed:
            if getattr(self, name) is None:
                yield name, f"is missing: auth {self.auth} needs it"
        if self.password is not None and self.username is None and self.auth not in _PASSWORD:
            yield "username", "is missing: there is a password"
        for name in ("ca_bundle", "certificate_pem", "certificate_key_pem"):
            path = getattr(self, name)
            if path is not None and not Path(path).is_file():
                yield name, f"there is no file {path}"

    @property
    def _needed(self) -> tuple[str, ...]:
        if self.auth in _PASSWORD:
            return ("username", "password")
        return ("certificate_pem", "certificate_key_pem") if self.auth == "certificate" else ()
