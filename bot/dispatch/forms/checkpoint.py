"""The small forms about one checkpoint: apply it, delete it, keep it, claim it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from backends.base import BackendError, Checkpoint, VMInventory
from bot.dispatch.forms.base import CHANNEL, Mistake, until_the_end_of
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Alert, Choice, Conversation, Day, Field, Form, Option
from commands.base import Context, Paragraph, Plan, UsageError, name
from commands.kit import runner
from commands.kit.words import say_count, say_span

ABOUT = "about"
"""Where the memory says which checkpoint it is about."""

MOST_ALERTS = 5
YES, NO = "yes", "no"

Found = tuple[VMInventory, Checkpoint]


@dataclass(frozen=True)
class CheckpointForm:
    """A `Kind`."""

    name: str
    """The command."""
    title: str
    fields: Callable[[Found, Context], tuple[Field, ...]]
    options_of: Callable[[Mapping[str, str], datetime], tuple[str, ...]]
    """What is filled in, as the words that follow the checkpoint."""

    def draw(self, sheet: Sheet, context: Context) -> Form:
        memory, found = sheet.memory or {}, _found(sheet, context)
        seen, checkpoint = found
        parts: list[Field | Alert | Paragraph] = [Paragraph(f"{name(checkpoint.name)} of {name(seen.vm.name)}")]
        parts += self._foreseen(sheet, context)
        parts += self.fields(found, context)
        if not memory.get(CHANNEL):
            hint = "Where it is shown. Without one it stays between you and me."
            parts.append(Conversation(id=CHANNEL, label="Channel", hint=hint, optional=True))
        return Form(self.name, self.title, self.name.capitalize(), tuple(parts), memory)

    def says(self, sheet: Sheet, context: Context) -> Sequence[str]:
        seen, checkpoint = _found(sheet, context)
        return (self.name, seen.vm.id, checkpoint.id, *self.options_of(sheet.values, context.now))

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - what is about no option is told at the first field
        return ""

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - it has no search
        return ()

    def _foreseen(self, sheet: Sheet, context: Context) -> list[Alert | Paragraph]:
        """What will be lost and what stays, and what a careful colleague would add."""
        try:
            plan = runner.run(self.says(sheet, context), context)
        except Mistake:
            return []
        except (UsageError, BackendError) as error:
            return [] if isinstance(error, UsageError) and error.about else [Alert(error.sentence, "error")]
        if not isinstance(plan, Plan):
            return []
        alerts = [Alert(sentence) for sentence in (*plan.cautions, *plan.outlook)]
        return [*map(Paragraph, plan.consequences), *alerts[:MOST_ALERTS]]


def forms_of_checkpoints(zone: tzinfo = UTC) -> tuple[CheckpointForm, ...]:
    """`zone` is where days end."""

    def keep(values: Mapping[str, str], now: datetime) -> tuple[str, ...]:
        return (until_the_end_of(values.get("period", ""), now, zone, "period") or "forever",)

    return (
        CheckpointForm("apply", "Apply a checkpoint", _of_apply, _apply_words),
        CheckpointForm("delete", "Delete a checkpoint", _of_delete, _delete_words),
        CheckpointForm("keep", "Keep a checkpoint", _of_keep, keep),
        CheckpointForm("claim", "Claim a checkpoint", lambda _found, _context: (), lambda _values, _now: ()),
    )


def _of_apply(_found: Found, context: Context) -> tuple[Field, ...]:
    if not context.policy.safety_checkpoint:
        return ()
    ways = (Option("First, so that it can be undone", YES), Option("None: there is no way back", NO))
    return (Choice(id="no_safety", label="Safety checkpoint", options=ways, chosen=YES, watched=True),)


def _apply_words(values: Mapping[str, str], _now: datetime) -> tuple[str, ...]:
    return ("--no-safety",) if values.get("no_safety") == NO else ()


def _of_delete(found: Found, _context: Context) -> tuple[Field, ...]:
    seen, checkpoint = found
    under = len(seen.subtree(checkpoint.id)) - 1
    if not under:
        return ()
    ways = (Option("Only this one", NO), Option(f"This one and {say_count(under, 'checkpoint')} under it", YES))
    return (Choice(id="subtree", label="What goes", options=ways, chosen=NO, watched=True),)


def _delete_words(values: Mapping[str, str], _now: datetime) -> tuple[str, ...]:
    return ("--subtree",) if values.get("subtree") == YES else ()


def _of_keep(_found: Found, context: Context) -> tuple[Field, ...]:
    longest = context.policy.keep_longest
    hint = f"{say_span(longest)} at the most." if longest else "Leave it empty to keep it for good."
    return (Day(id="period", label="Keep until the end of", hint=hint, optional=longest is None),)


def _found(sheet: Sheet, context: Context) -> Found:
    """As last seen. Raises `UsageError` for one that is gone, or that nobody may see here."""
    wanted = (sheet.memory or {}).get(ABOUT, "")
    for seen in context.fleet.known():
        for checkpoint in seen.checkpoints:
            if checkpoint.id == wanted:
                return seen, checkpoint
    raise UsageError("That checkpoint has gone, or is not in sight here.")
