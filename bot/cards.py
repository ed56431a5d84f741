"""The one message of a change: its card while it waits, its progress, its end. Values in, a `Reply` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.ledger import ChangeRow, ChangeState, Event
from bot.performing import plan_of
from commands.base import Actions, Button, Footnote, Heading, Paragraph, Part, Plan, Reply, Tree
from commands.words import short_id

SIGNS: Mapping[ChangeState, str] = {
    ChangeState.REQUESTED: "⏳",
    ChangeState.AWAITING: "❓",
    ChangeState.DENIED: "⛔",
    ChangeState.CANCELLED: "✖️",
    ChangeState.EXPIRED: "⌛",
    ChangeState.VOID: "⚠️",
    ChangeState.QUEUED: "⏳",
    ChangeState.RUNNING: "⏳",
    ChangeState.SUCCEEDED: "✅",
    ChangeState.FAILED: "❌",
    ChangeState.UNKNOWN: "❔",
}

BAR = 10


def card(row: ChangeRow, events: Sequence[Event], progress: Mapping[str, int]) -> Reply:
    """The message of a change as the ledger has it now. `progress` is VM id to percentage."""
    parts: list[Part] = [Heading(f"{SIGNS[row.state]} {title(row)}")]
    match row.state:
        case ChangeState.AWAITING:
            parts += _question(row, _awaits(events))
        case ChangeState.REQUESTED | ChangeState.QUEUED | ChangeState.RUNNING:
            parts += _under_way(row, events, progress)
        case _:
            parts += _end(row, events)
    return Reply((*parts, Footnote(_origin(row, events))), shared=True)


def title(row: ChangeRow) -> str:
    """The plan in one line, with the state where that is not plain: `Apply before-upgrade to web01: expired`."""
    line = row.summary[:1].upper() + row.summary[1:]
    match row.state:
        case ChangeState.AWAITING:
            return f"{line}?"
        case ChangeState.SUCCEEDED | ChangeState.REQUESTED:
            return line
        case ChangeState.UNKNOWN:
            return f"{line}: outcome unknown"
        case _:
            return f"{line}: {row.state}"


def _question(row: ChangeRow, awaits: str) -> list[Part]:
    plan = plan_of(row)
    parts: list[Part] = [Paragraph(f"⚠️ {caution}") for caution in plan.cautions]
    parts += [Paragraph(line) for line in plan.consequences]
    yes = Button("Approve", "approve", row.id, "danger") if awaits == "approval" else _confirm(row, plan)
    no = Button("Withdraw" if awaits == "approval" else "Cancel", "cancel", row.id)
    parts.append(Actions((yes, no)))
    return parts


def _awaits(events: Sequence[Event]) -> str:
    return next((str(e.detail.get("awaits")) for e in events if e.event == ChangeState.AWAITING), "confirmation")


def _confirm(row: ChangeRow, plan: Plan) -> Button:
    risky = plan.verb in ("apply", "delete")
    return Button(plan.verb.capitalize(), "confirm", row.id, "danger" if risky else "primary")


def _under_way(row: ChangeRow, events: Sequence[Event], progress: Mapping[str, int]) -> list[Part]:
    targets = plan_of(row).targets
    done = outcomes(events)
    lines = tuple(_line(t.vm_name, done.get(t.vm_id), progress.get(t.vm_id)) for t in targets)
    if row.state == ChangeState.QUEUED:
        parts: list[Part] = [Paragraph("Waits for its turn."), Actions((Button("Cancel", "cancel", row.id),))]
    elif len(targets) > 1:
        parts = [Paragraph(f"{len(done)} of {len(targets)} done")]
    else:
        parts = [] if progress else [Paragraph("Under way …")]
    return [*parts, Tree(lines)] if len(targets) > 1 or progress else parts


def _line(name: str, outcome: Mapping[str, object] | None, percent: int | None) -> str:
    if outcome is not None:
        return f"{SIGNS[ChangeState(str(outcome['state']))]} {name}: {outcome['sentence']}"
    if percent is None:
        return f"⏳ {name}"
    filled = percent * BAR // 100
    return f"⏳ {name} {'█' * filled}{'░' * (BAR - filled)} {percent} %"


def _end(row: ChangeRow, events: Sequence[Event]) -> list[Part]:
    done = outcomes(events)
    if len(plan_of(row).targets) > 1 and done:
        lines = [_line(t.vm_name, done.get(t.vm_id), None) for t in plan_of(row).targets]
        return [Tree(tuple(lines))]
    return [Paragraph(row.result or _last_why(events) or "Nothing was changed.")]


def outcomes(events: Sequence[Event]) -> dict[str, Mapping[str, object]]:
    """What became of each VM so far, by VM id."""
    return {str(e.detail["vm_id"]): e.detail for e in events if e.event == "outcome"}


def _last_why(events: Sequence[Event]) -> str:
    why = events[-1].why if events else ""
    return f"{why[:1].upper()}{why[1:]}. Nothing was changed." if why else ""


def _origin(row: ChangeRow, events: Sequence[Event]) -> str:
    bits = [f"asked by {row.person_name}"]
    queued = [e for e in events if e.event == ChangeState.QUEUED and e.by != "bot"]
    bits += [e.why for e in queued]
    if row.state == ChangeState.AWAITING and row.expires_at is not None:
        if _awaits(events) == "approval":
            bits.append("needs a second person's approval")
        bits.append(f"open until {_clock(row.expires_at)}")
    bits.append(f"change {short_id(row.id)}")
    return " · ".join(bits)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"
