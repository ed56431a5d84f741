"""A `Reply` as Slack shows it: pure, within Slack's limits, and with no way for a name to become markup.

Text goes into plain_text, rich_text and raw_text elements, none of which Slack parses, so `<!channel>` in the name of a
VM stays eleven harmless characters. Slack parses two kinds of line alone: small print with a moment in it, and what has
a button or a menu beside it and a name in it; they are escaped, and rich text where anything in them could be taken for
markup. A name inside a sentence stands out by a style of its own, and so does a command to type. What does not fit is
cut, and the message says how much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite

from bot.slack.render import newer
from bot.slack.render.newer import Block, Form
from bot.slack.render.newer import plain as _plain
from commands.base import (
    Actions,
    Button,
    Chart,
    Entry,
    Figure,
    Footnote,
    Heading,
    Item,
    Paragraph,
    Part,
    Pick,
    Points,
    Progress,
    Reply,
    Table,
    Tree,
    is_marked,
    runs,
    unmarked,
)

MAX_BLOCKS = 45
"""Slack takes 50 in a message; five are left for what a later version of Slack or of this bot adds."""

MAX_CHARS = 8_900
"""Of all blocks together. Slack answers `msg_blocks_too_long` at about 13,200, and earlier for rich_text."""

MAX_TEXT = 3_500
"""Of the fallback text, after escaping. Slack recommends at most 4,000."""

MAX_HEADER, MAX_SECTION, MAX_CONTEXT = 150, 3_000, 2_000
MAX_BUTTONS, MAX_LABEL, MAX_VALUE, MAX_ACTION_ID = 25, 75, 2_000, 255
MAX_ROWS, MAX_COLUMNS = 100, 20
WIDE = 40
"""Characters of a cell from which its column is folded into lines, instead of out of sight."""
MAX_QUESTION = 300

_NOTE = 40
"""Characters kept free for a note of the kind `… and 1,204 more characters`."""

_STYLES: Mapping[str, Mapping[str, bool]] = {"name": {"bold": True}, "command": {"code": True}}
_IN_HEADING: Mapping[str, Mapping[str, bool]] = {
    "": {"bold": True},
    "command": {"bold": True},
    "name": {"bold": True, "code": True},
}
"""Where all words are bold, a name needs another style to stand out."""

DATE_FORM = "{date_short_pretty} {time}"
FIRST_YEAR = 1970

_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC)")
_MARKUP = re.compile(r"[*_~`]|:[^\s:]+:|^\s*>", re.MULTILINE)
"""What Slack would style, or take for an emoji: none of it has an escape."""

_ACTION_ID = re.compile(r"bot\.(.+)\.\d+", re.DOTALL)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2067\ud800-\udfff]")
"""Control characters, lone surrogates, and the marks that make text read backwards: a name could lie with them."""


class NotRenderable(Exception):
    """A reply holds what Slack could not give back as it was: a defect of whoever made it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What goes into `text` and `blocks` of one message."""

    text: str
    blocks: list[Block]


def render(reply: Reply, new_id: Callable[[], str], form: Form = Form.NEW) -> Rendered:
    """The message for `reply`.

    `new_id` gives a block id that no message had before: Slack asks for new ones at every update. A plainer `form` is
    for a server that does not know the newer blocks. Buttons are placed first, then headings, sentences, and last the
    long parts, so that a long list cannot push the buttons out.

    Raises `NotRenderable` for a button whose value is longer than Slack keeps.
    """
    page = _Page(new_id, form)
    drawn: dict[int, list[Block]] = {}
    lost: list[int] = []
    for index in sorted(range(len(reply.parts)), key=lambda i: (_rank(reply.parts[i]), i)):
        blocks = page.draw(reply.parts[index])
        if blocks is None:
            lost.append(index)
        else:
            drawn[index] = blocks
    if lost:
        drawn[min(lost)] = [page.context(f"… and {len(lost)} more")]
    return Rendered(plain_text(reply), [block for index in sorted(drawn) for block in drawn[index]])


def plain_text(reply: Reply) -> str:
    """The readable content for notifications, screen readers and search, with nothing in it that Slack would parse."""
    labels = (b.label for part in reply.parts if isinstance(part, Actions | Item | Pick) for b in part.buttons)
    text = clean(reply.text).strip() or " / ".join(map(clean, labels)).strip() or "(nothing to show)"
    escaped = escape(text)
    while len(escaped) > MAX_TEXT:
        text = text[: len(text) - max(1, (len(escaped) - MAX_TEXT) // 5)]
        escaped = escape(text) + " … (shortened)"
    return escaped


def escape(text: str) -> str:
    """`text` with Slack's three control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """`text` without characters that are unseen or turn the reading direction."""
    return unmarked(_seen(text))


