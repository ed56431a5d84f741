"""Tables, tables of data, and charts."""

from __future__ import annotations

from bot.slack.render.limits.composition import ID
from bot.slack.render.limits.elements import BUTTON
from bot.slack.render.limits.rich_text import RICH_TEXT
from bot.slack.render.limits.schema import array, both, nullable, objects, shape, typed
from bot.slack.render.limits.values import Check, Json, Problems, boolean, integer, number, one_of, string

CELLS_TOGETHER = {"table": 10_000, "data_table": 20_000}
"""Characters in all cells of all such blocks of a message."""

_TEXT = shape({"text": string()})
_CELLS: dict[str, Check] = {"raw_text": _TEXT, "raw_number": shape({"value": number()}, {"text": string()})}
_COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})
TABLE: dict[str, Check] = {
    "table": shape(
        {"rows": array(array(typed({**_CELLS, "rich_text": RICH_TEXT}), 20), 100)},
        {"block_id": ID, "column_settings": array(nullable(_COLUMN), 20, least=0)},
    )
}
_DATA_CELLS: dict[str, Check] = {
    "raw_text": _TEXT,
    "raw_number": shape({"value": number(), "text": string()}),
    "rich_text": RICH_TEXT,
    "action_cell": shape({"element": typed({"button": BUTTON})}, {"fallback": typed({"raw_text": _TEXT})}),
}


def _even_rows(block: Json, pointer: str, problems: Problems) -> None:
    """All rows are as wide as the first, and the head of the table is plain."""
    head, *rows = block["rows"]
    for position, row in enumerate(rows, start=1):
        if len(row) != len(head):
            problems.at(f"{pointer}/rows/{position}", "all rows must have the same number of columns")
    for position, cell in enumerate(head):
        if cell["type"] not in ("raw_text", "raw_number"):
            problems.at(f"{pointer}/rows/0/{position}/type", f"unsupported type: {cell['type']}")


DATA_TABLE: dict[str, Check] = {
    "data_table": both(
        shape(
            {"caption": string(), "rows": array(array(typed(_DATA_CELLS), 20), 201, least=2)},
            {"block_id": ID, "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
        ),
        _even_rows,
    )
}


def cells_together(blocks: list[Json], kind: str) -> int:
    """Characters in the cells of all blocks of this kind, those inside containers too."""
    tables = [part for part in objects(blocks) if part.get("type") == kind and isinstance(part.get("rows"), list)]
    return sum(
        len(part["text"]) for part in objects([one["rows"] for one in tables]) if isinstance(part.get("text"), str)
    )
