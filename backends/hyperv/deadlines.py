"""How long each call to a host may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each call may take, in seconds, waiting for a session included."""

    read: float = 60.0
    """A person waits for it. Look-ups by id take a second or two on a busy host."""
    scan: float = 180.0
    """A host with hundreds of VMs takes a minute, and opening each disk file adds to it."""
    volumes: float = 20.0
    """WMI asks every volume, and one that does not answer must not spoil the rest."""
    create: float = 600.0
    """A standard checkpoint writes the VM's memory to disk; VSS in the guest alone may take two minutes."""
    apply: float = 1800.0
    """A running VM is saved first, and memory is read back afterwards."""
    delete: float = 600.0
    """Seconds as a rule, since the merge goes on in the background; a subtree takes longer."""
    export: float = 4 * 3600.0
    """Copies every disk of the VM."""
    change: float = 120.0
    """Rename, settings."""
    power: float = 600.0
    """Starting a VM reads its saved memory back."""