def _seen(text: str) -> str:
    """The same, with the marks around names."""
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def action_of(action_id: str) -> str | None:
    """The action that a button of this bot stands for; None for an id that `render` never gave."""
    match = _ACTION_ID.fullmatch(action_id)
    return match.group(1) if match else None


def paragraph(text: str) -> Block:
    """A sentence with the names and commands in it in styles of their own."""
    elements = _styled(_cut(_seen(text), MAX_SECTION), _STYLES)
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


class _Page:
    """The room that is left in a message, and what is drawn into it."""

    def __init__(self, new_id: Callable[[], str], form: Form) -> None:
        self._new_id = new_id
        self._form = form
        self._tables = 0 if form is Form.PLAIN else 1  # Slack takes one table block in a message
        self._charts = 2 if form is Form.NEW else 0
        self._plans = 1 if form is Form.NEW else 0
        self._blocks = MAX_BLOCKS - 1
        self._chars = MAX_CHARS - _NOTE
        self._buttons = 0

    def draw(self, part: Part) -> list[Block] | None:  # noqa: PLR0911 - one for each kind
        """The blocks of a part, or None when there is no room for it. A part with nothing in it has no blocks."""
        match part:
            case Heading() | Paragraph() | Footnote():
                return self._sentence(part)
            case Tree(lines):
                return self._lines([clean(line) for line in lines], "lines")
            case Points(lines):
                return self._points(lines)
            case Progress():
                return self._progress(part)
            case Table():
                return self._table(part)
            case Item():
                return self._item(part)
            case Chart():
                return self._chart(part)
            case Pick():
                return self._pick(part)
            case Entry():
                return self._entry(part)
            case Actions(buttons):
                return self._actions(buttons)

    def context(self, text: str) -> Block:
        """One line. Where a moment is in it, Slack parses that, as the bot writes it: beside words that it could take
        for markup too, the line is rich text, which nothing is parsed in and which is not small."""
        moments = any(at is not None for _, at in _moments(text))
        line = _parsed(text, MAX_CONTEXT) if moments else _plain(text)
        if line is None:
            return self._rich("rich_text_section", _styled(text, {}))
        return {"type": "context", "block_id": self._new_id(), "elements": [line]}

    def _header(self, text: str) -> Block:
        """A header block knows no styles, so a heading with a name in it is a bold line."""
        line = " ".join(text.split())
        if is_marked(line):
            return self._rich("rich_text_section", _styled(line, _IN_HEADING))
        return {"type": "header", "block_id": self._new_id(), "text": _plain(line)}

    def _rich(self, kind: str, elements: Sequence[Block]) -> Block:
        inner = {"type": kind, "elements": list(elements)}
        return {"type": "rich_text", "block_id": self._new_id(), "elements": [inner]}

    def _sentence(self, part: Heading | Paragraph | Footnote) -> list[Block] | None:
        limit = {Heading: MAX_HEADER, Paragraph: MAX_SECTION, Footnote: MAX_CONTEXT}[type(part)]
        text = _seen(part.text)
        if not unmarked(text).strip():
            return []
        text = _cut(text, min(limit, max(self._chars, _NOTE)))
        if not self._take(1, len(text)):
            return None
        match part:
            case Heading():
                return [self._header(text)]
            case Paragraph(code=True):
                return [self._rich("rich_text_section", [_text(unmarked(text), {"code": True})])]
            case Paragraph():
                return [self._rich("rich_text_section", [*_addressed(part.to), *_styled(text, _STYLES)])]
            case Footnote():
                return [self.context(unmarked(text))]

    def _lines(self, lines: Sequence[str], unit: str) -> list[Block] | None:
        if not "".join(lines).strip():
            return []
        text = _fit(lines, self._chars, unit)
        return [self._rich("rich_text_preformatted", [_text(text)])] if text and self._take(1, len(text)) else None

    def _points(self, lines: Sequence[str]) -> list[Block] | None:
        kept = [" ".join(_seen(line).split()) for line in lines if unmarked(_seen(line)).strip()]
        text = _fit(kept, min(self._chars, MAX_SECTION), "lines") if kept else ""
        if not text:
            return None if kept else []
        if not self._take(1, len(text)):
            return None
        points = [{"type": "rich_text_section", "elements": _styled(line, _STYLES)} for line in text.split("\n")]
        inner = {"type": "rich_text_list", "style": "bullet", "elements": points}
        return [{"type": "rich_text", "block_id": self._new_id(), "elements": [inner]}]

    def _progress(self, part: Progress) -> list[Block] | None:
        """A plan where the server has it, and lines else."""
        cleaned = [replace(t, title=clean(t.title).strip() or "–", detail=clean(t.detail).strip()) for t in part.tasks]
        title = clean(part.title).strip() or "–"
        tasks = newer.fitting(cleaned, self._chars - len(title)) if self._plans else []
        if tasks and self._take(1, len(title) + sum(map(newer.task_size, tasks))):
            self._plans -= 1
            return [newer.plan(self._new_id(), replace(part, title=title, tasks=tuple(tasks)))]
        return self._lines([title, *map(clean, part.lines)], "lines")

    def _table(self, table: Table) -> list[Block] | None:
        rows = _even([table.columns, *table.rows])
        if not rows or not rows[0]:
            return []
        title = _cut(" ".join(clean(table.title).split()), newer.MAX_CAPTION)
        if self._tables and len(rows[0]) <= MAX_COLUMNS:
            most = newer.MAX_DATA_ROWS if self._form is Form.NEW and title and not table.folded else MAX_ROWS
            fitting = _fit_rows(rows, self._chars - len(title), most)
            if fitting and self._take(2, len(title) + sum(len(cell) for row in fitting for cell in row)):
                self._tables -= 1
                return self._titled(title, fitting, table)
        return self._lines([*([title] if title else []), *_columns(rows)], "rows")

    def _titled(self, title: str, rows: Sequence[list[str]], table: Table) -> list[Block]:
        """Where nothing folds, the title stands above."""
        if self._form is not Form.NEW or not title or len(rows) < 2:
            above = [self._rich("rich_text_section", [_text(title, {"bold": True})])] if title else []
            return [*above, self._table_block(rows)]
        if table.folded:
            return [newer.folded(self._new_id(), title, self._table_block(rows))]
        whole = len(rows) == 1 + len(table.rows)  # else the last one says how many there are more
        shown = [list(rows[0]), *(map(_figures, rows[1:], table.rows) if whole else rows[1:])]
        return [newer.data_table(self._new_id(), title, shown)]

    def _chart(self, chart: Chart) -> list[Block] | None:
        text = _cut(clean(chart.text), MAX_CONTEXT)
        if not text.strip():
            return []
        size = len(text) + sum(len(label) for label, _ in chart.points)
        cleaned = replace(chart, title=clean(chart.title), points=tuple((clean(label), v) for label, v in chart.points))
        drawn = newer.chart(self._new_id(), cleaned) if self._charts else None
        if drawn is None:
            return self._sentence(Paragraph(text))
        if not self._take(2, size):
            return None
        self._charts -= 1
        return [drawn, self.context(text)]

    def _pick(self, part: Pick) -> list[Block] | None:
        """A server that takes no menus gets the names alone: there, what to do is typed."""
        label = _cut(clean(part.label).strip() or "–", MAX_CONTEXT)
        named = [(_short(clean(name), newer.MAX_OPTION), value) for name, value in part.options[: newer.MAX_PICKED]]
        if not named or self._form is Form.PLAIN:
            return self._lines([label, *(name for name, _ in named)], "lines")
        if any(not 0 < len(value) <= newer.MAX_OPTION_VALUE for _, value in named):
            raise NotRenderable("an option says more than Slack keeps: its value must be an id")
        if not self._take(2, len(label) + sum(len(name) + len(value) for name, value in named) + _size(part.buttons)):
            return None
        self._buttons += 1
        action_id, most = f"bot.{newer.PICK}.{self._buttons}", min(part.most, len(named))
        field = newer.pick(self._new_id(), action_id, label, named, most)
        return [field, *([self._action_block(part.buttons)] if part.buttons else [])]

    def _entry(self, part: Entry) -> list[Block] | None:
        label = _cut(clean(part.label).strip() or "–", MAX_CONTEXT)
        if self._form is Form.PLAIN:
            return self._sentence(Paragraph(label))
        if not self._take(1, len(label)):
            return None
        self._buttons += 1
        return [newer.entry(self._new_id(), f"bot.{newer.ENTRY}.{self._buttons}", label, part.most)]

    def _table_block(self, rows: Sequence[Sequence[str]]) -> Block:
        cells = [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]
        wide = [max(map(len, column)) > WIDE for column in zip(*rows, strict=True)]
        columns = {"column_settings": [{"is_wrapped": True} if one else None for one in wide]} if any(wide) else {}
        return {"type": "table", "block_id": self._new_id(), "rows": cells, **columns}

    def _item(self, item: Item) -> list[Block] | None:
        text = _cut(_seen(f"{item.text}\n{item.detail}").strip() or "–", MAX_SECTION)
        menu = item.choices[: newer.MAX_CHOICES] if self._form is not Form.PLAIN and len(item.choices) > 1 else ()
        buttons = item.buttons if menu else (*item.buttons, *item.choices)
        words = _parsed(text, MAX_SECTION) if is_marked(text) else _plain(text)
        beside = len(buttons) + bool(menu) == 1 and words is not None
        groups = [] if beside else _groups(buttons)
        alone = bool(menu) and not beside
        if not self._take(1 + len(groups) + alone, len(text) + _size((*buttons, *menu))):
            return None
        top = self._rich("rich_text_section", _styled(text, _STYLES))
        if not is_marked(text) or beside:
            top = {"type": "section", "block_id": self._new_id(), "text": words}
        if beside:
            top["accessory"] = self._menu(menu) if menu else self._button(buttons[0])
        below = [self._action_block(group) for group in groups]
        if alone:
            below.append({"type": "actions", "block_id": self._new_id(), "elements": [self._menu(menu)]})
        return [top, *below]

    def _menu(self, choices: Sequence[Button]) -> Block:
        if any(len(f"{one.action}:{one.value}") > newer.MAX_OPTION_VALUE for one in choices):
            raise NotRenderable("a choice says more than Slack keeps: its value must be an id")
        self._buttons += 1
        return newer.menu(f"bot.{newer.MENU}.{self._buttons}", [replace(one, label=_label(one)) for one in choices])

    def _actions(self, buttons: Sequence[Button]) -> list[Block] | None:
        groups = _groups(buttons)
        if not self._take(len(groups), _size(buttons)):
            return None
        return [self._action_block(group) for group in groups]

    def _action_block(self, buttons: Iterable[Button]) -> Block:
        return {"type": "actions", "block_id": self._new_id(), "elements": [self._button(b) for b in buttons]}

    def _button(self, button: Button) -> Block:
        action_id = f"bot.{button.action}.{self._buttons}"
        if len(button.value) > MAX_VALUE or len(action_id) > MAX_ACTION_ID:
            raise NotRenderable(
                f"the button {button.action[:40]!r} says more than Slack keeps: its value must be an id"
            )
        self._buttons += 1
        block: Block = {"type": "button", "action_id": action_id, "text": _plain(_label(button))}
        if button.value:
            block["value"] = button.value
        if button.style:
            block["style"] = button.style
        if button.confirm:
            block["confirm"] = _second_question(button)
        return block

    def _take(self, blocks: int, chars: int) -> bool:
        if blocks > self._blocks or chars > self._chars:
            return False
        self._blocks -= blocks
        self._chars -= chars
        return True


