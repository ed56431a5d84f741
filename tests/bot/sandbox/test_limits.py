"""What Slack refuses in messages and views, with its own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.errors import SlackError
from bot.sandbox.limits import check_blocks, check_content, check_ts, check_view


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


@pytest.mark.parametrize("blocks", FITS)
def test_what_fits_just_so_is_taken(blocks: list[dict]) -> None:
    check_blocks(blocks)


@pytest.mark.parametrize(("blocks", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_place(blocks: list[dict], message: str) -> None:
    with pytest.raises(SlackError) as refused:
        check_blocks(blocks)
    assert refused.value.code == "invalid_blocks"
    assert message in refused.value.messages
    assert f"[ERROR] {message}" in refused.value.body["response_metadata"]["messages"]
    assert message in refused.value.body["errors"]


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([section("x" * 2900)] * 5, "msg_blocks_too_long"),
        ([{"type": "markdown", "text": "x" * 7000}] * 2, "msg_blocks_too_long"),
        ([table(1, 1), table(1, 1)], "invalid_attachments"),
    ],
)
def test_blocks_that_fit_alone_may_be_too_much_together(blocks: list[dict], code: str) -> None:
    with pytest.raises(SlackError, match=code):
        check_blocks(blocks)


def test_a_message_must_say_something() -> None:
    check_content("x", None, None)
    for nothing in (None, ""):
        with pytest.raises(SlackError, match="no_text"):
            check_content(nothing, [], [])


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(table(1, 1)), "unsupported type: table [json-pointer:/view/blocks/0/type]"),
        ({"type": "modal", "title": plain("T")}, "missing required field: blocks [json-pointer:/view]"),
    ],
)
def test_a_view_that_does_not_fit_is_refused_with_its_place(view: dict, message: str) -> None:
    with pytest.raises(SlackError, match="invalid_arguments") as refused:
        check_view(view)
    assert message in refused.value.messages


def test_a_form_needs_something_to_submit_it_with() -> None:
    entry = {
        "type": "input",
        "label": plain("L"),
        "element": {"type": "plain_text_input", "action_id": "a"},
    }
    check_view(modal(entry))
    with pytest.raises(SlackError) as refused:
        check_view(modal(entry, submit=None))
    assert refused.value.messages == ("missing required field: submit [json-pointer:/view]",)


@pytest.mark.parametrize("ts", ["", "1", "1700000000", "1700000000.1", "1700000000.0000001", "x.000000", None])
def test_a_ts_is_seconds_and_six_digits(ts: str | None) -> None:
    with pytest.raises(SlackError, match="message_not_found"):
        check_ts(ts)
    assert check_ts("1700000000.000100")


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
    try:
        check_blocks(blocks)
    except SlackError as refused:
        assert refused.messages or refused.code == "msg_blocks_too_long"
