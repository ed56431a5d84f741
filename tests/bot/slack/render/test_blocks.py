"""How replies look in Slack: within its limits, and with names that stay names."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.render.blocks import MAX_BLOCKS, MAX_TEXT, Block, NotRenderable, Rendered, action_of, render
from bot.slack.render.limits import refused_content
from bot.slack.render.newer import Form, choice
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
    Task,
    Tree,
    name,
    say,
)
from commands.kit.words import typed
from tests.support.markup import stray

numbers = itertools.count()


def new_id() -> str:
    return f"block-{next(numbers)}"


def rendered(*parts: Part, form: Form = Form.NEW) -> Rendered:
    return render(Reply(parts), new_id, form)


def walk(value: object) -> Iterator[dict[str, object]]:
    """Every object inside."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def shown(blocks: list[Block]) -> str:
    """All the text a person reads, in order."""
    return "\n".join(str(o["text"]) for o in walk(blocks) if isinstance(o.get("text"), str))


def test_each_part_has_its_block() -> None:
    message = rendered(
        Heading("web01"),
        Paragraph("Two checkpoints."),
        Tree(("before-upgrade", "└ after-upgrade")),
        Table(("VM", "Age"), (("web01", "3 days"),)),
        Item("before-upgrade", "3 days old", (Button("Delete", "delete", "c1", "danger"),)),
        Actions((Button("Confirm", "confirm", "7"), Button("Cancel", "cancel", "7"))),
        Footnote("Seen just now."),
    )
    assert [b["type"] for b in message.blocks] == [
        "header",
        "rich_text",
        "rich_text",
        "table",
        "section",
        "actions",
        "context",
    ]
    assert "before-upgrade" in message.text and "web01 | 3 days" in message.text


def test_a_name_cannot_call_the_channel_or_become_a_link() -> None:
    hostile = "<!channel> <https://evil.example|click> @here *bold* `code` & :tada:"
    message = rendered(
        Heading(hostile),
        Paragraph(hostile),
        Tree((hostile,)),
        Table((hostile,), ((hostile,),)),
        Item(hostile, hostile, (Button(hostile, "delete", "c1"),)),
        Footnote(hostile),
    )
    kinds = {o["type"] for o in walk(message.blocks) if "text" in o and isinstance(o["text"], str)}
    assert kinds <= {"plain_text", "text", "raw_text"}, "only elements that Slack does not parse"
    assert all(o["emoji"] is False for o in walk(message.blocks) if o.get("type") == "plain_text")
    assert "&lt;!channel&gt;" in message.text
    assert "<" not in message.text


def test_marks_that_turn_the_reading_direction_are_made_visible() -> None:
    message = rendered(Paragraph("delete \u202egpj.exe"))
    assert "\u202e" not in shown(message.blocks) + message.text
    assert "\ufffd" in shown(message.blocks)


def test_right_to_left_names_are_left_alone() -> None:
    assert "שרת־דואר" in shown(rendered(Paragraph("שרת־דואר")).blocks)


def test_a_long_label_is_shortened_in_the_middle() -> None:
    label = "Delete " + "x" * 60 + " on web01.contoso.example"
    (button,) = (
        o for o in walk(rendered(Actions((Button(label, "delete", "c1"),))).blocks) if o.get("type") == "button"
    )
    text = button["text"]
    assert isinstance(text, dict)
    assert len(text["text"]) == 75
    assert text["text"].startswith("Delete xxx") and text["text"].endswith("… on web01.contoso.example"[-12:])


def test_every_button_of_a_message_has_an_id_of_its_own_that_tells_its_action() -> None:
    items = [
        Item(f"checkpoint {n}", "", (Button("Delete", "delete", "c"), Button("Keep", "keep", "c"))) for n in range(5)
    ]
    buttons = [str(o["action_id"]) for o in walk(rendered(*items).blocks) if o.get("type") == "button"]
    assert len(set(buttons)) == 10
    assert {action_of(b) for b in buttons} == {"delete", "keep"}


@pytest.mark.parametrize("foreign", ["delete", "bot.delete", "x.delete.0", "bot..1", ""])
def test_an_id_of_another_shape_is_none_of_the_bots(foreign: str) -> None:
    assert action_of(foreign) is None


