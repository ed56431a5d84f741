"""`/checkpoint settings web01 --type production`: see and set how a VM takes checkpoints."""

from __future__ import annotations

import click

from backends.base import VM, CheckpointType
from commands.base import Configure, Context, Plan, Reply, Target, name, say
from commands.kit import refusals
from commands.kit.options import vm_argument
from commands.kit.rights import Needing
from commands.kit.telling import present

_TYPES = {
    "production": CheckpointType.PRODUCTION,
    "production-only": CheckpointType.PRODUCTION_ONLY,
    "standard": CheckpointType.STANDARD,
    "disabled": CheckpointType.DISABLED,
}

_MEANING = {
    CheckpointType.PRODUCTION: "The guest settles its disks first; where it cannot, a standard one is taken instead.",
    CheckpointType.PRODUCTION_ONLY: "The guest settles its disks first; where it cannot, no checkpoint is taken.",
    CheckpointType.STANDARD: "Disks and memory are kept as they are at that moment.",
    CheckpointType.DISABLED: "No checkpoint can be taken.",
}


@click.command(epilog="settings web01\nsettings web01 --type production-only\nsettings web01 --automatic off")
@vm_argument
@click.option(
    "--type",
    "kind",
    cls=Needing,
    right=Configure.right,
    type=click.Choice([*_TYPES], case_sensitive=False),
    help="What it takes from now on.",
)
@click.option(
    "--automatic",
    cls=Needing,
    right=Configure.right,
    type=click.Choice(["on", "off"], case_sensitive=False),
    help="Whether Hyper-V takes one whenever the VM starts, and drops it when the VM stops.",
)
@click.pass_obj
def command(context: Context, vm: str, kind: str | None, automatic: str | None) -> Plan | Reply:
    """Show how a VM takes checkpoints, or set it."""
    seen = context.fleet.look(context.fleet.find_one(vm))
    wanted = _TYPES[kind] if kind and _TYPES[kind] is not seen.vm.checkpoint_type else None
    switch = (automatic == "on") if automatic and (automatic == "on") != seen.vm.automatic_checkpoints else None
    if wanted is None and switch is None:
        return _shown(seen.vm, asked=bool(kind or automatic))
    if wanted is CheckpointType.STANDARD:
        refusals.standard(seen.vm, context.policy)
    deeds = [f"set its checkpoint type to {wanted.label}"] if wanted else []
    deeds += [f"switch automatic checkpoints {automatic}"] if switch is not None else []
    return Plan(
        Configure(wanted, switch),
        (Target.of(seen),),
        f"{name(seen.vm.name)}: {' and '.join(deeds)}",
        consequences=(*present([seen.vm]), *([_MEANING[wanted]] if wanted else [])),
    )


def _shown(vm: VM, *, asked: bool) -> Reply:
    automatic = "on" if vm.automatic_checkpoints else "off"
    already = "Nothing to change. " if asked else ""
    meaning = _MEANING.get(vm.checkpoint_type, "")
    takes = f"{name(vm.name)} takes {vm.checkpoint_type.label} checkpoints."
    return say(f"{already}{takes} {meaning} Automatic ones are {automatic}.")
