"""Blocks of 2026 and menus, as Slack takes them: pure, and of parts that fit already.

Older servers refuse some of them, so each has a plainer form: see `Form`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from commands.base import Button, Chart, Figure, Progress, Reply, Table, Task

Block = dict[str, object]

MAX_POINTS, MAX_POINT_LABEL, MAX_CHART_TITLE = 20, 20, 50
MAX_CAPTION = 150
MAX_DATA_ROWS, PAGE = 201, 10
MAX_CHOICES, MAX_PICKED, MAX_OPTION, MAX_OPTION_VALUE = 5, 100, 75, 150

MAX_TASKS = 50
"""Slack publishes no limit; twelve and more were seen to be taken."""

_REST = 100
"""Characters kept free for the task that counts the rest."""

_TOLD: Mapping[str, str] = {"error": "not done", "in_progress": "under way", "pending": "waiting", "complete": "done"}
"""The states of tasks in words. Which comes first is what people look for first."""

MENU, PICK, ENTRY = "menu", "pick", "entry"
"""What the action ids of a menu, a choice of several and a line to type in say in place of an action."""


class Form(StrEnum):
    """How new the blocks are that a message is made of."""

    NEW = "new"
    """With charts, tables that fold and tables that can be sorted."""
    USUAL = "usual"
    """With tables and menus."""
    PLAIN = "plain"
    """With text and buttons alone."""


def forms(reply: Reply) -> tuple[Form, ...]:
    """The forms in which a message differs, the newest first."""
    new = any(isinstance(part, Chart | Progress) or (isinstance(part, Table) and part.title) for part in reply.parts)
    return tuple(Form) if new else (Form.USUAL, Form.PLAIN)


def plain(text: str) -> Block:
    """Text that Slack does not parse."""
    return {"type": "plain_text", "text": text, "emoji": False}


def chart(block_id: str, one: Chart) -> Block | None:
    """A line; None for less than two points."""
    points = one.points[-MAX_POINTS:]
    if len(points) < 2:
        return None
    labels = [label[:MAX_POINT_LABEL] or "–" for label, _ in points]
    data = [{"label": label, "value": round(value, 2)} for label, (_, value) in zip(labels, points, strict=True)]
    axes = {"categories": labels, "y_label": one.unit[:MAX_CHART_TITLE] or "–"}
    series = [{"name": one.unit[:MAX_POINT_LABEL] or "–", "data": data}]
    return {
        "type": "data_visualization",
        "block_id": block_id,
        "title": one.title[:MAX_CHART_TITLE] or "–",
        "chart": {"type": "line", "series": series, "axis_config": axes},
    }


def plan(block_id: str, progress: Progress) -> Block:
    """A list of tasks, each with its state."""
    tasks: list[Block] = []
    for number, one in enumerate(progress.tasks):
        task: Block = {"task_id": f"{number}-{one.id}", "title": one.title, "status": one.status}
        if one.detail:
            words = {"type": "rich_text_section", "elements": [{"type": "text", "text": one.detail}]}
            task["details"] = {"type": "rich_text", "elements": [words]}
        tasks.append(task)
    return {"type": "plan", "block_id": block_id, "title": progress.title, "tasks": tasks}


def fitting(tasks: Sequence[Task], room: int) -> list[Task]:
    """All of them; or what went wrong first, as many as have room, and a last one that counts the others. Empty where
    not even one has."""
    if len(tasks) <= MAX_TASKS and sum(map(task_size, tasks)) <= room:
        return list(tasks)
    first = sorted(tasks, key=lambda one: list(_TOLD).index(one.status))
    kept, room = 0, room - _REST
    while kept < min(len(first), MAX_TASKS - 1) and task_size(first[kept]) <= room:
        room -= task_size(first[kept])
        kept += 1
    return [*first[:kept], _rest(first[kept:])] if kept else []


def task_size(one: Task) -> int:
    return len(one.title) + len(one.detail)


def _rest(tasks: Sequence[Task]) -> Task:
    counted = Counter(one.status for one in tasks)
    told = ", ".join(f"{times:,} {_TOLD[status]}" for status, times in counted.items())
    return Task("rest", f"… and {len(tasks):,} more: {told}", tasks[0].status)


def folded(block_id: str, title: str, inner: Block) -> Block:
    """A container that is closed at first."""
    return {
        "type": "container",
        "block_id": block_id,
        "title": plain(title),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [inner],
    }


def data_table(block_id: str, caption: str, rows: Sequence[Sequence[str | Figure]]) -> Block:
    """A table that is sorted and leafed through by whoever reads it."""
    return {
        "type": "data_table",
        "block_id": block_id,
        "caption": caption,
        "page_size": PAGE,
        "rows": [[_cell(cell) for cell in row] for row in rows],
    }


def menu(action_id: str, choices: Sequence[Button]) -> Block:
    """The choices of a line. What is chosen says its action and its id."""
    options = [{"text": plain(one.label), "value": f"{one.action}:{one.value}"} for one in choices]
    return {"type": "overflow", "action_id": action_id, "options": options}


def pick(block_id: str, action_id: str, label: str, options: Sequence[tuple[str, str]], most: int) -> Block:
    """A field in which several are chosen; nothing is sent before a button is pressed."""
    entries = [{"text": plain(name), "value": value} for name, value in options]
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {
            "type": "multi_static_select",
            "action_id": action_id,
            "options": entries,
            "max_selected_items": most,
            "placeholder": plain("Choose …"),
        },
    }


def entry(block_id: str, action_id: str, label: str, most: int) -> Block:
    """A line to type in; nothing is sent before a button is pressed."""
    element = {"type": "plain_text_input", "action_id": action_id, "max_length": most}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}


def choice(value: str) -> tuple[str, str]:
    """The action and the id of what was chosen in a menu."""
    action, _, id = value.partition(":")
    return action, id


def _cell(cell: str | Figure) -> Block:
    if isinstance(cell, Figure):
        return {"type": "raw_number", "value": cell.value, "text": cell.text}
    return {"type": "raw_text", "text": cell}
