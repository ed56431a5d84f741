"""What Slack refuses in messages and views, with its own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.render.limits import refused_blocks, refused_content, refused_metadata, refused_view


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def section(text: str, **more: object) -> dict:
    return {"type": "section", "text": plain(text), **more}


def button(label: str = "Go", **more: object) -> dict:
    return {"type": "button", "text": plain(label), "action_id": "go", **more}


def actions(*elements: dict) -> dict:
    return {"type": "actions", "elements": list(elements)}


def modal(*blocks: dict, **more: object) -> dict:
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks), **more}


def table(rows: int, columns: int) -> dict:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns for _ in range(rows)]}


OPTION = {"text": plain("One"), "value": "1"}

FITS = [
    [section("x" * 3000)],
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "section", "fields": [plain("x" * 2000)] * 5}],
    [{"type": "context", "elements": [plain("x")] * 10}],
    [actions(*(button(action_id=f"a{n}", value="v" * 2000) for n in range(25)))],
    [{"type": "divider"}] * 50,
    [table(100, 20)],
    [{"type": "markdown", "text": "x" * 12_000}],
    [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}]}],
        }
    ],
    [section("x", accessory={"type": "overflow", "action_id": "o", "options": [OPTION] * 5})],
]

REFUSED = [
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        "must be a valid enum value [json-pointer:/blocks/0/text/type]",
    ),
    (
        [{"type": "section", "fields": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        [{"type": "context", "elements": [plain("x")] * 11}],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        [actions(*(button(action_id=f"a{n}") for n in range(26)))],
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    ([actions()], "no less than 1 items allowed [json-pointer:/blocks/0/elements]"),
    ([actions(button("x" * 76))], "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
    (
        [actions(button(value="x" * 2001))],
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    ([actions(button(style="loud"))], "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
    ([actions(button(), button())], "`action_id` needs to be unique: go [json-pointer:/blocks/0/elements]"),
    (
        [section("x", block_id="b"), section("y", block_id="b")],
        "`block_id` needs to be unique: b [json-pointer:/blocks]",
    ),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0/type]"),
    ([section("x", blink=True)], "invalid additional property: blink [json-pointer:/blocks/0]"),
    ([{"type": "header"}], "missing required field: text [json-pointer:/blocks/0]"),
    ([table(101, 1)], "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    ([table(1, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    (
        [section("x", accessory={"type": "overflow", "action_id": "o", "options": [OPTION] * 6})],
        "no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [actions({"type": "static_select", "action_id": "s", "options": [OPTION] * 101})],
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        [
            actions(
                button(
                    confirm={"title": plain("x"), "text": plain("x" * 301), "confirm": plain("y"), "deny": plain("n")}
                )
            )
        ],
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (["section"], "must provide an object [json-pointer:/blocks/0]"),
]


def element(kind: str, **fields: object) -> dict:
    return {"type": kind, "action_id": "e", **fields}


def input_of(kind: str, **fields: object) -> dict:
    return {"type": "input", "label": plain("L"), "element": element(kind, **fields)}


def picture(**fields: object) -> dict:
    return {"type": "image", "alt_text": "A picture", **fields}


def rich(*elements: dict) -> dict:
    return {"type": "rich_text", "elements": list(elements)}


def mrkdwn(text: str, **more: object) -> dict:
    return {"type": "mrkdwn", "text": text, **more}


def cells(*rows: list[str]) -> list[list[dict]]:
    return [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]


def data_table(*rows: list[str], **more: object) -> dict:
    return {"type": "data_table", "caption": "Checkpoints", "rows": cells(*rows), **more}


def chart(categories: list[str], *series: tuple[str, list[str]]) -> dict:
    lines = [{"name": name, "data": [{"label": at, "value": 1} for at in points]} for name, points in series]
    axes = {"axis_config": {"categories": categories}, "series": lines}
    return {"type": "data_visualization", "title": "Growth", "chart": {"type": "line", **axes}}


def container(*children: dict, **more: object) -> dict:
    return {"type": "container", "title": plain("More"), "child_blocks": list(children), **more}


OTHER = {"text": plain("Two"), "value": "2"}
MENU = {"options": [OPTION, OTHER]}
SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}

NEWER_FITS = [
    [data_table(["VM"], ["web01"]), chart(["Mon"], ("web01", ["Mon"]))],
    [data_table(["x" * 100] * 20, *[["y" * 9] * 20] * 100)],
    [container(section("x"), table(2, 2), is_collapsible=True, default_collapsed=True)],
    [{"type": "plan", "title": "Patch night", "tasks": [{"task_id": "1", "title": "web01", "status": "pending"}]}],
    [{"type": "card", "title": plain("web01"), "actions": [button()]}],
    [input_of("plain_text_input", min_length=2, max_length=2), input_of("multi_static_select", **MENU)],
    [input_of("number_input", is_decimal_allowed=False, min_value="1", max_value="10")],
    [actions(element("static_select", **MENU, initial_option=OTHER), button(url="slack://open"))],
    [picture(image_url="https://example.net/a.png"), picture(slack_file={"id": "F0123456789"})],
    [
        {"type": "section", "text": mrkdwn("x", verbatim=True)},
        {"type": "table", "rows": cells(["a"]), "column_settings": [None]},
    ],
]

NEWER_REFUSED = [
    (
        [{"type": "section", "text": mrkdwn("x", emoji=True)}],
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    (
        [{"type": "section", "text": {**plain("x"), "verbatim": True}}],
        "invalid additional property: verbatim [json-pointer:/blocks/0/text]",
    ),
    ([section("x", accessory=None)], "must provide an object [json-pointer:/blocks/0/accessory]"),
    ([{"type": "section", "text": {"text": "x"}}], "missing required field: type [json-pointer:/blocks/0/text]"),
    ([{"type": "section", "text": "x"}], "must provide an object [json-pointer:/blocks/0/text]"),
    ([{"type": "section", "fields": []}], "no less than 1 items allowed [json-pointer:/blocks/0/fields]"),
    (
        [section("x", block_id="x" * 256)],
        "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
    ),
    ([picture()], "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]"),
    (
        [picture(image_url="https://x.net/a", slack_file={"id": "F1"})],
        "must define only one of `image_url` or `slack_file` [json-pointer:/blocks/0]",
    ),
    ([picture(image_url="a.png")], "must be a valid url [json-pointer:/blocks/0/image_url]"),
    ([picture(image_url="ftp://x.net/a.png")], "must be a valid url [json-pointer:/blocks/0/image_url]"),
    (
        [picture(image_url="https://x.net/a", alt_text="")],
        "must be more than 0 characters [json-pointer:/blocks/0/alt_text]",
    ),
    ([picture(slack_file={})], "must define either `id` or `url` [json-pointer:/blocks/0/slack_file]"),
    (
        [{"type": "context", "elements": [picture()]}],
        "must define either `image_url` or `slack_file` [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [{"type": "context", "elements": [button()]}],
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    ([actions(button(url="not a url"))], "must be a valid url [json-pointer:/blocks/0/elements/0/url]"),
    ([actions(button(""))], "must be more than 0 characters [json-pointer:/blocks/0/elements/0/text/text]"),
    (
        [actions({**button(), "text": mrkdwn("x")})],
        "must be a valid enum value [json-pointer:/blocks/0/elements/0/text/type]",
    ),
    ([actions(button(action_id=""))], "must be more than 0 characters [json-pointer:/blocks/0/elements/0/action_id]"),
    (
        [actions(element("plain_text_input"))],
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        [section("x", accessory=element("datetimepicker"))],
        "unsupported type: datetimepicker [json-pointer:/blocks/0/accessory/type]",
    ),
    (
        [actions(element("static_select"))],
        "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [actions(element("static_select", **MENU, option_groups=[{"label": plain("G"), "options": [OPTION]}]))],
        "must define only one of `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
    ),
    (
        [actions(element("static_select", options=[OPTION], initial_option=OTHER))],
        "must be one of the provided options [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    (
        [actions(element("static_select", **MENU, initial_option={"text": plain("Won"), "value": "1"}))],
        "must be one of the provided options [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    (
        [actions(element("static_select", options=[{**OPTION, "url": "https://x.net"}]))],
        "invalid additional property: url [json-pointer:/blocks/0/elements/0/options/0]",
    ),
    (
        [actions(element("static_select", options=[{"text": mrkdwn("x"), "value": "1"}]))],
        "must be a valid enum value [json-pointer:/blocks/0/elements/0/options/0/text/type]",
    ),
    (
        [actions(element("static_select", options=[{"text": plain("x" * 76), "value": "x" * 151}]))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ),
    (
        [actions(element("static_select", options=[{"text": plain("x"), "value": "x" * 151}]))],
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
    ),
    (
        [actions(element("static_select", **MENU, placeholder=plain("x" * 151)))],
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/placeholder/text]",
    ),
    (
        [actions(element("checkboxes", options=[OPTION], initial_options=[OTHER]))],
        "must be one of the provided options [json-pointer:/blocks/0/elements/0/initial_options]",
    ),
    (
        [actions(element("checkboxes", options=[OPTION] * 11))],
        "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        [input_of("multi_static_select", **MENU, initial_options=[OPTION, OTHER], max_selected_items=1)],
        "no more than 1 items allowed [json-pointer:/blocks/0/element/initial_options]",
    ),
    (
        [input_of("multi_static_select", **MENU, max_selected_items=0)],
        "must be greater than or equal to 1 [json-pointer:/blocks/0/element/max_selected_items]",
    ),
    ([input_of("button", text=plain("x"))], "unsupported type: button [json-pointer:/blocks/0/element/type]"),
    (
        [input_of("plain_text_input", min_length=5, max_length=4)],
        "must be less than or equal to `max_length` [json-pointer:/blocks/0/element/min_length]",
    ),
    (
        [input_of("plain_text_input", max_length=3001)],
        "must be less than or equal to 3000 [json-pointer:/blocks/0/element/max_length]",
    ),
    ([input_of("number_input")], "missing required field: is_decimal_allowed [json-pointer:/blocks/0/element]"),
    (
        [input_of("number_input", is_decimal_allowed=True, min_value="9", max_value="1")],
        "must be less than or equal to `max_value` [json-pointer:/blocks/0/element/min_value]",
    ),
    (
        [input_of("datepicker", initial_date="31.12.2026")],
        "must be a valid date [json-pointer:/blocks/0/element/initial_date]",
    ),
    (
        [input_of("timepicker", initial_time="24:00")],
        "must be a valid time [json-pointer:/blocks/0/element/initial_time]",
    ),
    (
        [input_of("datetimepicker", initial_date_time=1)],
        "must be greater than or equal to 1000000000 [json-pointer:/blocks/0/element/initial_date_time]",
    ),
    ([input_of("file_input")], "unsupported type: file_input [json-pointer:/blocks/0/element/type]"),
    (
        [actions(element("conversations_select", filter={"include": ["all"]}))],
        "must be a valid enum value [json-pointer:/blocks/0/elements/0/filter/include/0]",
    ),
    (
        [input_of("plain_text_input", dispatch_action_config={"trigger_actions_on": ["on_blur"]})],
        "must be a valid enum value [json-pointer:/blocks/0/element/dispatch_action_config/trigger_actions_on/0]",
    ),
    (
        [rich({**SECTION, "elements": [{"type": "text", "text": ""}]})],
        "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]",
    ),
    (
        [rich({**SECTION, "elements": [{"type": "text", "text": "x", "style": "bold"}]})],
        "must provide an object [json-pointer:/blocks/0/elements/0/elements/0/style]",
    ),
    (
        [rich({"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": [SECTION]})],
        "must be less than or equal to 8 [json-pointer:/blocks/0/elements/0/indent]",
    ),
    (
        [rich({"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]})],
        "unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0/type]",
    ),
    ([{"type": "table", "rows": []}], "no less than 1 items allowed [json-pointer:/blocks/0/rows]"),
    ([{"type": "table", "rows": cells([""])}], "must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]"),
    (
        [{"type": "table", "rows": cells(["x" * 5001], ["x" * 5000])}],
        "all cells together must be less than 10001 characters [json-pointer:/blocks]",
    ),
    ([data_table(["VM"])], "no less than 2 items allowed [json-pointer:/blocks/0/rows]"),
    (
        [data_table(["VM", "Age"], ["web01"])],
        "all rows must have the same number of columns [json-pointer:/blocks/0/rows/1]",
    ),
    (
        [data_table(["x" * 10_000], ["x" * 10_001])],
        "all cells together must be less than 20001 characters [json-pointer:/blocks]",
    ),
    (
        [chart(["Mon", "Tue"], ("web01", ["Mon"]))],
        "must have one point for every category [json-pointer:/blocks/0/chart/series/0/data]",
    ),
    ([chart(["Mon"], ("w", ["Mon"]))] * 3, "no more than 2 data_visualization blocks allowed [json-pointer:/blocks]"),
    ([container()], "no less than 1 items allowed [json-pointer:/blocks/0/child_blocks]"),
    ([container(None)], "must provide an object [json-pointer:/blocks/0/child_blocks/0]"),
    (
        [container(data_table(["VM"], ["web01"]))],
        "unsupported type: data_table [json-pointer:/blocks/0/child_blocks/0/type]",
    ),
    (
        [container(section("x", block_id="b")), section("y", block_id="b")],
        "`block_id` needs to be unique: b [json-pointer:/blocks]",
    ),
    ([{"type": "alert", "text": plain("x")}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
    ([{"type": "card", "title": "web01"}], "must provide an object [json-pointer:/blocks/0/title]"),
    ([{"type": "plan", "title": plain("x")}], "must provide a string [json-pointer:/blocks/0/title]"),
    ([{"type": "button", "text": plain("x")}], "unsupported type: button [json-pointer:/blocks/0/type]"),
]


@pytest.mark.parametrize("blocks", [*FITS, *NEWER_FITS])
def test_what_fits_just_so_is_taken(blocks: list[dict]) -> None:
    assert refused_blocks(blocks) is None


@pytest.mark.parametrize(("blocks", "message"), [*REFUSED, *NEWER_REFUSED])
def test_what_does_not_fit_is_refused_with_its_place(blocks: list[dict], message: str) -> None:
    refused = refused_blocks(blocks)
    assert refused is not None
    assert refused.code == "invalid_blocks"
    assert message in refused.messages


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([section("x" * 2900)] * 5, "msg_blocks_too_long"),
        ([{"type": "markdown", "text": "x" * 7000}] * 2, "msg_blocks_too_long"),
        ([table(1, 1), table(1, 1)], "invalid_attachments"),
    ],
)
def test_blocks_that_fit_alone_may_be_too_much_together(blocks: list[dict], code: str) -> None:
    refused = refused_blocks(blocks)
    assert refused is not None and refused.code == code


def test_a_message_must_say_something() -> None:
    assert refused_content("x", None, None) is None
    for nothing in (None, "", " \n"):
        refused = refused_content(nothing, [], [])
        assert refused is not None and refused.code == "no_text"


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(table(1, 1)), "unsupported type: table [json-pointer:/view/blocks/0/type]"),
        ({"type": "modal", "title": plain("T")}, "missing required field: blocks [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        ({"type": "sheet", "blocks": []}, "must be a valid enum value [json-pointer:/view/type]"),
        (modal(submit=mrkdwn("S")), "must be a valid enum value [json-pointer:/view/submit/type]"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
        (
            modal({**input_of("static_select", **MENU, initial_option=None)}),
            "must provide an object [json-pointer:/view/blocks/0/element/initial_option]",
        ),
        (
            modal(*[input_of("plain_text_input", focus_on_load=True)] * 2),
            "`focus_on_load` can be set on only one element [json-pointer:/view/blocks]",
        ),
    ],
)
def test_a_view_that_does_not_fit_is_refused_with_its_place(view: dict, message: str) -> None:
    refused = refused_view(view)
    assert refused is not None and refused.code == "invalid_arguments"
    assert message in refused.messages


def test_a_view_whose_blocks_fit_may_be_too_large_altogether() -> None:
    def blocks(count: int) -> list[dict]:
        return [section("x" * 2900) for _ in range(count)]

    assert refused_view(modal(*blocks(80))) is None
    refused = refused_view(modal(*blocks(90)))
    assert refused is not None and refused.code == "view_too_large"


def test_what_stands_in_attachments_is_looked_at_too() -> None:
    refused = refused_content("x", None, [{"blocks": [section("")]}, "x"])
    assert refused is not None and refused.code == "invalid_attachments"
    assert "must be more than 0 characters [json-pointer:/attachments/0/blocks/0/text/text]" in refused.messages
    assert "must provide an object [json-pointer:/attachments/1]" in refused.messages
    refused = refused_content("x", None, [{"text": "x"}] * 101)
    assert refused is not None and refused.code == "too_many_attachments"


def test_a_message_has_one_table_in_whatever_part_of_it() -> None:
    for blocks, attachments in (
        ([table(1, 1)], [{"blocks": [table(1, 1)]}]),
        (None, [{"blocks": [table(1, 1)]}, {"blocks": [data_table(["VM"], ["web01"])]}]),
    ):
        refused = refused_content("x", blocks, attachments)
        assert refused is not None
        assert (refused.code, refused.messages) == ("invalid_attachments", ("only_one_table_allowed",))
    assert refused_content("x", [table(1, 1)], [{"blocks": [section("x")]}]) is None


def test_metadata_has_a_type_and_a_payload() -> None:
    assert refused_metadata({"event_type": "card", "event_payload": {"plan": "7"}}) is None
    assert refused_metadata({}) is None
    for wrong in ({"event_type": "card"}, {"event_type": "card", "event_payload": "7"}):
        refused = refused_metadata(wrong)
        assert refused is not None and refused.code == "invalid_metadata_schema"


def test_a_form_needs_something_to_submit_it_with() -> None:
    entry = {
        "type": "input",
        "label": plain("L"),
        "element": {"type": "plain_text_input", "action_id": "a"},
    }
    assert refused_view(modal(entry)) is None
    refused = refused_view(modal(entry, submit=None))
    wanted = "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]"
    assert refused is not None and refused.messages == (wanted,)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "rows", "block_id", "fields"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.lists(ANY_JSON, max_size=4))
def test_whatever_is_sent_is_taken_or_refused_and_never_breaks_the_check(blocks: list[object]) -> None:
    refused = refused_blocks(blocks)
    assert refused is None or refused.messages or refused.code == "msg_blocks_too_long"
