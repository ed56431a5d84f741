"""Plans, persons and hosts that the ledger's tests are about, and a clock that they set."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from backends.base import VM, Checkpoint, Disk, HostInventory, VMInventory, VMState, Volume
from bot.ledger import ChangeState, Ledger
from bot.messages import Origin
from commands.base import Action, Apply, Create, Person, Picture, Plan, Target
from tests.support.clock import START

ADA = Person("U0ADA", "Ada")
BOB = Person("U0BOB", "Bob")
ORIGIN = Origin("C0OPS", ADA.id, "https://hooks.slack.com/commands/T1/2/secret")


def target(vm_name: str = "web01", host: str = "hv01", checkpoint_id: str | None = "cp-1") -> Target:
    picture = Picture(host, 2, (("cp-1", None, "before-upgrade"),))
    return Target(host, f"id-{vm_name}", vm_name, picture, checkpoint_id, checkpoint_id and "before-upgrade")


def plan(*vm_names: str, action: Action | None = None, summary: str = "") -> Plan:
    action = action or Apply()
    names = vm_names or ("web01",)
    return Plan(action, tuple(map(target, names)), summary or f"{action.verb} before-upgrade to {', '.join(names)}")


def creation(name: str, *vm_names: str, note: str = "") -> Plan:
    return plan(*vm_names, action=Create(name, note=note), summary=f"create {name} on {', '.join(vm_names)}")


def carry(ledger: Ledger, change_id: str, wanted: Plan | None = None, *, person: Person = ADA) -> None:
    """A whole life, with one event that is no move."""
    ledger.changes.request(change_id, wanted or plan(), person, ORIGIN)
    ledger.changes.move(change_id, ChangeState.AWAITING, by="bot", why="apply asks first")
    ledger.changes.move(change_id, ChangeState.QUEUED, by=BOB.id, why="confirmed by Bob")
    ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
    ledger.changes.note(change_id, "sent", by="bot", detail={"step": "apply", "vm_id": "id-web01"})
    ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="web01 is back at before-upgrade.")


def checkpoint(id: str, vm_name: str = "web01", name: str = "before-upgrade") -> Checkpoint:
    return Checkpoint(id, name, f"id-{vm_name}", START)


def vm(
    name: str, *checkpoints: Checkpoint, host: str = "hv01", growth: int | None = None, vm_id: str = ""
) -> VMInventory:
    """A running VM; `growth` is the size of its one differencing disk."""
    disks = None if growth is None else (Disk(f"{name}.avhdx", growth, 1 << 40, f"{name}.vhdx", attached=True),)
    return VMInventory(VM(vm_id or f"id-{name}", name, host, VMState.RUNNING), checkpoints, disks)


def inventory(*vms: VMInventory, at: datetime, host: str = "hv01", free: int | None = None) -> HostInventory:
    volumes = None if free is None else (Volume("C:\\", 1000, free),)
    return HostInventory(host, at, vms, volumes)


def tamper(path: Path, *statements: str) -> None:
    """Write to the file as somebody would who has SQLite and knows about the triggers."""
    with sqlite3.connect(path) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert db.execute(statement).rowcount != 0, f"nothing to do for {statement}"
    db.close()
