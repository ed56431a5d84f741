"""Copies that Hyper-V Replica keeps of VMs on other hosts: no change acts on one that was not named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from commands.base import Context, Plan, Target, UsageError, name
from commands.kit.finding import is_pattern, named
from commands.kit.group import AS_A_WHOLE
from commands.kit.words import say_names

BY_ITSELF = "Name it by itself if the copy is meant."


def named_only(plan: Plan, vms: str, context: Context) -> Plan:
    """The plan of a command, whatever its verb, that was typed with `vms` among its words. Where it acts on a copy that
    was named, it is asked about. Raises `UsageError` where a pattern alone covers one."""
    copies = [target for target in plan.targets if target.picture.replica]
    if unnamed := [target for target in copies if not _is_named(target, vms)]:
        others = {target.vm_id for target in plan.targets if target not in unnamed}
        rest = [one.vm for one in context.fleet.known() if one.vm.id in others]
        are, mean = ("is a replica of a VM", "it") if len(unnamed) == 1 else ("are replicas of VMs", "them")
        sentence = f"{_where(unnamed)} {are} elsewhere, and no pattern means {mean}."
        raise UsageError(sentence, AS_A_WHOLE if rest else BY_ITSELF, rest=rest)
    return replace(plan, cautions=(*plan.cautions, *_cautions(copies, context)), ask=True) if copies else plan


@dataclass(frozen=True, slots=True)
class _Thing:
    id: str
    name: str


def _is_named(target: Target, vms: str) -> bool:
    """By its name or its id in the list of VMs that was typed, and not by a pattern alone."""
    parts = (part.strip() for part in (vms, *vms.split(",")))
    return not is_pattern(vms) or any(named(part, (_Thing(target.vm_id, target.vm_name),)) for part in parts)


def _cautions(copies: Sequence[Target], context: Context) -> Iterator[str]:
    yield f"A replica of a VM elsewhere, not the VM itself: {_where(copies)}."
    if down := [host.name for host in context.fleet.hosts() if not host.reachable]:
        yield f"{say_names(down)} could not be asked, so the VM itself may be there."


def _where(copies: Sequence[Target]) -> str:
    return say_names([f"{name(one.vm_name)} on {name(one.host)}" for one in copies])