def test_a_long_list_says_how_much_is_missing_and_never_pushes_the_buttons_out() -> None:
    parts: list[Part] = [Heading("Stale checkpoints"), *(Item(f"checkpoint {n}", "old") for n in range(100))]
    message = rendered(*parts, Footnote("Seen just now."), Actions((Button("Confirm", "confirm", "7"),)))
    assert len(message.blocks) <= MAX_BLOCKS
    missing = 100 - sum(b["type"] == "section" for b in message.blocks)
    assert f"… and {missing} more" in shown(message.blocks)
    assert message.blocks[-1]["type"] == "actions"
    assert "Seen just now." in shown(message.blocks)


def test_a_long_tree_says_how_many_lines_are_missing() -> None:
    message = rendered(Tree(tuple(f"{n:04} " + "x" * 95 for n in range(200))))
    kept = shown(message.blocks).count("xxx\n")
    assert f"… and {200 - kept} more lines" in shown(message.blocks)


def test_a_long_sentence_says_how_many_characters_are_missing() -> None:
    assert "… and 2,040 more characters" in shown(rendered(Paragraph("x" * 5_000)).blocks)


def test_a_long_table_says_how_many_rows_are_missing() -> None:
    rows = tuple((f"vm{n:03}", "3 days") for n in range(250))
    (table,) = rendered(Table(("VM", "Age"), rows)).blocks
    assert isinstance(table["rows"], list)
    assert len(table["rows"]) == 100
    assert table["rows"][-1][0]["text"] == "… and 152 more rows"


def test_only_one_table_block_is_in_a_message_and_the_second_is_drawn_as_text() -> None:
    table = Table(("VM", "Age"), (("web01", "3 days"), ("db01", "")))
    first, second = rendered(table, table).blocks
    assert (first["type"], second["type"]) == ("table", "rich_text")
    assert shown([second]) == "VM     Age\nweb01  3 days\ndb01   –"


def test_tables_can_be_drawn_as_text_for_a_server_that_has_none() -> None:
    assert [b["type"] for b in rendered(Table(("VM",), (("web01",),)), form=Form.PLAIN).blocks] == ["rich_text"]


def test_a_reply_with_nothing_to_read_still_has_a_text() -> None:
    assert rendered().text == "(nothing to show)"
    assert rendered(Actions((Button("Confirm", "confirm", "7"),))).text == "Confirm"


def test_the_same_reply_gets_new_block_ids_each_time() -> None:
    reply = say("Done.")
    first, second = (render(reply, new_id).blocks[0]["block_id"] for _ in range(2))
    assert first != second


def test_a_value_that_slack_would_cut_is_refused_loudly() -> None:
    with pytest.raises(NotRenderable, match="must be an id"):
        rendered(Actions((Button("Confirm", "confirm", "x" * 2_001),)))


# ---------------------------------------------------------------- newer blocks, and their plainer forms

CHOICES = (Button("Keep 7 days", "keep", "c1"), Button("Delete", "delete", "c1", "danger"))
STALE = Table(("VM", "Age"), (("web01", Figure(12, "12 days")), ("db01", Figure(3, "3 days"))), "2 more")
CHART = Chart("Held", (("1 Nov", 40.04), ("2 Nov", 43.5)), "GB", "From 40 GB to 44 GB.")


def test_the_choices_of_a_line_are_a_menu_beside_it() -> None:
    (line,) = rendered(Item("before-upgrade of web01", "12 days", choices=CHOICES)).blocks
    menu = line["accessory"]
    assert isinstance(menu, dict)
    assert (menu["type"], action_of(menu["action_id"])) == ("overflow", "menu")
    assert [choice(option["value"]) for option in menu["options"]] == [("keep", "c1"), ("delete", "c1")]


def test_a_name_in_a_line_with_a_menu_beside_it_is_bold() -> None:
    (line,) = rendered(
        Item(f"{name('R&D <1>')} of {name('web01')}", "wanted until 2026-11-22 14:05 UTC", (), CHOICES)
    ).blocks
    date = "<!date^1795356300^{date_short_pretty} {time}|2026-11-22 14:05 UTC>"
    words = f"*R&amp;D &lt;1&gt;* of *web01*\nwanted until {date}"
    assert line["text"] == {"type": "mrkdwn", "text": words, "verbatim": True}
    assert isinstance(line["accessory"], dict) and line["accessory"]["type"] == "overflow"


