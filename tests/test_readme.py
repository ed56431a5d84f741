"""The README promises nothing that is not there, and agrees with the app's manifest."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest
import yaml

from bot.ledger import ChangeState
from bot.sandbox import Sandbox
from bot.sandbox.events import RETRIES
from bot.sandbox.methods.scheduled import FARTHEST
from bot.sandbox.pace import Pace
from bot.sandbox.people import TRIGGER_LIFE
from bot.sandbox.response_urls import LIFE
from bot.sandbox.socket_mode import MOST_CONNECTIONS, TICKET_LIFE
from bot.sandbox.state import Hook
from bot.sandbox.viewing import MOST_VIEWS
from bot.slack.render.limits import TEXT_AT_UPDATE
from bot.slack.render.limits.message import ATTACHMENTS, BLOCKS_TOGETHER, MARKDOWN_TOGETHER, MESSAGE_BLOCKS
from bot.slack.render.limits.tables import CELLS_TOGETHER
from bot.slack.render.limits.view import VIEW_BLOCKS, VIEW_BYTES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANIFEST = yaml.safe_load((ROOT / "app.yaml").read_text(encoding="utf-8"))
ROOMS = re.findall(r"^\| `([\w/]+)/` \| (.*) \|$", README, re.MULTILINE)


def test_the_bot_is_invited_by_the_name_that_the_manifest_gives_it() -> None:
    name = MANIFEST["features"]["bot_user"]["display_name"]
    assert set(re.findall(r"/invite (@[\w-]+)", README)) == {f"@{name}"}


def test_the_command_is_the_one_of_the_manifest() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    assert f"{command['command']} web01 before-upgrade" in README


def test_nothing_is_installed_from_a_registry_that_does_not_have_it() -> None:
    assert not re.search(r"(pip|pipx|uv tool) install (hyperv-checkpoint-bot|checkpointbot)", README)
    assert "git clone" in README


def test_the_test_command_stands_alone_in_its_line() -> None:
    """So that continuous integration runs what people read."""
    assert "\npip install uv && uv run pytest\n" in README


@pytest.mark.parametrize("reader", ["new here", "a Windows administrator", "a developer with one VM", "on call"])
def test_each_reader_is_sent_to_a_place_that_there_is(reader: str) -> None:
    (anchor,) = re.findall(rf"^\| {reader}[^|]*\| \[[^\]]*\]\(#([\w-]+)\)", README, re.MULTILINE)
    assert anchor in {slug(title) for title in re.findall(r"^#+ (.*)$", README, re.MULTILINE)}


@pytest.mark.parametrize("state", ChangeState)
def test_the_runbook_tells_what_every_state_means(state: ChangeState) -> None:
    runbook = README.partition("\n## On call\n")[2].partition("\n## ")[0]
    assert any(state in row.split("|")[2] for row in runbook.splitlines() if row.startswith("| "))


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        (
            "Acknowledgements",
            (
                f"{signature(Sandbox).parameters['ack_timeout'].default:g} seconds",
                *(f"{t:g} seconds" for t in RETRIES[1:]),
            ),
        ),
        ("Socket Mode", (f"{TICKET_LIFE:g} seconds", f"{MOST_CONNECTIONS} connections")),
        ("`trigger_id`", (f"{TRIGGER_LIFE:g} seconds",)),
        ("`response_url`", (f"{Hook.__dataclass_fields__['uses_left'].default} uses", f"{LIFE / 60:g} minutes")),
        ("Rates", (f"bursts of {Pace(float).burst:g}",)),
        ("Messages", (f"{MESSAGE_BLOCKS} blocks", f"{ATTACHMENTS} attachments", f"{BLOCKS_TOGETHER:,} characters")),
        ("Messages", (f"{MARKDOWN_TOGETHER:,} of Markdown", *(f"{most:,} in" for most in CELLS_TOGETHER.values()))),
        ("Messages", (f"a text of {TEXT_AT_UPDATE:,} characters", f"{FARTHEST // 86_400} days")),
        ("Modals and Home", (f"{MOST_VIEWS} modals", f"{VIEW_BLOCKS} blocks", f"{VIEW_BYTES:,} bytes")),
    ],
)
def test_what_the_sandbox_enforces_has_the_figures_of_the_code(row: str, figures: tuple[str, ...]) -> None:
    told = README.partition("\n### What the sandbox enforces\n")[2].partition("\n### ")[0]
    (line,) = (line for line in told.splitlines() if line.startswith(f"| {row} | "))
    assert [figure for figure in figures if figure not in line] == []


@pytest.mark.parametrize(("room", "purpose"), ROOMS)
def test_the_rooms_and_their_modules_are_there(room: str, purpose: str) -> None:
    assert (ROOT / room).is_dir()
    for name in re.findall(r"`([a-z_]+)/?`", purpose):
        places = (ROOT / room / name, ROOT / room / f"{name}.py")
        assert any(place.exists() for place in places), f"{room} has no {name}"


def test_no_room_is_left_out() -> None:
    rooms = {f"bot/{folder.name}" for folder in (ROOT / "bot").iterdir() if (folder / "__init__.py").exists()}
    assert rooms <= {room for room, _ in ROOMS}


def test_every_link_to_a_file_leads_to_one() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def slug(title: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
