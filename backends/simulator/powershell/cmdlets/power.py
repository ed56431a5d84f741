"""Start-, Stop-, Save-, Suspend- and Resume-VM, Remove-VMSavedState."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backends.simulator.model import power
from backends.simulator.model.errors import HostError
from backends.simulator.model.machines import Job, SimulatedVM
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import target_vms
from backends.simulator.powershell.objects.checkpoints import CheckpointObject
from backends.simulator.powershell.objects.machines import VMObject
from backends.simulator.powershell.runtime import Call

Act = Callable[[SimulatedVM], Job | bool | None]
"""What is done to a VM: a job to wait for, or whether anything changed."""


@cmdlet("Start-VM")
def start(call: Call) -> Iterator[VMObject]:
    return _each(call, lambda vm: power.start(call.host, vm.id))


@cmdlet("Stop-VM")
def stop(call: Call) -> Iterator[VMObject]:
    if call.flag("Save"):
        return _each(call, lambda vm: power.save(call.host, vm.id))
    return _each(call, lambda vm: power.stop(call.host, vm.id, turn_off=call.flag("TurnOff")))


@cmdlet("Save-VM")
def save(call: Call) -> Iterator[VMObject]:
    return _each(call, lambda vm: power.save(call.host, vm.id))


@cmdlet("Suspend-VM")
def suspend(call: Call) -> Iterator[VMObject]:
    return _each(call, lambda vm: power.suspend(call.host, vm.id))


@cmdlet("Resume-VM")
def resume(call: Call) -> Iterator[VMObject]:
    return _each(call, lambda vm: power.resume(call.host, vm.id))


@cmdlet("Remove-VMSavedState")
def discard_saved_state(call: Call) -> Iterator[object]:
    """Of a VM; the saved memory of a checkpoint is left alone, and asking for it an error of the call."""
    vms = [one.vm for one in call.objects("VMSnapshot", CheckpointObject)] or list(target_vms(call))
    for vm in vms:
        if call.should_process():
            try:
                power.discard_saved_state(call.host, vm.id)
            except HostError as error:
                call.fail(error, target=vm.name)
    yield from ()


def _each(call: Call, act: Act) -> Iterator[VMObject]:
    """Do it to every VM of the call; one that is in that state already gets a warning."""
    for vm in list(target_vms(call, "Name")):
        if not call.should_process():
            continue
        try:
            done = act(vm)
            if isinstance(done, Job):
                call.wait(done)
            elif not done:
                call.warn("already-in-state")
        except HostError as error:
            call.fail(error, target=vm.name)
            continue
        if call.flag("Passthru"):
            yield VMObject(call.host, vm)
