"""The page in a real browser: what people see, and that nothing anybody wrote is ever more than text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox, Shortcut, SlackApp, demo_workspace
from bot.sandbox.routes import PAGE
from tests.bot.sandbox.conftest import CLOSING
from tests.support.waiting import DEADLINE

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict:
    return {"type": "mrkdwn", "text": text}


def button(label: str, action: str, **more: object) -> dict:
    return {"type": "button", "text": plain(label), "action_id": action, "value": "7", **more}


def actions(*elements: dict) -> dict:
    return {"type": "actions", "elements": list(elements)}


CARD = [
    {"type": "header", "text": plain("Apply before-upgrade to web01?")},
    {"type": "section", "text": mrkdwn("*web01* is `running`")},
    {
        "type": "actions",
        "elements": [
            button(
                "Apply",
                "confirm",
                style="danger",
                confirm={
                    "title": plain("Sure?"),
                    "text": plain("It goes back."),
                    "confirm": plain("Yes"),
                    "deny": plain("No"),
                },
            ),
            button("Cancel", "cancel"),
        ],
    },
]
FORM = {
    "type": "modal",
    "callback_id": "create",
    "title": plain("New checkpoint"),
    "submit": plain("Take it"),
    "blocks": [
        {
            "type": "input",
            "block_id": "vm",
            "label": plain("VM"),
            "element": {
                "type": "static_select",
                "action_id": "a",
                "options": [{"text": plain(vm), "value": vm} for vm in ("web01", "db01")],
            },
        },
        {
            "type": "input",
            "block_id": "name",
            "label": plain("Name"),
            "element": {"type": "plain_text_input", "action_id": "a"},
        },
        {
            "type": "input",
            "block_id": "until",
            "optional": True,
            "label": plain("Keep until"),
            "element": {"type": "datepicker", "action_id": "a"},
        },
        {
            "type": "input",
            "block_id": "more",
            "optional": True,
            "label": plain("More"),
            "element": {
                "type": "checkboxes",
                "action_id": "a",
                "options": [{"text": plain("Tell me"), "value": "tell"}],
            },
        },
    ],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """The page as Ada in #ops; anything on the console, or a request to elsewhere, fails the test."""
    context = browser.new_context()
    context.set_default_timeout(1000 * DEADLINE)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith(sandbox.url) else trouble.append(request.url))
    page.goto(sandbox.url)
    expect(page.locator("#messages .start")).to_be_visible()
    yield page
    context.close()
    assert trouble == []


@pytest.fixture
def submitted() -> list[dict]:
    """The values of the forms that the app accepted."""
    return []


@pytest.fixture
def app(new_app: Callable[[], App], connect: Callable[..., object], submitted: list[dict]) -> App:
    app = new_app()

    @app.command("/checkpoint")
    def typed(ack: Ack, command: dict[str, str], client: WebClient, respond: Respond) -> None:
        ack()
        if command["text"] == "form":
            client.views_open(trigger_id=command["trigger_id"], view=FORM)
        elif command["text"].startswith("apply"):
            client.chat_postMessage(channel=command["channel_id"], text="Apply?", blocks=CARD)
        else:
            respond(f"Nothing known of {command['text']}")

    @app.action(re.compile("confirm|cancel"))
    def pressed(ack: Ack, action: dict, body: dict, respond: Respond) -> None:
        ack()
        respond(text=f"{action['action_id']} by {body['user']['name']}", blocks=[], replace_original=True)

    @app.view("create")
    def create(ack: Ack, view: dict) -> None:
        values = view["state"]["values"]
        if values["name"]["a"]["value"] == "bad":
            ack(response_action="errors", errors={"name": "Another name, please."})
            return
        submitted.append(values)
        ack()

    connect(app)
    return app


def type_in(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def test_a_command_leads_to_a_card_and_its_button_changes_it_in_place(page: Page, app: App) -> None:
    type_in(page, "/checkpoint apply web01")
    card = page.locator(".message", has_text="Apply before-upgrade")
    expect(card.locator("strong", has_text="web01")).to_be_visible()
    expect(card.locator("code")).to_have_text("running")
    expect(page.locator("#outcome")).to_contain_text("Acknowledged in")
    ts = card.get_attribute("data-ts")
    card.get_by_role("button", name="Cancel").click()
    changed = page.locator(f'[data-ts="{ts}"]')
    expect(changed).to_contain_text("cancel by ada")
    expect(changed.locator("button")).to_have_count(0)
    expect(page.locator(".message")).to_have_count(1)


def test_a_button_that_asks_first_acts_only_on_yes(page: Page, app: App) -> None:
    type_in(page, "/checkpoint apply web01")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("dialog", name="Sure?")).to_contain_text("It goes back.")
    page.get_by_role("button", name="No").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".message")).to_contain_text("confirm by ada")


