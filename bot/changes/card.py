"""The one message of a change: its card while it waits, its progress, its end. Values in, a `Reply` out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from bot.changes import approvals, verbs
from bot.changes.approvals import APPROVED
from bot.changes.merges import LINES, MERGED, vm_of
from bot.changes.outcome import OUTCOME, Outcome, outcomes
from bot.changes.permission import plan_of
from bot.ledger import TAKEN_OVER, ChangeRow, ChangeState, Event
from commands.base import (
    Actions,
    Button,
    Create,
    Footnote,
    Heading,
    Paragraph,
    Part,
    Plan,
    Points,
    Progress,
    Reply,
    Target,
    Task,
    Tree,
    unmarked,
)
from commands.kit.words import say_names, say_time, short_id, typed, with_unchanged

SIGNS: Mapping[ChangeState, str] = {
    ChangeState.REQUESTED: "⏳",
    ChangeState.AWAITING: "❓",
    ChangeState.DENIED: "⛔",
    ChangeState.REFUSED: "🚫",
    ChangeState.CANCELLED: "✖️",
    ChangeState.EXPIRED: "⌛",
    ChangeState.VOID: "⚠️",
    ChangeState.QUEUED: "⏳",
    ChangeState.RUNNING: "⏳",
    ChangeState.SUCCEEDED: "✅",
    ChangeState.FAILED: "❌",
    ChangeState.UNKNOWN: "❔",
}

OF_NO_USE = (
    *(ChangeState.DENIED, ChangeState.REFUSED, ChangeState.CANCELLED, ChangeState.EXPIRED, ChangeState.VOID),
    ChangeState.FAILED,
)
"""States in which nothing comes of it, so that nobody need be told what is to come."""

SHOWN = frozenset({*ChangeState, OUTCOME, *LINES, TAKEN_OVER, APPROVED})
"""The ledger's events that a card is made of."""

NO_WAITS: Mapping[str, str] = MappingProxyType({})

BAR = 10
FEW = 15
"""VMs of a group that a message surely has room for, each with what became of it."""
MOST_TOLD = 5
"""Merges that get a sentence each, and people who are addressed in a question."""
UNSEEN = (
    "Nobody but you sees this message, so nobody can approve it. Withdraw it, and ask in a channel that they and I are "
    "in: /invite brings me there."
)


def card(
    row: ChangeRow, events: Sequence[Event], progress: Mapping[str, int], waits: Mapping[str, str] = NO_WAITS
) -> Reply:
    """The message of a change as the ledger has it now. `progress` is VM id to percentage, and `waits` VM id to the
    sentence why nothing begins there yet."""
    parts: list[Part] = [Heading(f"{_sign(row, events)} {title(row)}")]
    match row.state:
        case ChangeState.AWAITING:
            parts += _question(row, events)
        case ChangeState.REQUESTED | ChangeState.QUEUED | ChangeState.RUNNING:
            parts += _under_way(row, events, progress, waits)
        case _:
            parts += _end(row, events)
    if row.state not in OF_NO_USE and row.plan is not None:
        parts += [Footnote(line) for line in row.plan.outlook]
    return Reply((*parts, Footnote(_origin(row, events))), shared=True)


def _sign(row: ChangeRow, events: Sequence[Event]) -> str:
    """What was done otherwise than asked is no plain success."""
    warned = row.state == ChangeState.SUCCEEDED and any(one.warning for one in outcomes(events))
    return "⚠️" if warned else SIGNS[row.state]


def title(row: ChangeRow) -> str:
    """The plan in one line, with the state where that is not plain: `Apply before-upgrade to web01: expired`."""
    line = summary(row)
    match row.state:
        case ChangeState.AWAITING:
            return f"{line}?"
        case ChangeState.SUCCEEDED | ChangeState.REQUESTED:
            return line
        case ChangeState.UNKNOWN:
            return f"{line}: outcome unknown"
        case _:
            return f"{line}: {row.state}"


