"""Blocks that hold others or stand for a task: alerts, cards, containers, plans."""

from __future__ import annotations

from bot.slack.render.limits.composition import ID, IMAGE, plain, text
from bot.slack.render.limits.elements import BUTTON, CONTEXT_ACTIONS
from bot.slack.render.limits.rich_text import RICH_TEXT
from bot.slack.render.limits.schema import any_of, array, both, shape, typed
from bot.slack.render.limits.values import Check, Json, Problems, boolean, one_of, string, url


def _one_icon(card: Json, pointer: str, problems: Problems) -> None:
    if "icon" in card and "slack_icon" in card:
        problems.at(pointer, "must define only one of `icon` or `slack_icon`")


_ICON = typed({"image": IMAGE})
CARD: dict[str, Check] = {
    "card": both(
        shape(
            {},
            {
                "block_id": ID,
                "hero_image": _ICON,
                "icon": _ICON,
                "slack_icon": typed({"icon": shape({"name": string()})}),
                "title": text(150),
                "subtitle": text(150),
                "body": text(200),
                "subtext": text(200),
                "actions": array(typed({"button": BUTTON}), 3),
            },
        ),
        any_of("hero_image", "title", "actions", "body"),
        _one_icon,
    )
}
CAROUSEL: dict[str, Check] = {"carousel": shape({"elements": array(typed(CARD), 10)}, {"block_id": ID})}
ALERT: dict[str, Check] = {
    "alert": shape(
        {"text": text(200)}, {"block_id": ID, "level": one_of("default", "info", "warning", "error", "success")}
    )
}
CONTEXT_ACTION: dict[str, Check] = {
    "context_actions": shape({"elements": array(typed(CONTEXT_ACTIONS), 5)}, {"block_id": ID})
}
_SOURCE = typed({"url": shape({"url": url(), "text": string()})})


def _task(*statuses: str) -> Check:
    return shape(
        {"task_id": string(), "title": string()},
        {
            "block_id": ID,
            "status": one_of(*statuses),
            "details": typed({"rich_text": RICH_TEXT}),
            "output": typed({"rich_text": RICH_TEXT}),
            "sources": array(_SOURCE),
        },
    )


_RUNNING = ("in_progress", "complete", "error")
TASKS: dict[str, Check] = {
    "plan": shape({"title": string()}, {"block_id": ID, "tasks": array(_task("pending", *_RUNNING), 50)}),
    "task_card": _task(*_RUNNING),
}


def container(children: dict[str, Check]) -> dict[str, Check]:
    """A container of blocks of these kinds."""
    return {
        "container": both(
            shape(
                {"child_blocks": array(typed(children), 10)},
                {
                    "block_id": ID,
                    "title": plain(150),
                    "rich_text_title": typed({"rich_text": RICH_TEXT}),
                    "subtitle": text(150),
                    "width": one_of("narrow", "standard", "wide", "full"),
                    "icon": _ICON,
                    "is_collapsible": boolean,
                    "default_collapsed": boolean,
                    "has_header_divider": boolean,
                },
            ),
            any_of("title", "rich_text_title"),
            _folds,
        )
    }


def _folds(block: Json, pointer: str, problems: Problems) -> None:
    if block.get("default_collapsed") and not block.get("is_collapsible"):
        problems.at(f"{pointer}/default_collapsed", "must define `is_collapsible` to use `default_collapsed`")
    if block.get("has_header_divider") and block.get("is_collapsible"):
        problems.at(f"{pointer}/has_header_divider", "must not be used with `is_collapsible`")
