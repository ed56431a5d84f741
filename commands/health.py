"""`/checkpoint health web01`: how sound the checkpoints of VMs are, and what that rests on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from backends.base import VM
from commands.base import (
    Acknowledge,
    Context,
    Footnote,
    Heading,
    Paragraph,
    Part,
    Plan,
    Reply,
    Table,
    Target,
    Tree,
    UsageError,
    name,
    unmarked,
)
from commands.base.health import ORDER, Verdict, VMHealth
from commands.kit import soundness
from commands.kit.options import share_option
from commands.kit.rights import Needing
from commands.kit.words import say_count, say_span, say_time, typed

MOST_ROWS = 40
"""VMs that are named; the rest are counted."""


@click.command(epilog="health\nhealth web01\nhealth web* --share\nhealth web01 --acknowledge 'moved the file away'")
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option(
    "--acknowledge",
    cls=Needing,
    right=Acknowledge.right,
    metavar='"why"',
    help="You have looked: what happened so far is settled.",
)
@share_option
@click.pass_obj
def command(context: Context, vm: str | None, acknowledge: str | None, share: bool) -> Reply | Plan:
    """Whether VMs may be touched: Hold, Look, Fine, or Cannot tell, and what that rests on.

    Hold: a checkpoint failed half-way, and the next start may lose data. Look: somebody should. A single VM is looked
    at now; of several it is said how they were found last.
    """
    if acknowledge is not None:
        return _acknowledge(context, vm, acknowledge.strip())
    vms = context.fleet.find(vm) if vm else tuple(one.vm for one in context.fleet.all())
    if vm and len(vms) == 1:
        return Reply(_one(context, vms[0]), shared=share)
    return Reply(_many(context, vms), shared=share)


def _acknowledge(context: Context, vm: str | None, reason: str) -> Plan:
    if not vm or not reason:
        example = typed("health", vm or "web01", "--acknowledge", "why it is well")
        raise UsageError("Which VM, and why is it well?", f"Type {example}.")
    seen = context.fleet.look(context.fleet.find_one(vm))
    health = context.health.kept([seen.vm])[seen.vm.id]
    said = name(seen.vm.name)
    if health.verdict is Verdict.HOLD:
        raise UsageError(
            f"{said} is on Hold, and that ends when nothing can be lost any more, by no word of anybody.",
            f"{soundness.FIRST} {soundness.how_to_see(seen.vm.name)} has the text for a support case.",
        )
    if health.verdict is Verdict.FINE:
        raise UsageError(f"{said} is Fine, so there is nothing to acknowledge.")
    if health.verdict is Verdict.CANNOT_TELL:
        raise UsageError(
            f"Nobody can tell how {said} is, so there is nothing to acknowledge.",
            f"{soundness.how_to_see(seen.vm.name)} says what could not be looked at.",
        )
    return Plan(
        Acknowledge(reason),
        (Target.of(seen),),
        f"acknowledge the verdict on {said}",
        consequences=(
            *(reason.sentence for reason in health.why),
            "What happened until now is settled then. What its disks show stays until it is mended.",
        ),
    )


def _one(context: Context, vm: VM) -> tuple[Part, ...]:
    seen = context.fleet.look(vm, disks=True)
    health = context.health.judge(seen)
    parts: list[Part] = [
        Heading(f"{name(vm.name)} on {name(vm.host)}"),
        Paragraph(soundness.line(health)),
        *(Paragraph(soundness.told(reason)) for reason in health.reasons),
    ]
    if health.verdict is Verdict.FINE and not health.reasons:
        parts.append(Paragraph("Its chain of disks is whole, and nothing in the logs speaks against it."))
    if health.verdict is Verdict.HOLD:
        parts += [Paragraph(soundness.FIRST), Paragraph(soundness.NOT)]
    if health.verdict is Verdict.LOOK:
        parts.append(Footnote(f"Once it is settled: {typed('health', vm.name, '--acknowledge', 'why it is well')}."))
    if health.acknowledged is not None:
        one = health.acknowledged
        parts.append(Footnote(f"{name(one.person_name)} looked at {say_time(one.at)}: {one.reason}"))
    if health.verdict in (Verdict.HOLD, Verdict.LOOK):
        parts += [Paragraph("For a support case:"), Tree(soundness.case(health, seen, context.now))]
    return tuple(parts)


def _many(context: Context, vms: Sequence[VM]) -> tuple[Part, ...]:
    """Those that are not Fine, the gravest first, and how many are."""
    known = context.health.kept(vms)
    found = sorted(known.values(), key=lambda one: (ORDER.index(one.verdict), one.vm_name.casefold(), one.host))
    counts = {verdict: sum(one.verdict is verdict for one in found) for verdict in ORDER}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    rows = [_row(context, one) for one in found if one.verdict is not Verdict.FINE]
    parts: list[Part] = [Heading(f"{say_count(len(found), 'VM')}: {said}" if found else "There is no VM in sight.")]
    if rows:
        parts.append(Table(("VM", "Host", "Verdict", "Since", "Why"), tuple(rows[:MOST_ROWS])))
    if len(rows) > MOST_ROWS:
        parts.append(Footnote(f"… and {len(rows) - MOST_ROWS} more: name fewer with a pattern."))
    looked = [one.at for one in found if one.at is not None]
    if looked:
        parts.append(Footnote(f"They were looked at {say_span(context.now - min(looked))} ago or later."))
    return tuple(parts)


def _row(context: Context, one: VMHealth) -> tuple[str, ...]:
    why = unmarked(one.why[0].sentence) if one.why else ""
    since = f"{say_span(context.now - one.since)}" if one.since else ""
    return one.vm_name, one.host, f"{one.verdict.mark} {one.verdict}", since, why