@pytest.mark.parametrize(
    "text",
    [
        *(name("*web01*"), name("web_01"), name("~web01"), name("`web01`"), name(":tada:"), name(" web01")),
        *(f"no{name('web01')}", f"{name('web01')}s", f"{name('web01')}\n> quoted", f":{name('tada')}:"),
    ],
)
def test_where_slack_could_take_a_name_for_markup_the_line_is_not_parsed_and_the_menu_stands_below(text: str) -> None:
    line, below = rendered(Item(text, choices=CHOICES)).blocks
    assert (line["type"], below["type"]) == ("rich_text", "actions")
    assert [one["type"] for one in walk(below["elements"]) if "action_id" in one] == ["overflow"]


def test_for_an_old_server_the_choices_are_buttons() -> None:
    _, below = rendered(Item("web01", choices=CHOICES), form=Form.PLAIN).blocks
    assert [action_of(str(o["action_id"])) for o in walk(below) if o.get("type") == "button"] == ["keep", "delete"]


@pytest.mark.parametrize(
    ("part", "new", "usual", "plain"),
    [
        (replace(STALE, folded=True), ["container"], ["rich_text", "table"], ["rich_text"]),
        (STALE, ["data_table"], ["rich_text", "table"], ["rich_text"]),
        (CHART, ["data_visualization", "context"], ["rich_text"], ["rich_text"]),
        (Pick("Which?", (("a", "1"),), CHOICES, 9), ["input", "actions"], ["input", "actions"], ["rich_text"]),
    ],
)
def test_every_newer_block_has_plainer_forms(part: Part, new: list[str], usual: list[str], plain: list[str]) -> None:
    forms = {form: [block["type"] for block in rendered(part, form=form).blocks] for form in Form}
    assert forms == {Form.NEW: new, Form.USUAL: usual, Form.PLAIN: plain}
    says = [json.dumps(rendered(part, form=form).blocks) for form in Form]
    assert all(("2 more" in one and "12 days" in one) for one in says) or not isinstance(part, Table)
    assert all("From 40 GB to 44 GB." in one for one in says) or not isinstance(part, Chart)


def test_numbers_of_a_table_are_numbers_so_that_it_can_be_sorted() -> None:
    (table,) = rendered(STALE).blocks
    rows = table["rows"]
    assert isinstance(rows, list)
    assert rows[1][1] == {"type": "raw_number", "value": 12, "text": "12 days"}


def test_a_chart_has_a_point_for_each_category() -> None:
    drawn, words = rendered(CHART).blocks
    chart = drawn["chart"]
    assert isinstance(chart, dict)
    assert chart["axis_config"] == {"categories": ["1 Nov", "2 Nov"], "y_label": "GB"}
    assert chart["series"][0]["data"] == [{"label": "1 Nov", "value": 40.04}, {"label": "2 Nov", "value": 43.5}]
    assert shown([words]) == "From 40 GB to 44 GB."


# ---------------------------------------------------------------- any reply at all

names = st.text(max_size=120) | st.sampled_from(["<!channel>", "a" * 4_000, "\x00", "\ud800", " ", "\n", "&<>"])
buttons = st.builds(
    Button,
    names,
    st.sampled_from(["confirm", "delete", "keep"]),
    st.text(max_size=60) | st.just("v" * 2_000),
    st.sampled_from([None, "primary", "danger"]),
)
some_buttons = st.lists(buttons, max_size=30).map(tuple)
rows = st.lists(names, max_size=22).map(tuple)
cells = st.lists(names | st.builds(Figure, st.floats() | st.integers(0, 10**15), names), max_size=22).map(tuple)
titles = st.just("") | names
ids = st.text(min_size=1, max_size=60)
tasks = st.builds(Task, ids, names, st.sampled_from(["pending", "in_progress", "complete", "error"]), names)
choices = st.builds(Button, names, st.sampled_from(["delete", "keep"]), ids)
any_part = st.one_of(
    st.builds(Heading, names),
    st.builds(Paragraph, names, st.booleans()),
    st.builds(Tree, st.lists(names, max_size=150).map(tuple)),
    st.builds(Points, st.lists(names, max_size=40).map(tuple)),
    st.builds(Progress, names, st.lists(tasks, max_size=60).map(tuple), st.lists(names, max_size=60).map(tuple)),
    st.builds(Entry, names),
    st.builds(Table, rows, st.lists(cells, max_size=250).map(tuple), titles, st.booleans()),
    st.builds(Chart, names, st.lists(st.tuples(names, st.floats(0, 1e9)), max_size=40).map(tuple), names, names),
    st.builds(Item, names, names, some_buttons, st.lists(choices, max_size=7).map(tuple)),
    st.builds(Pick, names, st.lists(st.tuples(names, ids), max_size=130).map(tuple), some_buttons, st.integers(1, 40)),
    st.builds(Actions, some_buttons),
    st.builds(Footnote, names),
)
replies = st.builds(Reply, st.lists(any_part, max_size=70).map(tuple))


