"""The WinRM server of a simulated host: HTTP, NTLM, WS-Management and PSRP as real clients speak them."""

from __future__ import annotations

from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.server import WinRMServer

__all__ = ["Quotas", "WinRMServer"]
