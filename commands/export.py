r"""`/checkpoint export web01 before-upgrade D:\exports`: copy a checkpoint as a VM of its own."""

from __future__ import annotations

import click

from commands.base import Context, Export, Plan, Target, name
from commands.kit import refusals
from commands.kit.finding import one_checkpoint
from commands.kit.folders import folder, is_share
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.telling import about


def _folder(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Click's callback for a folder on a host."""
    try:
        return folder(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(epilog="export web01 before-upgrade D:\\exports")
@vm_argument
@checkpoint_argument
@click.argument("path", metavar="<folder on the host>", callback=_folder)
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, path: str) -> Plan:
    """Copy a checkpoint to a folder on the VM's host, as a VM of its own. The VM itself stays as it is.

    The settings say where to (access.export_to): to any folder on the host, and to no share, unless they name some.
    """
    refusals.place(path, context.policy)
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.broken(seen, found, "export")
    refusals.busy(seen.vm, "export a checkpoint")
    share = "A share must let the host's own computer account write to it." if is_share(path) else ""
    return Plan(
        Export(path),
        (Target.of(seen, found),),
        f"export {name(found.name)} of {name(seen.vm.name)} to {path}",
        consequences=(
            *about(context, seen, found),
            f"A whole copy of the disks is written to {path} on {name(seen.vm.host)}: it takes time and space there.",
        ),
        cautions=(share,) if share else (),
    )