@settings(max_examples=150, deadline=None)
@given(replies, st.sampled_from(Form))
def test_any_reply_keeps_within_slacks_limits(reply: Reply, form: Form) -> None:
    message = render(reply, new_id, form)
    json.dumps(message.blocks).encode("utf-8")
    assert 0 < len(message.text) <= MAX_TEXT
    assert not set("<>") & set(message.text)
    assert refused_content(message.text, message.blocks, None) is None
    assert len(message.blocks) <= 45
    assert sum(len(str(o["text"])) for o in walk(message.blocks) if isinstance(o.get("text"), str)) <= 9_000
    kinds = [str(one.get("type")) for one in walk(message.blocks)]
    assert sum(kind in ("table", "data_table") for kind in kinds) <= (0 if form is Form.PLAIN else 1)
    assert form is Form.NEW or not {"data_table", "data_visualization", "container", "plan"} & set(kinds)
    assert form is not Form.PLAIN or not {"overflow", "input"} & set(kinds)
    for block in message.blocks:
        check(block)


def check(block: Block) -> None:
    """What the linter leaves open: no text is blank, and every button tells its action."""
    for inner in walk(block):
        if isinstance(inner.get("text"), str):
            assert str(inner["text"]).strip(), "Slack refuses a message with an empty text"
            assert inner["type"] in ("plain_text", "text", "raw_text", "raw_number", "mrkdwn")
    assert not stray(block)
    for button in (o for o in walk(block) if o.get("type") == "button"):
        assert action_of(str(button["action_id"]))


def styles(block: Block) -> list[tuple[str, tuple[str, ...]]]:
    """The pieces of a rich text block, and the styles of each."""
    return [
        (str(piece["text"]), tuple(sorted(piece.get("style", {}))))
        for piece in walk(block)
        if piece.get("type") == "text"
    ]


def test_a_name_in_a_sentence_is_bold_and_what_to_type_is_code() -> None:
    (block,) = rendered(Paragraph(f"Took {name('*note*')} of {name('<!channel>')}. {typed('list')} shows it.")).blocks
    assert styles(block) == [
        ("Took ", ()),
        ("*note*", ("bold",)),
        (" of ", ()),
        ("<!channel>", ("bold",)),
        (". ", ()),
        ("/checkpoint list", ("code",)),
        (" shows it.", ()),
    ]


def test_a_moment_is_shown_in_the_zone_of_whoever_reads_it() -> None:
    moment = "2026-11-22 14:05 UTC"
    name_of_one = name(moment)
    sentence, points, foot, more, unsafe, no_moment = rendered(
        Paragraph(f"{name_of_one} is kept until {moment}."),
        Points((f"Lost: all since {moment}",)),
        Footnote(f"asked by ada · open until {moment}"),
        Footnote(" ".join([moment] * 30)),
        Footnote(f"asked by *ada* · open until {moment}"),
        Footnote("2026-99-99 99:99 UTC"),
    ).blocks
    date = {"type": "date", "timestamp": 1795356300, "format": "{date_short_pretty} {time}", "fallback": moment}
    assert [one for one in walk(sentence) if one.get("type") == "date"] == [date]
    assert [one for one in walk(points) if one.get("type") == "date"] == [date]
    line = f"asked by ada · open until <!date^1795356300^{{date_short_pretty}} {{time}}|{moment}>"
    assert foot["elements"] == [{"type": "mrkdwn", "text": line, "verbatim": True}]
    assert [one for one in walk(unsafe) if one.get("type") == "date"] == [date]
    assert all(one.get("type") != "mrkdwn" for one in (*walk(more), *walk(unsafe), *walk(no_moment)))
    assert moment in rendered(Paragraph(f"until {moment}")).text


