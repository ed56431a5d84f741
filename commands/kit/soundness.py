"""What is said of a verdict: why a VM is on Hold, what to do first and what not, and the block for a support case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from backends.base import VMInventory, is_differencing
from commands.base.health import Reason, Verdict, VMHealth
from commands.base.names import name, unmarked
from commands.kit.words import say_time, typed

FIRST = (
    "First make a backup from inside the guest and see that it is good: copy the data out of it while it runs. Then "
    "open a case with Microsoft."
)
NOT = (
    "Do not restart, stop, save or migrate it, do not drain its host, and do not apply, delete or merge anything by "
    "hand before that."
)

LOGS = ("Microsoft-Windows-Hyper-V-VMMS-Admin", "Microsoft-Windows-Hyper-V-Worker-Admin")


def on_hold(health: VMHealth, vm_name: str) -> str:
    """Why nobody may touch it, with what to do first and what not to do."""
    why = " ".join(reason.sentence for reason in health.why)
    return f"{name(vm_name)} is on Hold, so the bot does nothing to it. {why} {FIRST} {NOT}"


def cautions(healths: Iterable[VMHealth]) -> tuple[str, ...]:
    """What a card says of VMs that somebody should look at, a sentence for each reason."""
    return tuple(
        f"{name(health.vm_name)}, which somebody should look at: {reason.sentence}"
        for health in healths
        if health.verdict is Verdict.LOOK
        for reason in health.why
    )


def line(health: VMHealth) -> str:
    """The verdict in a line: `⛔ Hold since 2026-11-22 14:05 UTC`."""
    since = f" since {say_time(health.since)}" if health.since else ""
    return f"{health.verdict.mark} {health.verdict}{since}"


def told(reason: Reason) -> str:
    return f"{reason.verdict.mark} {reason.sentence}"


def case(health: VMHealth, seen: VMInventory, now: datetime) -> tuple[str, ...]:
    """Text to paste into a support case, a line each."""
    vm = seen.vm
    lines = [
        f"VM: {vm.name} ({vm.id})",
        f"Node: {vm.node or vm.host}",
        f"State: {vm.state.label}; status {', '.join(map(str, vm.operational_status))}",
        f"Verdict: {health.verdict}, since {say_time(health.since) if health.since else 'now'}; asked {say_time(now)}",
        *(f"Sign: {reason.sentence}" for reason in health.reasons if reason.verdict is not Verdict.FINE),
        *(f"Note: {reason.sentence}" for reason in health.reasons if reason.verdict is Verdict.FINE),
        *_disks(seen),
        *(f"Checkpoint: {one.name} ({one.id}), {say_time(one.created)}" for one in seen.checkpoints),
        *(f"Log to add: wevtutil epl {log} {log.rpartition('Hyper-V-')[2]}.evtx" for log in LOGS),
        "To add: the last write time of the .vmcx, the backup product and the times of its jobs.",
    ]
    return tuple(unmarked(one) for one in lines)


def _disks(seen: VMInventory) -> Sequence[str]:
    if seen.disks is None:
        return ("Disks: not shown to this account",)
    return [
        f"Disk: {disk.path}{' (in use)' if disk.attached else ''}"
        + (f" over {disk.parent_path}" if disk.parent_path else "")
        for disk in sorted(seen.disks, key=lambda one: (is_differencing(one.path), one.path))
    ]


def how_to_see(vm_name: str) -> str:
    return typed("health", vm_name)
