"""The limits of a WinRM service, as a default Windows Server has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quotas:
    """Seconds and bytes. The defaults are those of `winrm get winrm/config`, the PowerShell plugin and http.sys."""

    shells_per_user: int = 30
    """MaxShellsPerUser. A shell counts until it is deleted or idle for too long, whether its client lives or not."""
    commands_per_shell: int = 1000
    """MaxConcurrentCommandsPerShell. A command counts until its client signals `terminate`, even when it has ended."""
    shell_idle: float = 7200.0
    """IdleTimeoutMs, for clients that do not ask for another."""
    connection_idle: float = 120.0
    """How long http.sys keeps a connection that nothing is asked on."""
    envelope_bytes: int = 500 * 1024
    """MaxEnvelopeSizekb: the largest message, in both directions."""