def test_what_only_one_person_sees_is_marked_and_hidden_from_others(page: Page, app: App) -> None:
    type_in(page, "/checkpoint frob")
    message = page.locator(".message")
    expect(message).to_contain_text("Only visible to you")
    expect(message).to_contain_text("Nothing known of frob")
    page.select_option("#person", label="Devika Rao")
    expect(page.locator("#messages .start")).to_be_visible()
    expect(message).to_have_count(0)


def test_a_form_is_filled_in_corrected_and_sent(page: Page, app: App, submitted: list[dict]) -> None:
    type_in(page, "/checkpoint form")
    dialog = page.get_by_role("dialog", name="New checkpoint")
    dialog.get_by_role("button", name="Take it").click()
    expect(dialog.locator('[data-block="vm"] .error')).to_have_text("Please complete this required field.")
    dialog.get_by_label("VM").select_option("db01")
    dialog.get_by_label("Name").fill("bad")
    dialog.get_by_role("button", name="Take it").click()
    expect(dialog.locator('[data-block="name"] .error')).to_have_text("Another name, please.")
    expect(dialog.get_by_label("VM")).to_have_value("db01")
    dialog.get_by_label("Name").fill("good")
    dialog.get_by_label("Keep until").fill("2027-01-31")
    dialog.get_by_label("Tell me").check()
    dialog.get_by_role("button", name="Take it").click()
    expect(dialog).to_have_count(0)
    (values,) = submitted
    assert values["vm"]["a"]["selected_option"]["value"] == "db01"
    assert values["name"]["a"]["value"] == "good"
    assert values["until"]["a"]["selected_date"] == "2027-01-31"
    assert [one["value"] for one in values["more"]["a"]["selected_options"]] == ["tell"]


def test_what_is_filled_in_stays_while_another_form_is_on_top(
    page: Page, app: App, client: WebClient, sandbox: Sandbox
) -> None:
    on_top = {"type": "modal", "title": plain("On top"), "blocks": [{"type": "section", "text": plain("Look here")}]}
    beneath = {**FORM, "title": plain("Beneath"), "blocks": [FORM["blocks"][1], actions(button("More", "more"))]}

    @app.action("more")
    def more(ack: Ack, body: dict) -> None:
        ack()
        client.views_push(trigger_id=body["trigger_id"], view=on_top)

    @app.shortcut("take_checkpoint")
    def open_it(ack: Ack, body: dict) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=beneath)

    sandbox.shortcut("ada", "take_checkpoint")
    form = page.get_by_role("dialog", name="Beneath")
    form.get_by_label("Name").fill("typed before")
    form.get_by_role("button", name="More").click()
    expect(page.get_by_role("dialog", name="On top")).to_contain_text("Look here")
    page.keyboard.press("Escape")
    expect(form.get_by_label("Name")).to_have_value("typed before")


def test_escape_closes_a_form(page: Page, app: App, sandbox: Sandbox) -> None:
    type_in(page, "/checkpoint form")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert sandbox.views("ada") == []


HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!channel> <!here>",
    "javascript:document.title='owned'",
    "\u202egnp.exe שלום web01",
    "&lt;b&gt;",
    "x" * 400,
    "{{7*7}} ${7*7}",
]


