"""The form that takes a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from backends.base import BackendError, CheckpointType, VMInventory
from bot.dispatch.forms.base import CHANNEL, Mistake, channel_of, until_the_end_of
from bot.dispatch.forms.search import VMSearch, option_of
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Alert, Choice, Conversation, Day, Field, Form, Option, Search, Text
from bot.fleet import space
from commands.base import Context, Paragraph, Plan, UsageError, name
from commands.base.health import Verdict
from commands.kit import runner
from commands.kit.words import say_span

MOST_ALERTS = 5
AS_SET = "as-set"
"""The type that says nothing: the VM's own setting counts."""

TYPES = (
    Option("As the VM's setting says", AS_SET),
    Option("Production: the guest settles its disks", "production"),
    Option("Standard: with its memory", "standard"),
)
_CHECKPOINT_TYPES = {"production": CheckpointType.PRODUCTION, "standard": CheckpointType.STANDARD}


class CreateForm:
    """A `Kind`. What it brings back: the channel, where it was opened in one, and the VM that it was opened for."""

    name = "create"

    def __init__(self, zone: tzinfo = UTC) -> None:
        """`zone` is where days end."""
        self._zone = zone
        self._search = VMSearch("create")

    def draw(self, sheet: Sheet, context: Context) -> Form:
        memory = sheet.memory or {}
        chosen = _seen(sheet, context)
        parts: list[Field | Alert | Paragraph] = []
        if not memory.get(CHANNEL):
            hint = "Where the checkpoint and its result are shown. What you may do can depend on it."
            parts.append(Conversation(id=CHANNEL, label="Channel", hint=hint, chosen=memory.get("suggested", "")))
        parts += [
            Search(
                id="vm",
                label="VM",
                hint="" if chosen else "Type a part of its name, of its host's, or of an owner's.",
                watched=True,
                chosen=option_of(chosen) if chosen else None,
            ),
            *self._alerts(sheet, context, chosen),
            Text(id="name", label="Name", hint="Without one it gets your name and the time.", optional=True, most=100),
            Choice(id="kind", label="Type", options=TYPES, chosen=AS_SET),
            Day(id="keep", label="Keep until the end of", hint=_kept(context), optional=True),
            Text(
                id="note", label="Note", hint="Why it is taken.", optional=True, long=True, text=memory.get("note", "")
            ),
        ]
        return Form(self.name, "Take a checkpoint", "Take it", tuple(parts), memory)

    def says(self, sheet: Sheet, context: Context) -> Sequence[str]:
        """The words of `create`."""
        vm, values = _vm_of(sheet), sheet.values
        if not vm:
            raise Mistake(vm="Choose a VM.")
        if not channel_of(sheet):
            raise Mistake(**{CHANNEL: "Choose a channel."})
        keep = until_the_end_of(values.get("keep", ""), context.now, self._zone, "keep")
        words = ["create", f"--keep={keep}"] if keep else ["create"]
        words += [f"--type={kind}"] if (kind := values.get("kind", AS_SET)) in _CHECKPOINT_TYPES else []
        words += [f"--note={' '.join(note.split())}"] if (note := values.get("note", "")).strip() else []
        return (*words, "--", vm, *([called] if (called := values.get("name", "").strip()) else []))

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - all that is about no other field is about the VM
        return "vm"

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - a Kind's
        return self._search.find(context, text)

    def _alerts(self, sheet: Sheet, context: Context, seen: VMInventory | None) -> list[Alert]:
        """What is to be known of the VM before it is asked for."""
        if seen is None:
            return []
        found = [*_verdict(context, seen), *_room(sheet, context, seen), *self._foreseen(sheet, context)]
        return list(dict.fromkeys(found))[:MOST_ALERTS]

    def _foreseen(self, sheet: Sheet, context: Context) -> Iterator[Alert]:
        try:
            plan = runner.run(self.says(sheet, context), context)
        except Mistake:
            return
        except (UsageError, BackendError) as error:
            yield Alert(error.sentence, "error")
            return
        if isinstance(plan, Plan):
            yield from (Alert(sentence) for sentence in (*plan.cautions, *plan.outlook))


def _vm_of(sheet: Sheet) -> str:
    return sheet.values.get("vm", "") or ((sheet.memory or {}).get("vm", "") if "vm" not in sheet.fields else "")


def _seen(sheet: Sheet, context: Context) -> VMInventory | None:
    wanted = _vm_of(sheet)
    return next((one for one in context.fleet.known() if one.vm.id == wanted), None) if wanted else None


def _kept(context: Context) -> str:
    default, longest = context.policy.keep_default, context.policy.keep_longest
    told = f"Else it is kept for {say_span(default)}." if default else "Else it stays until somebody deletes it."
    return f"{told} {say_span(longest)} at the most." if longest else told


def _verdict(context: Context, seen: VMInventory) -> Iterator[Alert]:
    health = context.health.kept([seen.vm])[seen.vm.id]
    if health.verdict in (Verdict.HOLD, Verdict.LOOK):
        why = " ".join(reason.sentence for reason in health.why)
        told = f"{health.verdict.mark} {health.verdict}: {why}"
        yield Alert(told, "error") if health.verdict is Verdict.HOLD else Alert(told)
    for host in context.fleet.hosts():
        if host.name == seen.vm.host and not host.reachable:
            yield Alert(f"{name(host.name)} does not answer: {host.problem}")


def _room(sheet: Sheet, context: Context, seen: VMInventory) -> Iterator[Alert]:
    kind = _CHECKPOINT_TYPES.get(sheet.values.get("kind", ""), seen.vm.checkpoint_type)
    rate = context.growth.of_vms([seen.vm.id]).get(seen.vm.id)
    try:
        space.check(seen.vm, kind, context.fleet.volumes_of(seen.vm), rate.per_day if rate else None)
    except BackendError as short:  # as last seen: right before it is taken the host is asked
        yield Alert(short.sentence)
