"""People who do not type: what they press and choose on the page, in a real browser, at a desk by day and on a phone at
night."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.storage import GB
from tests.support.large_office import LargeOffice, large_office
from tests.support.waiting import DEADLINE

CHROMIUM = shutil.which("chromium")
expect.set_options(timeout=1000 * DEADLINE)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LOOKS = {"desk": ("light", {"width": 1200, "height": 860}), "phone": ("dark", {"width": 390, "height": 844})}

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


@dataclass
class Screen:
    """The page, as one person after the other has it before them."""

    page: Page
    office: LargeOffice
    look: str

    @property
    def modal(self) -> Locator:
        return self.page.locator("#modal")

    @property
    def home(self) -> Locator:
        return self.page.locator("#home")

    def sit_down(self, who: str) -> None:
        """Somebody else looks at #ops from now on."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.office.sandbox.url}#/{who}/ops")
        expect(self.page.locator("#messages .start")).to_be_visible()

    def type(self, text: str) -> None:
        self.page.locator("#text").fill(text)
        self.page.locator("#text").press("Escape")
        self.page.locator("#text").press("Enter")

    def message(self, *texts: str) -> Locator:
        """The newest message that says all of them."""
        found = self.page.locator("#messages .message")
        for text in texts:
            found = found.filter(has_text=text)
        return found.last

    def open_home(self) -> None:
        if self.page.locator("#menu").is_visible():
            self.page.locator("#menu").click()
        self.page.locator("#apps button").click()
        self.page.locator("#tab-home").click()

    def press(self, place: Locator, button: str) -> None:
        """Press it, and say yes where that is asked again."""
        place.get_by_role("button", name=button, exact=True).click()
        if (again := self.page.locator("#confirm")).is_visible():
            again.get_by_role("button", name="Yes").click()

    @property
    def options(self) -> Locator:
        """What a search offers."""
        return self.modal.locator(".options [role=option]")

    def look_for(self, typed: str, found: Locator, many: int) -> None:
        """Type into the search, and again where the bot had no time to look."""
        end = time.monotonic() + DEADLINE
        while True:
            self.page.get_by_role("combobox", name="VM").fill(typed)
            try:
                expect(found).to_have_count(many, timeout=5_000)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            else:
                return

    def submit_until(self, told: Locator) -> None:
        """Submit the form, and again where the bot had no time to look."""
        end = time.monotonic() + DEADLINE
        while True:
            self.modal.locator("button[type=submit]").click()
            try:
                expect(told).to_be_visible(timeout=5_000)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            else:
                return

    def search(self, typed: str, label: str) -> None:
        """Type into the search for a VM, and take the one that is found. The form is drawn anew for it."""
        option = self.options.filter(has_text=label)
        self.look_for(typed, option, 1)
        option.click()
        box = self.page.get_by_role("combobox", name="VM")
        expect(box).to_have_value(re.compile(f"^{label}"))
        expect(self.modal.get_by_text("Type a part of its name")).to_be_hidden()

    def fits(self, what: str) -> None:
        """Nothing runs over the side. For whoever wants to look, CHECKPOINTBOT_PICTURES is a folder for pictures."""
        if folder := os.environ.get("CHECKPOINTBOT_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{what} {self.look}.png")
        over = (
            "[document.scrollingElement, ...document.querySelectorAll('#messages, #home, #modal[open], .modal-body')]"
        )
        assert self.page.evaluate(f"{over}.filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.id)") == []


@pytest.fixture(params=LOOKS)
def screen(request: pytest.FixtureRequest, browser: Browser, office: LargeOffice) -> Iterator[Screen]:
    scheme, size = LOOKS[request.param]
    context = browser.new_context(color_scheme=scheme, viewport=size)
    context.set_default_timeout(1000 * DEADLINE)
    yield Screen(context.new_page(), office, request.param)
    context.close()


def old(office: LargeOffice, look: str) -> str:
    """Another VM, with three old checkpoints that nobody looks after."""
    vm = f"old-{look}"
    past = [Past(name, days * DAY, 3 * GB) for name, days in (("nginx", 60), ("patches", 50), ("upgrade", 40))]
    add_vm(office.hosts["hv01"], vm, past=past)
    office.bot.inventory.refresh(disks=True)
    return vm


def test_somebody_takes_a_checkpoint_on_the_first_try_and_mends_a_mistake(screen: Screen, office: LargeOffice) -> None:
    modal, name = screen.modal, f"before the {screen.look} form"
    screen.sit_down("ada")
    screen.type("/checkpoint")
    expect(modal.get_by_role("heading", name="Take a checkpoint")).to_be_visible()
    screen.look_for("shop43", screen.options, 100)
    screen.fits("search")
    screen.search("shop4321", "shop4321")
    screen.search("web01", "web01 · hv01")
    modal.get_by_label("Name").fill(name)
    screen.fits("form")
    modal.get_by_role("button", name="Take it").click()
    expect(modal).to_be_hidden()
    expect(screen.message("Took", name)).to_be_visible()
    office.bot.inventory.refresh()

    screen.page.locator("#shortcuts").select_option(label="Take a checkpoint")
    modal.get_by_label("Channel").select_option(label="#ops")
    screen.search("web01", "web01 · hv01")
    modal.get_by_label("Name").fill(name)
    screen.submit_until(modal.get_by_text(f"already has a checkpoint called {name}"))
    screen.fits("mistake")
    modal.get_by_label("Name").fill(f"mended {screen.look}")
    modal.get_by_role("button", name="Take it").click()
    expect(modal).to_be_hidden()
    expect(screen.message("Took", f"mended {screen.look}")).to_be_visible()