def summary(row: ChangeRow) -> str:
    """The plan's own line, in which names stand out; the ledger's is plain."""
    line = row.plan.summary if row.plan else row.summary
    return line[:1].upper() + line[1:]


def _question(row: ChangeRow, events: Sequence[Event]) -> list[Part]:
    plan, awaits = plan_of(row), _awaits(events)
    lost = danger(plan)
    parts: list[Part] = [Paragraph(f"🛑 {lost}")] if lost else []
    parts += [Paragraph(f"✋ {brake}")] if (brake := approvals.braked(events)) else []
    parts += [Paragraph(f"⚠️ {caution}") for caution in plan.cautions if caution != lost]
    parts += [Paragraph("this is about what you want to keep.", to=(one,)) for one in plan.keepers[:MOST_TOLD]]
    parts += [Tree(plan.each)] if plan.each else []
    rest = tuple(one for one in plan.consequences if one != lost)
    parts += [Points(rest)] if rest else []
    parts += _asks(events)
    parts += [Paragraph(f"⚠️ {UNSEEN}")] if awaits == "approval" and _is_direct(row) else []
    yes = (
        Button("Approve", "approve", row.id, "danger", second_question(plan))
        if awaits == "approval"
        else _confirm(row, plan)
    )
    refuse = (Button("Refuse", "refuse", row.id),) if awaits == "approval" else ()
    no = Button("Withdraw" if awaits == "approval" else "Cancel", "cancel", row.id)
    parts.append(Actions((yes, *refuse, no, Button("Take over", "take_over", row.id))))
    return parts


def _asks(events: Sequence[Event]) -> list[Part]:
    """Those who may approve it are told of it by a mention."""
    asked = [one.detail["approvers"] for one in events if "approvers" in one.detail]
    ids = tuple(one for one in asked[-1] if isinstance(one, str)) if asked and isinstance(asked[-1], list) else ()
    return [Paragraph("please look at this, and approve it or refuse.", to=ids)] if ids else []


def _is_direct(row: ChangeRow) -> bool:
    """The message is between the bot and who asked: they asked there, or the bot could not post where they asked."""
    return row.message is not None and row.message.channel.startswith("D")


def _awaits(events: Sequence[Event]) -> str:
    return next((str(e.detail.get("awaits")) for e in events if e.event == ChangeState.AWAITING), "confirmation")


def _confirm(row: ChangeRow, plan: Plan) -> Button:
    risky = verbs.of(plan.verb).risky
    style: Literal["primary", "danger"] = "danger" if risky or plan.grave else "primary"
    return Button(plan.verb.capitalize(), "confirm", row.id, style, second_question(plan))


def danger(plan: Plan) -> str:
    """What stands first and in red: how much is lost, or else the first caution where much is at stake, or else what
    cannot be had back. Blocks know no colour but that of a red button and of an emoji."""
    if plan.stake:
        return f"{plan.stake} will be lost."
    return plan.cautions[0] if plan.grave and plan.cautions else plan.loss


def second_question(plan: Plan) -> str:
    """What is asked when the button is pressed, where much is at stake."""
    return f"{danger(plan)} Is that meant?".strip() if plan.grave else ""


def _under_way(
    row: ChangeRow, events: Sequence[Event], progress: Mapping[str, int], waits: Mapping[str, str]
) -> list[Part]:
    targets = plan_of(row).targets
    done = {o.vm_id: o for o in outcomes(events)}
    held_up = [f"⏸️ {waits[one.vm_id]}" for one in targets if one.vm_id in waits and one.vm_id not in done]
    parts: list[Part] = [*map(Paragraph, held_up[:MOST_TOLD])]
    if row.state == ChangeState.QUEUED:
        cancel = Actions((Button("Cancel", "cancel", row.id),))
        parts = [*(parts or [Paragraph("Waits for its turn.")]), cancel]
    elif not parts and not progress and len(targets) == 1:
        parts = [Paragraph("Under way …")]
    if len(targets) > 1:
        told = f"{_bar(len(done) * 100 // len(targets))} {len(done)} of {len(targets)} done"
        buttons = _each(row) if row.state == ChangeState.RUNNING else ()
        return [*parts, _progress(told, targets, done, progress), *([Actions(buttons)] if buttons else [])]
    return [*parts, Tree(_lines(targets, done, progress))] if progress else parts


