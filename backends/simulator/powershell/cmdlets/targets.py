"""Which VMs and checkpoints a call is about. Names are patterns and may hit several; ids and objects hit one."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.powershell.objects.checkpoints import CheckpointObject, checkpoint_objects
from backends.simulator.powershell.objects.machines import VMObject
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.wildcards import BadPattern, has_wildcards, matches


def target_vms(call: Call, names: str = "VMName", missing: Case = Case.VM_NOT_FOUND) -> Iterator[SimulatedVM]:
    """The VMs of `-VM`, or those whose name matches a pattern of the parameter `names`. A name without wildcards that
    hits nothing is an error of the call."""
    for item in call.objects("VM", VMObject):
        yield item.model
    for name in [*call.texts(names), *filter(None, [call.text(names)])]:
        yield from named_vms(call, name, missing)


def named_vms(call: Call, name: str, missing: Case) -> Iterator[SimulatedVM]:
    found = [vm for vm in call.host.all() if matching(name, vm.name)]
    if not found and not has_wildcards(name):
        call.fail(HostError(missing, name=name), target=name)
    yield from found


def target_checkpoints(call: Call) -> Iterator[CheckpointObject]:
    """The checkpoints of `-VMSnapshot`, or those of the VMs that match `-Name`; all of them without it, and when the
    name hits none, an error of the call."""
    yield from call.objects("VMSnapshot", CheckpointObject)
    patterns = [*call.texts("Name"), *filter(None, [call.text("Name")])]
    for vm in target_vms(call):
        found = checkpoint_objects(call.host, vm)
        if not patterns:
            yield from found
        for pattern in patterns:
            hits = [one for one in found if matching(pattern, one.checkpoint.name)]
            if not hits:
                call.fail(HostError(Case.CHECKPOINT_NOT_FOUND), target=pattern)
            yield from hits


def one_checkpoint(call: Call) -> CheckpointObject:
    """For cmdlets that work on a single one. Raises `HostError` when the names hit none or several."""
    found = list(target_checkpoints(call))
    if not found:
        raise HostError(Case.CHECKPOINT_NOT_FOUND)
    if len(found) > 1:
        raise HostError(Case.INVALID_PARAMETER, detail="More than one snapshot was found matching the given criteria.")
    return found[0]


def matching(pattern: str, text: str) -> bool:
    """Raises `HostError` for a pattern that is none."""
    try:
        return matches(pattern, text)
    except BadPattern as error:
        raise HostError(Case.INVALID_PARAMETER, detail=str(error)) from error