def test_a_second_person_approves_and_refuses(screen: Screen) -> None:
    wanted, unwanted = f"yes-{screen.look}", f"no-{screen.look}"
    screen.sit_down("ada")
    for name in (wanted, unwanted):
        screen.type(f"/checkpoint dc01 {name}")
        expect(screen.message(name).get_by_role("button", name="Approve")).to_be_visible()
    screen.sit_down("oncall")
    screen.fits("approval")
    screen.press(screen.message(wanted, "Approve"), "Approve")
    expect(screen.message("Took", wanted)).to_be_visible()

    screen.press(screen.message(unwanted, "Approve"), "Refuse")
    expect(screen.modal).to_contain_text(unwanted)
    screen.modal.get_by_role("textbox", name="Why?").fill("Not on a Friday")
    screen.fits("reason")
    screen.press(screen.modal, "Refuse")
    expect(screen.modal).to_be_hidden()
    expect(screen.message(unwanted, "refused", "Not on a Friday")).to_be_visible()


def test_somebody_claims_keeps_and_deletes_from_the_digest(screen: Screen, office: LargeOffice) -> None:
    vm = old(office, screen.look)
    screen.sit_down("ada")
    screen.type("/checkpoint digest")
    digest = screen.message("Checkpoint digest", f"{vm}: upgrade")
    expect(digest).to_be_visible()
    screen.fits("digest")

    def choose(checkpoint: str, what: str) -> None:
        item = digest.locator(".b-section").filter(has_text=f"{vm}: {checkpoint}")
        item.get_by_label("More actions").select_option(label=what)

    choose("nginx", "Claim")
    expect(screen.message(vm, "nginx", "from now on")).to_be_visible()
    choose("patches", "Keep 7 days")
    expect(screen.message(f"patches of {vm} is kept until")).to_be_visible()
    choose("upgrade", "Delete")
    screen.press(screen.message(f"Delete upgrade of {vm}?"), "Delete")
    expect(screen.message("Deleted upgrade", vm)).to_be_visible()
    screen.fits("acted on")
    (left,) = (one for one in office.hosts["hv01"].all() if one.name == vm)
    assert [one.name for one in left.ordered()] == ["nginx", "patches"]


def test_somebody_claims_keeps_and_deletes_from_the_home_tab(screen: Screen, office: LargeOffice) -> None:
    kept, gone, lost = f"kept-{screen.look}", f"gone-{screen.look}", f"lost-{screen.look}"
    add_vm(office.hosts["hv01"], f"attic-{screen.look}", past=[Past(lost, 400 * DAY, GB)])
    for name in (kept, gone):
        office.sandbox.command("oncall", "ops", f"/checkpoint web02 {name}")
        office.sandbox.wait_for(
            lambda name=name: [m for m in office.sandbox.messages("ops") if f"Took {name}" in m.seen]
        )
    office.bot.inventory.refresh(disks=True)
    screen.sit_down("oncall")
    screen.open_home()
    expect(screen.home.get_by_text(kept)).to_be_visible()
    screen.fits("home")

    def choose(checkpoint: str, what: str) -> None:
        screen.home.locator(f".b-section:has-text('{checkpoint}') select").select_option(label=what)

    choose(lost, "Claim …")
    expect(screen.modal.get_by_role("heading", name="Claim a checkpoint")).to_be_visible()
    screen.press(screen.modal, "Claim")
    expect(screen.modal).to_be_hidden()
    expect(screen.home.locator(f".b-section:has-text('{lost}') option", has_text="Claim")).to_have_count(0)

    choose(kept, "Keep …")
    expect(screen.modal.get_by_role("heading", name="Keep a checkpoint")).to_be_visible()
    screen.fits("keep")
    screen.press(screen.modal, "Keep")
    expect(screen.modal).to_be_hidden()
    expect(screen.home.locator(f".b-section:has-text('{kept}')")).to_contain_text("wanted forever")

    choose(gone, "Delete …")
    expect(screen.modal.get_by_role("heading", name="Delete a checkpoint")).to_be_visible()
    screen.fits("delete")
    screen.press(screen.modal, "Delete")
    expect(screen.modal).to_be_hidden()
    screen.press(screen.home.locator(f".b-rich:has-text('Delete {gone}') + .b-actions"), "Delete")
    expect(screen.home.get_by_text(gone)).to_have_count(0)
    assert gone not in {one.name for vm in office.hosts["hv01"].all() for one in vm.ordered()}


def test_a_guest_is_refused_politely(screen: Screen) -> None:
    screen.sit_down("guest")
    screen.type("/checkpoint web01")
    expect(screen.message("Only visible to you", "guests cannot use me")).to_be_visible()
    screen.page.locator("#shortcuts").select_option(label="Take a checkpoint")
    screen.open_home()
    expect(screen.home.get_by_text("guests cannot use me")).to_be_visible()
    expect(screen.home.get_by_role("button")).to_have_count(0)
    expect(screen.modal).to_be_hidden()
    screen.fits("guest")