def _progress(
    told: str, targets: Sequence[Target], done: Mapping[str, Outcome], progress: Mapping[str, int]
) -> Progress:
    """A group as one plan, with a task a VM."""
    titles = _titles(targets)
    tasks = (_task(one, titles[one.vm_id], done.get(one.vm_id), progress.get(one.vm_id)) for one in targets)
    return Progress(told, tuple(tasks), _lines(targets, done, progress))


def _titles(targets: Sequence[Target]) -> Mapping[str, str]:
    """What each is called, by its id: of two of one name, where it is."""
    twice = {name for name, times in Counter(t.vm_name for t in targets).items() if times > 1}
    return {t.vm_id: f"{t.vm_name} on {t.host}" if t.vm_name in twice else t.vm_name for t in targets}


def _each(row: ChangeRow) -> tuple[Button, ...]:
    """What became of every VM of a group for which a message may have no room: page by page."""
    if len(row.vms) <= FEW:
        return ()
    return (Button("Each VM", "page", unmarked(typed("history", "--change", short_id(row.id)))),)


def _task(target: Target, title: str, outcome: Outcome | None, percent: int | None) -> Task:
    """One VM of a group."""
    if outcome is not None:
        went: Literal["complete", "error"] = "complete" if outcome.state == ChangeState.SUCCEEDED else "error"
        return Task(target.vm_id, title, went, _told(outcome))
    if percent is not None:
        return Task(target.vm_id, title, "in_progress", f"{_bar(percent)} {percent} %")
    return Task(target.vm_id, title, "pending")


def _lines(targets: Sequence[Target], done: Mapping[str, Outcome], progress: Mapping[str, int]) -> tuple[str, ...]:
    """A line for each VM. What went wrong comes first, since a message has no room for all lines of a large group, and
    VMs of which the same is to be said share a line."""
    titles = _titles(targets)
    wrong: dict[tuple[ChangeState, str], list[str]] = {}
    rest: list[str] = []
    for target in targets:
        name, outcome, percent = titles[target.vm_id], done.get(target.vm_id), progress.get(target.vm_id)
        if outcome is not None and outcome.state != ChangeState.SUCCEEDED:
            wrong.setdefault((outcome.state, _told(outcome)), []).append(name)
        elif outcome is not None:
            rest.append(f"{SIGNS[outcome.state]} {name}: {outcome.sentence}")
        else:
            rest.append(f"⏳ {name}" if percent is None else f"⏳ {name} {_bar(percent)} {percent} %")
    return (*(f"{SIGNS[state]} {', '.join(names)}: {why}" for (state, why), names in wrong.items()), *rest)


def _bar(percent: int) -> str:
    filled = percent * BAR // 100
    return f"{'█' * filled}{'░' * (BAR - filled)}"


def _end(row: ChangeRow, events: Sequence[Event]) -> list[Part]:
    done = {o.vm_id: o for o in outcomes(events)}
    targets = plan_of(row).targets
    parts: list[Part]
    if len(targets) > 1 and done and row.state != ChangeState.CANCELLED:
        parts = [_progress(_count(done.values()), targets, done, {})]
    else:
        told = "\n".join(map(_told, done.values())) if len(targets) == 1 else ""
        parts = [Paragraph(told or row.result or _why(row, done.values()))]
    parts += _taken(row, done.values())
    parts += _merges(events, done.values())
    buttons = _next(row, done.values())
    return [*parts, Actions(buttons)] if buttons else parts


