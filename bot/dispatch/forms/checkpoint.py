"""The small forms about a checkpoint, or a few: apply them, delete them, keep them, claim them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from backends.base import BackendError, Checkpoint, VMInventory
from bot.dispatch.forms.base import CHANNEL, Each, Mistake, checkpoints_of, until_the_end_of
from bot.dispatch.requests import Sheet
from bot.dispatch.views import Alert, Choice, Conversation, Day, Field, Form, Option
from commands.base import Context, Paragraph, Plan, UsageError, name
from commands.kit import runner
from commands.kit.pages import MOST_CHOSEN
from commands.kit.words import say_count, say_span

MOST_ALERTS = 5
YES, NO = "yes", "no"

Found = tuple[VMInventory, Checkpoint]


@dataclass(frozen=True)
class CheckpointForm:
    """A `Kind`."""

    name: str
    """The command."""
    title: str
    fields: Callable[[Sequence[Found], Context], tuple[Field, ...]]
    options_of: Callable[[Mapping[str, str], datetime], tuple[str, ...]]
    """What is filled in, as the words that follow each checkpoint."""

    def draw(self, sheet: Sheet, context: Context) -> Form:
        memory, found = sheet.memory or {}, _found(sheet, context)
        parts: list[Field | Alert | Paragraph] = []
        for seen, checkpoint in found:
            parts.append(Paragraph(f"{name(checkpoint.name)} of {name(seen.vm.name)}"))
            parts += self._foreseen((seen, checkpoint), sheet, context)
        if gone := len(checkpoints_of(sheet)) - len(found):
            parts.append(Alert(f"{say_count(gone, 'checkpoint')} of those that were chosen is not in sight here."))
        parts += self.fields(found, context)
        if not memory.get(CHANNEL):
            hint = "Where it is shown. Without one it stays between you and me."
            parts.append(Conversation(id=CHANNEL, label="Channel", hint=hint, optional=True))
        return Form(self.name, self.title, self.name.capitalize(), tuple(parts), memory)

    def says(self, sheet: Sheet, context: Context) -> Sequence[str] | Each:
        said = {one[1].id: self._words(one, sheet, context) for one in _found(sheet, context)}
        return Each(said) if len(checkpoints_of(sheet)) > 1 else next(iter(said.values()))

    def _words(self, found: Found, sheet: Sheet, context: Context) -> tuple[str, ...]:
        seen, checkpoint = found
        return (self.name, seen.vm.id, checkpoint.id, *self.options_of(sheet.values, context.now))

    def field_of(self, error: UsageError) -> str:  # noqa: ARG002 - what is about no option is told at the first field
        return ""

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:  # noqa: ARG002 - it has no search
        return ()

    def _foreseen(self, found: Found, sheet: Sheet, context: Context) -> list[Alert | Paragraph]:
        """What will be lost and what stays, and what a careful colleague would add."""
        try:
            plan = runner.run(self._words(found, sheet, context), context)
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


def _of_apply(_found: Sequence[Found], context: Context) -> tuple[Field, ...]:
    if not context.policy.safety_checkpoint:
        return ()
    ways = (Option("First, so that it can be undone", YES), Option("None: there is no way back", NO))
    return (Choice(id="no_safety", label="Safety checkpoint", options=ways, chosen=YES, watched=True),)


def _apply_words(values: Mapping[str, str], _now: datetime) -> tuple[str, ...]:
    return ("--no-safety",) if values.get("no_safety") == NO else ()


def _of_delete(found: Sequence[Found], _context: Context) -> tuple[Field, ...]:
    under = sum(len(seen.subtree(checkpoint.id)) - 1 for seen, checkpoint in found)
    if not under:
        return ()
    those, them = ("this one", "it") if len(found) == 1 else ("these", "them")
    with_more = f"{those.capitalize()} and {say_count(under, 'checkpoint')} under {them}"
    ways = (Option(f"Only {those}", NO), Option(with_more, YES))
    return (Choice(id="subtree", label="What goes", options=ways, chosen=NO, watched=True),)


def _delete_words(values: Mapping[str, str], _now: datetime) -> tuple[str, ...]:
    return ("--subtree",) if values.get("subtree") == YES else ()


def _of_keep(_found: Sequence[Found], context: Context) -> tuple[Field, ...]:
    longest = context.policy.keep_longest
    hint = f"{say_span(longest)} at the most." if longest else "Leave it empty to keep it for good."
    return (Day(id="period", label="Keep until the end of", hint=hint, optional=longest is None),)


def _found(sheet: Sheet, context: Context) -> Sequence[Found]:
    """As last seen, in the order in which they were chosen. Raises `UsageError` where all are gone, or nobody may see
    any here."""
    there = {one.id: (seen, one) for seen in context.fleet.known() for one in seen.checkpoints}
    if found := [there[id] for id in checkpoints_of(sheet)[:MOST_CHOSEN] if id in there]:
        return found
    raise UsageError("That checkpoint has gone, or is not in sight here.")