def _rank(part: Part) -> int:
    match part:
        case Actions():
            return 0
        case Heading() | Table(whole=True):
            return 1
        case Paragraph() | Footnote() | Chart() | Pick() | Entry():
            return 2
        case _:
            return 3


def _addressed(ids: Sequence[str]) -> list[Block]:
    """Mentions, which tell people and groups of the message."""
    pieces: list[Block] = []
    for one in ids:
        group = one.startswith("S")
        mention: Block = {"type": "usergroup", "usergroup_id": one} if group else {"type": "user", "user_id": one}
        pieces += [_text(" " if pieces else ""), mention]
    return [*pieces[1:], _text(": ")] if pieces else []


def _styled(text: str, styles: Mapping[str, Mapping[str, bool]]) -> list[Block]:
    """A sentence in pieces, each in the style of what it is."""
    pieces: list[Block] = []
    for piece, kind in runs(text):
        style = styles.get(kind)
        if kind:
            pieces.append(_text(piece, style))
        else:
            pieces += [_text(words, style) if at is None else _date(words, at, style) for words, at in _moments(piece)]
    return pieces


def _moments(text: str) -> Iterator[tuple[str, int | None]]:
    """The pieces of a sentence, with the seconds since 1970 where one is a moment as `say_time` writes it."""
    for number, piece in enumerate(_MOMENT.split(text)):
        if piece:
            yield piece, _seconds(piece) if number % 2 else None


