"""Makes the README's pictures from the demo: `uv run python -m tests.pictures`.

The demo runs in this process, and headless Chromium does what a person would do there. It needs a
font with emoji, such as Debian's fonts-noto-color-emoji.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from bot.demo import Demo

FOLDER = Path(__file__).parent
LARGEST = 150_000
"""Bytes of one picture: they are in the repository."""

WIDTH, HEIGHT = 900, 640
PATIENCE = 60_000
"""Milliseconds. The first command waits until the fleet was looked at."""

OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]


def card(page: Page) -> None:
    """What is asked before a checkpoint is applied."""
    _type(page, "/checkpoint web01 before-upgrade")
    expect(page.locator(".message", has_text="Took").last).to_be_visible()
    _type(page, "/checkpoint apply web01 before-upgrade")
    asked = page.locator(".message", has=page.get_by_role("button", name="Apply")).last
    expect(asked).to_be_visible()
    asked.scroll_into_view_if_needed()


def digest(page: Page) -> None:
    """The digest, as Ada asks for it."""
    _type(page, "/checkpoint digest")
    told = page.locator(".message", has_text="Checkpoint digest").last
    expect(told).to_be_visible()
    told.evaluate("it => it.scrollIntoView({block: 'start'})")


def form(page: Page) -> None:
    """The form that `/checkpoint` alone opens."""
    _type(page, "/checkpoint")
    opened = page.locator("#modal")
    expect(opened).to_be_visible()
    opened.get_by_label("Name").fill("before-upgrade")


def home(page: Page) -> None:
    """The Home tab."""
    page.locator("#modal").press("Escape")
    page.locator("#apps").get_by_role("button").or_(page.locator("#apps a")).first.click()
    page.locator("#tab-home").click()
    expect(page.locator("#home")).to_be_visible()
    expect(page.locator("#home")).to_contain_text("before-upgrade")


PICTURES: Mapping[str, Callable[[Page], None]] = {"card": card, "digest": digest, "form": form, "home": home}


def make(into: Path) -> list[Path]:
    """All of them, as files of a folder. Raises RuntimeError for one that is too large."""
    with tempfile.TemporaryDirectory() as data:
        demo = Demo(Path(data) / "demo", port=0)
        demo.start()
        try:
            return _draw(demo.url, into)
        finally:
            demo.stop()


def _draw(url: str, into: Path) -> list[Path]:
    expect.set_options(timeout=PATIENCE)
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        expect(page.locator("#messages .start")).to_be_attached()
        for name, act in PICTURES.items():
            act(page)
            path = into / f"{name}.png"
            page.screenshot(path=path, animations="disabled", caret="hide")
            made.append(path)
        browser.close()
    if large := [path.name for path in made if path.stat().st_size > LARGEST]:
        raise RuntimeError(f"larger than {LARGEST:,} bytes: {', '.join(large)}")
    return made


def _type(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    for path in make(FOLDER):
        print(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size:,} bytes")
    sys.exit(0)