def test_hostile_plain_text_is_shown_as_it_is(page: Page, client: WebClient) -> None:
    for text in HOSTILE:
        client.chat_postMessage(channel="C0OPS0001", text="x", blocks=everywhere(text))
        message = page.locator(".message").last
        expect(message.locator(".b-section")).to_have_text(text, use_inner_text=False)
        for place in (".b-context .text", "th", "td", "pre"):
            assert message.locator(place).text_content() == text
    assert page.locator(".message").locator("script, img, a, .mention").count() == 0
    assert page.title() == "Checkpoint Bot: Slack sandbox"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def everywhere(text: str) -> list[dict]:
    """Blocks with this text in every place for plain text."""
    cell = {"type": "raw_text", "text": text}
    fixed_width = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return [
        {"type": "header", "text": plain(text[:150])},
        {"type": "section", "text": plain(text)},
        {"type": "context", "elements": [plain(text)]},
        {"type": "table", "rows": [[cell], [cell]]},
        {"type": "rich_text", "elements": [fixed_width]},
        {"type": "actions", "elements": [button(text[:75], "go")]},
    ]


@pytest.mark.parametrize("kind", ["mrkdwn", "markdown"])
def test_markup_cannot_carry_html_or_scripts(page: Page, client: WebClient, kind: str) -> None:
    text = "<script>x</script> <javascript:x|y> [z](javascript:x) <img src=x onerror=x> `<b>` &lt;i&gt;"
    block = {"type": "markdown", "text": text} if kind == "markdown" else {"type": "section", "text": mrkdwn(text)}
    client.chat_postMessage(channel="C0OPS0001", text="x", blocks=[block])
    message = page.locator(".message")
    expect(message).to_contain_text("<script>x</script>")
    assert message.locator("script, img, b, i, a").count() == 0
    assert message.locator("code").text_content() == "<b>"


def test_mrkdwn_shows_mentions_links_and_what_would_alarm_everybody(page: Page, client: WebClient) -> None:
    text = (
        "<@U0DEV0001> in <#C0OPS0001> see <https://example.net/a?b=1&amp;c=2|the page> <!channel> 5 &lt; 6 *a* _b_ ~c~"
    )
    client.chat_postMessage(channel="C0OPS0001", text=text)
    message = page.locator(".message")
    expect(message.locator(".text")).to_have_text("@dev in #ops see the page @channel 5 < 6 a b c")
    expect(message.locator("a")).to_have_attribute("href", "https://example.net/a?b=1&c=2")
    expect(message.locator(".alarm")).to_have_text("@channel")