def _seconds(moment: str) -> int | None:
    try:
        at = datetime.strptime(moment, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(at.timestamp()) if at.year >= FIRST_YEAR else None


def _date(text: str, at: int, style: Mapping[str, bool] | None) -> Block:
    """A moment in the zone of whoever reads it."""
    styled: Block = {"style": dict(style)} if style else {}
    return {"type": "date", "timestamp": at, "format": DATE_FORM, "fallback": text, **styled}


def _parsed(text: str, most: int) -> Block | None:
    """A sentence for a place that takes no rich text, such as beside a menu: Slack parses it, names are bold and
    moments are dates. None where words in it could be taken for markup too, since none of that has an escape."""
    pieces = list(runs(text))
    words = [piece if kind else "".join(p for p, at in _moments(piece) if at is None) for piece, kind in pieces]
    apart = all(_stands_apart(pieces, n) for n, (_, kind) in enumerate(pieces) if kind)
    if not apart or any(map(_MARKUP.search, words)) or _MARKUP.search("".join(words)):
        return None
    marked = "".join(_in_markup(piece, kind) for piece, kind in pieces)
    return {"type": "mrkdwn", "text": marked, "verbatim": True} if len(marked) <= most else None


def _stands_apart(pieces: Sequence[tuple[str, str]], n: int) -> bool:
    """Whether Slack styles this piece: neither a letter before or after it, nor a space at its ends."""
    piece = pieces[n][0]
    before, after = pieces[n - 1][0][-1:] if n else "", pieces[n + 1][0][:1] if n + 1 < len(pieces) else ""
    return piece == piece.strip() and "\n" not in piece and not before.isalnum() and not after.isalnum()


def _in_markup(piece: str, kind: str) -> str:
    if kind:
        sign = "*" if kind == "name" else "`"
        return f"{sign}{escape(piece)}{sign}"
    return "".join(escape(words) if at is None else _date_markup(words, at) for words, at in _moments(piece))


def _date_markup(text: str, at: int) -> str:
    return f"<!date^{at}^{DATE_FORM}|{text}>"


def _text(text: str, style: Mapping[str, bool] | None = None) -> Block:
    return {"type": "text", "text": text, **({"style": dict(style)} if style else {})}


def _second_question(button: Button) -> Block:
    """Asked by Slack itself when the button is pressed."""
    return {
        "title": _plain("Are you sure?"),
        "text": _plain(_cut(clean(button.confirm), MAX_QUESTION)),
        "confirm": _plain("Yes"),
        "deny": _plain("No"),
        "style": "danger",
    }


def _label(button: Button) -> str:
    """The label, shortened in the middle: the ends tell names apart."""
    return _short(clean(button.label), MAX_LABEL) if clean(button.label).strip() else button.action


def _short(text: str, most: int) -> str:
    text = " ".join(text.split()) or "–"
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[head + 1 - most :]}"