def _taken(row: ChangeRow, done: Collection[Outcome]) -> list[Part]:
    """Of a checkpoint that was taken: its short id, how long it is kept, and why it was taken; of several, how long."""
    action = plan_of(row).action
    taken = [o for o in done if o.checkpoint_id]
    if not isinstance(action, Create) or not taken or row.state != ChangeState.SUCCEEDED:
        return []
    until = [f"kept {_until(row, action, taken[0])}"] if action.keep or action.forever else []
    if len(done) > 1:
        return [Paragraph(f"They are {until[0]}.")] if until else []
    ids = [f"short id {short_id(str(taken[0].checkpoint_id))}"]
    return [Paragraph(" · ".join([*ids, *until, *([action.note] if action.note else [])]))]


def _until(row: ChangeRow, action: Create, taken: Outcome) -> str:
    if action.forever:
        return "for good"
    noted = taken.values.get("until")
    until = datetime.fromisoformat(str(noted)) if noted else row.created_at + timedelta(seconds=action.keep or 0)
    return f"until {say_time(until)}"


def _count(done: Collection[Outcome]) -> str:
    """How many of several went which way."""
    states = Counter(o.state for o in done)
    return ", ".join(f"{times} {state}" for state, times in states.items()) + "."


def _merges(events: Sequence[Event], done: Iterable[Outcome]) -> list[Part]:
    """How the merges after a delete stand: of each VM the last that was told. Those of a large group that went well are
    counted."""
    last = {vm_of(one): one for one in events if one.event in LINES}
    waiting = [one.vm_name for one in done if one.values.get("merging") and one.vm_id not in last]
    parts: list[Part] = [Paragraph(f"{_disks_of(waiting)} still to be merged, in the background.")] if waiting else []
    if len(last) <= MOST_TOLD:
        return [*(Paragraph(one.why) for one in last.values()), *parts]
    other = tuple(one.why for one in last.values() if one.event != MERGED)
    return [Paragraph(f"The disks of {len(last) - len(other)} VMs are merged."), Tree(other), *parts]


def _disks_of(vms: Sequence[str]) -> str:
    return f"The disks of {say_names(vms, most=MOST_TOLD)} are"


def _next(row: ChangeRow, done: Collection[Outcome]) -> tuple[Button, ...]:
    """What somebody may want to press after the end."""
    undo = any(o.safety_id for o in done)
    ended = {row.state, *(o.state for o in done)}
    ask = not ended.isdisjoint((ChangeState.VOID, ChangeState.EXPIRED)) and verbs.again(plan_of(row)) is not None
    buttons = (undo, Button("Undo", "undo", row.id)), (ask, Button("Ask again", "again", row.id))
    return (*(button for offered, button in buttons if offered), *_each(row))


def _told(outcome: Outcome) -> str:
    return with_unchanged(outcome.sentence, outcome.unchanged)


def _why(row: ChangeRow, done: Iterable[Outcome]) -> str:
    """Why a change without a result is in its state."""
    if row.state == ChangeState.UNKNOWN:
        looked = next((o.sentence for o in done), "")
        return looked or f"{_sentence(row.reason)} I go on looking at the host until it shows what happened."
    why = f"refused {row.reason}" if row.state == ChangeState.REFUSED else row.reason
    return with_unchanged(_sentence(why), True).strip()


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _origin(row: ChangeRow, events: Sequence[Event]) -> str:
    bits = [f"asked by {row.asked_name or row.person_name}"]
    bits += [e.why for e in events if e.event == TAKEN_OVER]
    bits += dict.fromkeys(e.why for e in events if e.event in (APPROVED, ChangeState.QUEUED) and e.by != "bot")
    if row.state == ChangeState.AWAITING and row.expires_at is not None:
        if _awaits(events) == "approval":
            bits.append(_approvals(row, events))
        bits.append(f"open until {say_time(row.expires_at)}")
    bits.append(f"change {short_id(row.id)}")
    return " · ".join(bits)


def _approvals(row: ChangeRow, events: Sequence[Event]) -> str:
    """What it needs yet."""
    needed = approvals.needed(events)
    if needed < 2:
        return "needs a second person's approval"
    return f"approved by {len(approvals.approvers(row, events))} of {needed}"