def test_a_group_is_a_plan_with_a_task_a_vm_and_lines_for_an_old_server() -> None:
    tasks = (Task("1", "web01", "complete", "Took x."), Task("2", "<!channel>", "pending"))
    part = Progress("1 of 2 done", tasks, ("✅ web01: Took x.", "⏳ <!channel>"))
    (plan,) = rendered(part).blocks
    assert plan["title"] == "1 of 2 done"
    assert [(one["title"], one["status"]) for one in walk(plan["tasks"]) if "task_id" in one] == [
        ("web01", "complete"),
        ("<!channel>", "pending"),
    ]
    for form in (Form.USUAL, Form.PLAIN):
        (lines,) = rendered(part, form=form).blocks
        assert shown([lines]) == "1 of 2 done\n✅ web01: Took x.\n⏳ <!channel>"


@pytest.mark.parametrize(("count", "detail"), [(50, ""), (51, ""), (500, ""), (50, "x" * 170), (50, "x" * 190)])
def test_of_a_large_group_what_went_wrong_is_first_and_the_rest_is_counted(count: int, detail: str) -> None:
    tasks = [Task(str(n), f"web{n:03}", "error" if n % 10 == 9 else "complete", detail) for n in range(count)]
    (plan,) = rendered(Progress("Done", tuple(tasks), ())).blocks
    shown_tasks = [one for one in walk(plan["tasks"]) if "task_id" in one]
    assert len(shown_tasks) <= 50
    if count == 50 and len(detail) < 175:
        assert [one["title"] for one in shown_tasks] == [one.title for one in tasks]
        return
    *first, rest = shown_tasks
    wrong = [one.title for one in tasks if one.status == "error"]
    assert [one["title"] for one in first][: len(wrong)] == wrong[: len(first)]
    assert rest["title"].startswith(f"… and {count - len(first)} more: ")
    assert rest["status"] == ("error" if len(first) < len(wrong) else "complete")


def test_a_name_in_a_heading_stands_out_from_its_bold_words() -> None:
    (block,) = rendered(Heading(f"Take {name('note')}?")).blocks
    assert styles(block) == [("Take ", ("bold",)), ("note", ("bold", "code")), ("?", ("bold",))]


def test_a_name_in_a_line_of_a_list_stands_out_and_keeps_its_button() -> None:
    keep = Button("Keep", "keep", "id")
    (line,) = rendered(Item(f"{name('web01')}: old", buttons=(keep,))).blocks
    assert line["text"] == {"type": "mrkdwn", "text": "*web01*: old", "verbatim": True}
    assert isinstance(line["accessory"], dict) and line["accessory"]["type"] == "button"

    line, buttons = rendered(Item(f"{name('web01')}: old", buttons=(keep, keep))).blocks
    assert styles(line)[0] == ("web01", ("bold",))
    assert buttons["type"] == "actions"


def test_a_column_of_long_words_is_folded_into_lines() -> None:
    rows = (("keep", "x" * 41), ("list", "y"))
    (block,) = rendered(Table(("Command", "What it does"), rows)).blocks
    assert block["column_settings"] == [None, {"is_wrapped": True}]
    (block,) = rendered(Table(("Command", "What it does"), (("keep", "x" * 40),))).blocks
    assert "column_settings" not in block


def test_where_nothing_can_stand_out_there_are_no_marks() -> None:
    said = name("web01")
    parts = (Footnote(said), Tree((said,)), Table((said,), ((said,),)), Paragraph(said, code=True))
    assert all(mark not in json.dumps(rendered(*parts).blocks) for mark in ("\\u2066", "\\u2068", "\\u2069"))
    assert rendered(*parts).text.splitlines()[0] == "web01"
