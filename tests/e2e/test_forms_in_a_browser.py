"""People who do not type: what they press and choose on the page, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.large_office import LargeOffice, large_office
from tests.support.waiting import DEADLINE

CHROMIUM = shutil.which("chromium")
expect.set_options(timeout=1000 * DEADLINE)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LargeOffice]:
    with large_office(tmp_path_factory.mktemp("office") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(office: LargeOffice) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


def page_of(browser: Browser, office: LargeOffice, who: str, *, dark: bool = False, phone: bool = False) -> Page:
    size = {"width": 390, "height": 844} if phone else {"width": 1200, "height": 860}
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport=size)  # type: ignore[arg-type]
    context.set_default_timeout(1000 * DEADLINE)
    page = context.new_page()
    page.goto(f"{office.sandbox.url.rstrip(chr(47))}/#/{who}/ops")
    expect(page.locator("#text")).to_be_visible()
    return page


def picture(page: Page, name: str) -> None:
    """For whoever wants to look: CHECKPOINTBOT_PICTURES is the folder."""
    if folder := os.environ.get("CHECKPOINTBOT_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def choose(page: Page, typed: str, label: str) -> None:
    page.get_by_role("combobox", name="VM").fill(typed)
    option = page.locator("#modal .options [role=option]").filter(has_text=label)
    expect(option).to_have_count(1)
    option.click()
    expect(page.get_by_role("combobox", name="VM")).to_have_value(re.compile(f"^{label}"))


def test_somebody_takes_a_checkpoint_on_the_first_try_and_mends_a_mistake(
    browser: Browser, office: LargeOffice
) -> None:
    page = page_of(browser, office, "ada")
    modal = page.locator("#modal")
    page.locator("#text").fill("/checkpoint")
    page.locator("#text").press("Escape")
    page.locator("#text").press("Enter")
    expect(modal.get_by_role("heading", name="Take a checkpoint")).to_be_visible()
    page.get_by_role("combobox", name="VM").fill("shop43")
    expect(modal.locator(".options [role=option]")).to_have_count(100)
    picture(page, "search")
    choose(page, "shop4321", "shop4321")
    choose(page, "web01", "web01 · hv01")
    modal.get_by_label("Name").fill("before the form")
    picture(page, "form")
    modal.get_by_role("button", name="Take it").click()
    expect(modal).to_be_hidden()
    expect(page.locator("#messages").get_by_text("before the form").first).to_be_visible()
    office.bot.inventory.refresh()

    page.locator("#shortcuts").select_option(label="Take a checkpoint")
    modal.get_by_label("Channel").select_option(label="#ops")
    choose(page, "web01", "web01 · hv01")
    expect(modal.get_by_text("checkpoints stand in a row")).to_be_visible()  # the form is drawn anew for this VM
    modal.get_by_label("Name").fill("before the form")
    modal.get_by_role("button", name="Take it").click()
    expect(modal.get_by_text("already has a checkpoint called before the form")).to_be_visible()
    picture(page, "mistake")
    modal.get_by_label("Name").fill("mended")
    modal.get_by_role("button", name="Take it").click()
    expect(modal).to_be_hidden()
    expect(page.locator("#messages").get_by_text("mended").first).to_be_visible()
    page.context.close()


def test_somebody_keeps_and_deletes_from_the_home_tab_of_a_phone_in_the_dark(
    browser: Browser, office: LargeOffice
) -> None:
    office.sandbox.command("ada", "ops", "/checkpoint web02 from-home")
    office.sandbox.wait_for(lambda: [m for m in office.sandbox.messages("ops") if "from-home" in m.seen])
    office.bot.inventory.refresh(disks=True)
    page = page_of(browser, office, "ada", dark=True, phone=True)
    modal = page.locator("#modal")
    page.locator("#menu").click()
    page.locator("#apps button, #apps a").first.click()
    page.locator("#tab-home").click()
    home = page.locator("#home")
    expect(home.get_by_text("from-home")).to_be_visible()
    picture(page, "home")
    menu = home.locator("select.overflow").nth(0)
    menu.select_option(label="Keep …")
    expect(modal.get_by_role("heading", name="Keep a checkpoint")).to_be_visible()
    picture(page, "keep")
    modal.get_by_role("button", name="Keep", exact=True).click()
    expect(modal).to_be_hidden()
    expect(home.get_by_text("wanted forever").first).to_be_visible()
    page.context.close()


def test_a_guest_is_told_politely(browser: Browser, office: LargeOffice) -> None:
    page = page_of(browser, office, "guest")
    page.locator("#apps button, #apps a").first.click()
    page.locator("#tab-home").click()
    expect(page.locator("#home").get_by_text("guests cannot use me")).to_be_visible()
    picture(page, "guest")
    page.context.close()
