"""`/checkpoint rename web01 before-upgrade 'kernel 6.12 works'`: give a checkpoint another name."""

from __future__ import annotations

import click

from commands.base import Context, Plan, Rename, Target, UsageError
from commands.base.names import name as called
from commands.kit import refusals
from commands.kit.finding import one_checkpoint, plain
from commands.kit.options import checkpoint_argument, new_name, vm_argument
from commands.kit.telling import about


@click.command(epilog="rename web01 before-upgrade 'kernel 6.12 works'")
@vm_argument
@checkpoint_argument
@click.argument("name", metavar="<new name>", callback=new_name)
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, name: str) -> Plan:
    """Give a checkpoint another name."""
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.managed(seen, found, "rename")
    refusals.busy(seen.vm, "rename a checkpoint")
    if name == found.name:
        raise UsageError(f"That checkpoint of {called(seen.vm.name)} is called {name} already.")
    if plain(name) != plain(found.name):
        refusals.taken(seen, name)
    return Plan(
        Rename(name),
        (Target.of(seen, found),),
        f"rename {called(found.name)} of {called(seen.vm.name)} to {name}",
        consequences=about(context, seen, found),
    )