def _figures(texts: Sequence[str], row: Sequence[str | Figure]) -> list[str | Figure]:
    """A row with its numbers as numbers; a short row was filled up."""
    cells = [*row, *texts[len(row) :]]
    return [
        replace(cell, text=text) if isinstance(cell, Figure) and isfinite(cell.value) else text
        for text, cell in zip(texts, cells, strict=True)
    ]


def _size(buttons: Iterable[Button]) -> int:
    return sum(len(_label(b)) + len(b.value) for b in buttons)


def _groups(buttons: Sequence[Button]) -> list[Sequence[Button]]:
    return [buttons[at : at + MAX_BUTTONS] for at in range(0, len(buttons), MAX_BUTTONS)]


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = text[: limit - _NOTE]
    return f"{kept}… and {len(text) - len(kept):,} more characters"


def _fit(lines: Sequence[str], limit: int, unit: str) -> str:
    """As many lines as `limit` characters hold, and a last one that says how many there are more."""
    text = "\n".join(lines)
    if len(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - _NOTE
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept:
        return _cut(lines[0], limit) if limit > 2 * _NOTE else ""
    return "\n".join([*kept, f"… and {len(lines) - len(kept):,} more {unit}"])


def _even(rows: Iterable[Sequence[str | Figure]]) -> list[list[str]]:
    """Rows of one width. An empty cell gets a dash: Slack refuses a message with an empty one."""
    texts = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in rows]
    cells = [[clean(cell) if cell.strip() else "–" for cell in row] for row in texts]
    width = max((len(row) for row in cells), default=0)
    return [row + ["–"] * (width - len(row)) for row in cells]


def _fit_rows(rows: Sequence[list[str]], limit: int, most: int = MAX_ROWS) -> list[list[str]]:
    """As many rows as the block and `limit` characters hold; none when not even the first row fits."""
    sizes = [sum(map(len, row)) for row in rows]
    if len(rows) <= most and sum(sizes) <= limit:
        return list(rows)
    kept, room = 0, limit - _NOTE - len(rows[0])
    while kept < min(len(rows), most - 1) and sizes[kept] <= room:
        room -= sizes[kept]
        kept += 1
    if kept < 2:
        return []
    note = [f"… and {len(rows) - kept:,} more rows", *["–"] * (len(rows[0]) - 1)]
    return [*rows[:kept], note]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with their columns under each other; a column is padded to at most 40."""
    flat = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [min(40, max(map(len, column))) for column in zip(*flat, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in flat]