def test_new_messages_are_announced_and_counted_where_nobody_looks(page: Page, client: WebClient) -> None:
    log = page.get_by_role("log", name="Messages")
    expect(log).to_have_attribute("aria-live", "polite")
    client.chat_postMessage(channel="C0WEBTEAM", text="elsewhere")
    other = page.get_by_role("button", name="web-team")
    expect(other).to_contain_text("1")
    other.click()
    expect(log).to_contain_text("elsewhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("# web-team")


def test_everything_can_be_done_with_the_keyboard(page: Page, app: App) -> None:
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("/che")
    expect(page.get_by_role("option", name="/checkpoint")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#text")).to_have_value("/checkpoint ")
    expect(page.locator("#hint")).to_contain_text("<vm> [name]")
    page.keyboard.type("frob")
    page.keyboard.press("Enter")
    expect(page.locator(".message")).to_contain_text("Nothing known of frob")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#text")).to_have_value("/checkpoint frob")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("heading", level=1)).to_have_text("# web-team")


def test_a_narrow_page_keeps_the_channels_in_a_drawer(page: Page, sandbox: Sandbox) -> None:
    page.set_viewport_size({"width": 400, "height": 700})
    expect(page.locator("#sidebar")).not_to_be_visible()
    page.get_by_role("button", name="Channel list").click()
    page.get_by_role("button", name="general").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("# general")
    expect(page.locator("#sidebar")).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_long_message_is_shown_from_its_beginning(page: Page, client: WebClient) -> None:
    for number in range(3):
        lines = "\n".join(f"line {line} of {number}" for line in range(60))
        client.chat_postMessage(channel="C0OPS0001", text=lines)
        type_in(page, "and then")
        expect(page.locator(".message")).to_have_count(2 * number + 2)
    lines = "\n".join(f"last {line}" for line in range(60))
    client.chat_postMessage(channel="C0OPS0001", text=lines)
    expect(page.locator(".message").last.locator(".byline")).to_be_in_viewport()


def test_a_reload_keeps_who_and_where(page: Page) -> None:
    page.select_option("#person", label="Oskar Lind")
    page.get_by_role("button", name="incidents").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("incidents")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("incidents")
    expect(page.locator("#person")).to_have_value("U0ONCALL1")


def test_a_person_who_left_cannot_be_chosen_and_outsiders_are_named(page: Page) -> None:
    options = page.locator("#person option")
    expect(options.filter(has_text="Fay Former (deactivated)")).to_be_disabled()
    page.select_option("#person", label="Stella Quill (Fabrikam)")
    expect(page.locator("#badges")).to_contain_text("Shared with Fabrikam")


def test_a_message_has_a_name_for_who_does_not_see_it(page: Page, client: WebClient) -> None:
    client.chat_postMessage(channel="C0OPS0001", text="web01 is back", blocks=CARD)
    message = page.get_by_role("article", name=re.compile(r"^Checkpoint Bot, .+, web01 is back$"))
    expect(message).to_be_visible()


def test_what_one_typed_is_shown_to_them_alone_and_stays(page: Page, app: App) -> None:
    type_in(page, "/checkpoint frob")
    typed = page.get_by_role("note", name="You typed /checkpoint frob")
    expect(typed).to_be_visible()
    expect(page.locator("#messages > :nth-child(2)")).to_have_class("typed")
    page.reload()
    expect(typed).to_be_visible()
    page.select_option("#person", label="Devika Rao")
    expect(page.locator("#messages .start")).to_be_visible()
    expect(typed).to_have_count(0)


def test_a_table_that_is_cut_says_so_until_its_end_is_seen(page: Page, client: WebClient) -> None:
    def table(columns: int) -> None:
        cells = [{"type": "raw_text", "text": f"a rather wide column {n}"} for n in range(columns)]
        client.chat_postMessage(channel="C0OPS0001", text="x", blocks=[{"type": "table", "rows": [cells, cells]}])

    table(1)
    frames = page.locator(".table-frame")
    expect(frames.first).to_be_visible()
    expect(frames.first.locator(".table-more")).not_to_be_visible()
    table(12)
    hint = frames.last.locator(".table-more")
    expect(hint).to_have_text("Scroll sideways to see the rest →")
    expect(hint).to_be_visible()
    frames.last.locator(".table").evaluate("node => (node.scrollLeft = node.scrollWidth)")
    expect(hint).not_to_be_visible()


def test_the_newer_blocks_are_drawn(page: Page, client: WebClient) -> None:
    cell = {"type": "raw_text", "text": "VM"}
    points = [{"label": "Mon", "value": 3}]
    axes = {"series": [{"name": "web01", "data": points}], "axis_config": {"categories": ["Mon"]}}
    blocks = [
        {"type": "data_table", "caption": "Checkpoints", "rows": [[cell], [{**cell, "text": "web01"}]]},
        {"type": "data_visualization", "title": "Growth", "chart": {"type": "line", **axes}},
        {"type": "container", "title": plain("More"), "child_blocks": [{"type": "section", "text": plain("inside")}]},
        {"type": "card", "title": plain("A card"), "actions": [button("Open", "open")]},
    ]
    client.chat_postMessage(channel="C0OPS0001", text="x", blocks=blocks)
    message = page.locator(".message")
    expect(message.get_by_role("table", name="Checkpoints")).to_contain_text("web01")
    expect(message.get_by_role("img", name="Growth: line chart")).to_be_visible()
    message.get_by_text("Figures").click()
    expect(message.get_by_role("region", name="Growth")).to_contain_text("Mon")
    expect(message.get_by_text("inside")).to_be_visible()
    expect(message.get_by_role("button", name="Open")).to_be_visible()


def test_the_tasks_of_a_plan_say_how_far_they_are(page: Page, client: WebClient) -> None:
    tasks = [
        {"type": "task_card", "task_id": "1", "title": "web01", "status": "complete"},
        {"type": "task_card", "task_id": "2", "title": "web02", "status": "in_progress"},
    ]
    plan = {"type": "plan", "title": "1 of 2 done", "tasks": tasks}
    client.chat_postMessage(channel="C0OPS0001", text="x", blocks=[plan])
    message = page.locator(".message")
    expect(message).to_contain_text("1 of 2 done")
    expect(message.locator(".b-task")).to_have_text([re.compile("web01 complete"), re.compile("web02 in progress")])


DRAWN = """async (blocks) => {
    const { renderBlocks } = await import("/page/blocks.js");
    const surface = { names: {}, fields: new Map(), choices: {}, press: () => {} };
    document.querySelector("#messages").replaceChildren(...renderBlocks(blocks, surface));
}"""


def test_what_the_page_does_not_know_is_visibly_unknown(page: Page) -> None:
    blocks = [
        {"type": "hologram"},
        {"type": "context", "elements": [{"type": "smell"}]},
        actions({"type": "lever", "action_id": "pull"}),
        {"type": "input", "block_id": "b", "label": plain("File"), "element": {"type": "drop", "action_id": "a"}},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "rune"}]}]},
    ]
    page.evaluate(DRAWN, blocks)
    for unknown in ("block hologram", "element smell", "element lever", "element drop", "element rune"):
        expect(page.locator("#messages").get_by_text(f"This page does not know the {unknown}.")).to_be_visible()


def test_moments_are_in_the_zone_of_whoever_reads(browser: Browser, sandbox: Sandbox) -> None:
    context = browser.new_context(timezone_id="Europe/Berlin", locale="en-US")
    page = context.new_page()
    page.goto(sandbox.url)
    expect(page.locator("#messages .start")).to_be_visible()
    text = mrkdwn("<!date^1795822200^{date_num} {time}, {date_long}|in UTC>")
    page.evaluate(DRAWN, [{"type": "section", "text": text}])
    expect(page.locator("#messages time")).to_have_text(re.compile(r"^2026-11-28 12:30\sAM, Saturday"))
    context.close()


def test_a_table_of_data_is_sorted_and_leafed_through(page: Page, client: WebClient) -> None:
    def row(n: int) -> list[dict]:
        return [
            {"type": "raw_text", "text": f"vm{n:02}"},
            {"type": "raw_number", "value": n % 7, "text": f"{n % 7} days"},
        ]

    head = [{"type": "raw_text", "text": "VM"}, {"type": "raw_text", "text": "Age"}]
    rows = [head, *map(row, range(12))]
    client.chat_postMessage(
        channel="C0OPS0001", text="x", blocks=[{"type": "data_table", "caption": "Old", "page_size": 5, "rows": rows}]
    )
    table = page.get_by_role("table", name="Old")
    expect(table.locator("tbody tr")).to_have_count(5)
    page.get_by_role("button", name="Next").click()
    expect(table.locator("tbody tr").first).to_contain_text("vm05")
    page.get_by_role("button", name="Age").click()
    page.get_by_role("button", name="Age").click()
    expect(table.locator("tbody tr").first).to_contain_text("6 days")
    expect(page.locator(".leaf")).to_contain_text("1–5 of 12")


def test_a_thread_is_read_and_answered_beside_the_channel(page: Page, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0OPS0001", text="parent")["ts"]
    client.chat_postMessage(channel="C0OPS0001", text="first reply", thread_ts=ts)
    expect(page.locator("#messages .message")).to_have_count(1)
    page.get_by_role("button", name="1 reply").click()
    panel = page.get_by_role("complementary", name="Thread")
    expect(panel).to_contain_text("first reply")
    panel.get_by_label("Reply in the thread").fill("second reply")
    page.keyboard.press("Enter")
    expect(panel.locator(".message")).to_have_count(3)
    expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).not_to_be_visible()


def test_the_inspector_shows_envelopes_acks_and_calls_with_their_time(page: Page, app: App) -> None:
    page.get_by_role("button", name="Inspector").click()
    type_in(page, "/checkpoint apply web01")
    lines = page.get_by_role("list", name="What went over the wire").get_by_role("listitem")
    sent = lines.filter(has_text="slash_commands: /checkpoint apply web01")
    expect(sent.first).to_contain_text(re.compile(r"\d\d:\d\d:\d\d\.\d{3}sent"))
    expect(sent.last).to_contain_text(re.compile(r"ack.* ms"))
    call = lines.filter(has_text="chat.postMessage")
    call.locator("summary").click()
    expect(call.locator("pre")).to_contain_text('"channel": "C0OPS0001"')


def test_a_permalink_leads_to_its_message(page: Page, sandbox: Sandbox, client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel="C0WEBTEAM", text=f"line {n}\n" * 9)["ts"] for n in range(9)]
    link = str(client.chat_getPermalink(channel="C0WEBTEAM", message_ts=stamps[1])["permalink"])
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("# web-team")
    expect(page.locator(f'[data-ts="{stamps[1]}"]')).to_be_in_viewport()


def test_what_is_new_since_one_looked_is_marked(page: Page, client: WebClient) -> None:
    client.chat_postMessage(channel="C0WEBTEAM", text="seen")
    other = page.get_by_role("button", name="web-team")
    other.click()
    expect(page.locator(".message")).to_have_text(re.compile("seen"))
    page.get_by_role("button", name="ops", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("# ops")
    client.chat_postMessage(channel="C0WEBTEAM", text="new")
    expect(other).to_contain_text("1 unread")
    other.click()
    expect(page.locator(".new-line + .message")).to_contain_text("new")


def test_shortcuts_are_chosen_beside_the_box_and_on_a_message(browser: Browser) -> None:
    offered = (Shortcut("Take one", "take"), Shortcut("Keep it", "keep", "message"))
    with Sandbox(workspace=demo_workspace(SlackApp(shortcuts=offered))) as sandbox:
        app = App(client=WebClient(sandbox.bot_token, base_url=sandbox.api_url))
        seen: list[str] = []
        app.shortcut(re.compile(".*"))(lambda ack, body: (ack(), seen.append(body["type"])))
        handler = SocketModeHandler(app, sandbox.app_token)
        handler.connect()
        sandbox.wait_for_connections(1)
        sandbox.say("ada", "#ops", "a message")
        page = browser.new_page()
        page.goto(sandbox.url)
        page.get_by_label("Shortcuts").select_option("Take one")
        page.get_by_role("article").get_by_label("More actions").select_option("Keep it")
        sandbox.wait_for(lambda: sorted(seen) == ["message_action", "shortcut"])  # each is on a thread of its own
        page.close()
        handler.client.auto_reconnect_enabled = False
        CLOSING.submit(handler.close)


def test_an_empty_channel_suggests_what_to_try(browser: Browser, new_app: Callable[[], App]) -> None:
    tries = (("/checkpoint web01", "takes one"), ("/checkpoint digest", "names them"))
    with Sandbox(suggestions=tries) as sandbox:
        page = browser.new_page()
        page.goto(sandbox.url)
        offered = page.locator(".suggestion")
        expect(offered).to_have_text([re.compile("takes one"), re.compile("names them")])
        offered.last.click()
        expect(page.locator("#text")).to_have_value("/checkpoint digest")
        expect(page.locator("#text")).to_be_focused()
        sandbox.say("ada", "#ops", "now there is something")
        page.reload()
        expect(page.locator(".message")).to_be_visible()
        expect(offered).to_have_count(0)
        page.close()


@pytest.mark.parametrize("file", sorted(PAGE.iterdir()), ids=lambda file: file.name)
def test_the_page_parses_no_html_and_loads_nothing_from_outside(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "style="):
        assert danger not in text
    assert not re.search(r"""(?:src|href|url\(|import|from|fetch\()\s*[=(]?\s*["'`]?(?:https?:)?//""", text)


def test_what_comes_while_the_mouse_is_down_does_not_take_the_click_away(page: Page, client: WebClient) -> None:
    """The list is drawn anew for an unread message: not under the button that somebody is pressing."""
    direct = client.conversations_open(users=["U0ADA0001"])["channel"]["id"]
    page.locator("#apps button").hover()
    page.mouse.down()
    page.evaluate(ARRIVING)
    client.chat_postMessage(channel=direct, text="A word for you")
    page.evaluate("window.arrived")
    expect(page.locator("#apps .unread")).to_be_hidden()
    page.mouse.up()
    expect(page.get_by_role("tab", name="Home")).to_be_visible()
    expect(page.locator("#messages")).to_contain_text("A word for you")


ARRIVING = """() => {
    const stream = new EventSource(`/sandbox/events?user=${document.querySelector("#person").value}`);
    window.arrived = new Promise((resolve) => stream.addEventListener("message", (it) => it.data && resolve()));
    return new Promise((resolve) => stream.addEventListener("open", () => resolve()));
}"""


def test_the_keyboard_stays_where_it_is_in_the_list_of_channels(page: Page, client: WebClient) -> None:
    direct = client.conversations_open(users=["U0ADA0001"])["channel"]["id"]
    page.locator("#apps button").focus()
    client.chat_postMessage(channel=direct, text="A word for you")
    expect(page.locator("#apps .unread")).to_be_focused()
