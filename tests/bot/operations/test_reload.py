"""Settings that are read anew while the bot runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.operations.reload import Reloadable
from bot.people.access import described
from bot.settings import AccessSettings, Settings, SettingsError
from bot.slack.pace import Pace
from bot.wiring import Bot
from tests.support import jobs
from tests.support.office import Office
from tests.support.settings import owners, viewers
from tests.support.waiting import OFTEN


@dataclass
class World:
    office: Office
    running: Reloadable
    settings: Settings
    wrong: bool = False

    def load(self) -> Settings:
        if self.wrong:
            raise SettingsError(["hosts.0.port: must be between 1 and 65535"])
        return self.settings


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    def make(settings: Settings) -> Bot:
        return Bot(settings, pace=Pace(interval=0.02, update_interval=0.06), wait=False, seldom=OFTEN)

    with Office(tmp_path_factory.mktemp("reload") / "data", with_bot=False) as office:
        made = World.__new__(World)
        made.office, made.settings, made.wrong = office, jobs.placed(office.settings), False
        made.running = Reloadable(made.settings, made.load, make)
        made.running.start(threading.Event())
        yield made
        made.running.stop()


def lines(world: World) -> list[str]:
    found = world.running.bot.ledger.history.find(limit=50)
    return [entry.result for entry in found if entry.summary == "read the settings anew"]


def test_wrong_settings_leave_the_bot_as_it_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    before = world.running.bot
    world.wrong = True
    try:
        assert not world.running.reload()
    finally:
        world.wrong = False

    assert world.running.bot is before
    assert "the old ones stay: hosts.0.port: must be between 1 and 65535" in caplog.text


def test_a_data_folder_is_not_changed_in_mid_run(world: World, caplog: pytest.LogCaptureFixture) -> None:
    before, right = world.running.bot, world.settings
    world.settings = right.model_copy(update={"data_dir": Path("/elsewhere")})
    try:
        assert not world.running.reload()
    finally:
        world.settings = right

    assert world.running.bot is before
    assert "data_dir and database_url hold from a start on" in caplog.text


def test_new_grants_hold_and_stand_in_the_ledger(world: World) -> None:
    world.settings = world.settings.model_copy(update={"access": AccessSettings(grants=(viewers("U0NEWCOME"),))})

    assert world.running.reload()

    assert "viewer" in world.office.ask("newcomer", "/checkpoint whoami")
    assert world.running.lives() == {"slack": True, "scheduler": True}
    assert lines(world) == ["U0NEWCOME is viewer (view) of *."]
    assert world.running.bot.ledger.audit.verify().whole


def test_settings_that_slack_refuses_give_way_to_the_old_ones(world: World, caplog: pytest.LogCaptureFixture) -> None:
    right = world.settings
    slack = right.slack.model_copy(update={"bot_token": SecretStr("xoxb-another")})
    world.settings = right.model_copy(update={"slack": slack})
    try:
        with caplog.at_level(logging.ERROR):
            assert not world.running.reload()
    finally:
        world.settings = right

    assert "cannot start with the new settings, so the old ones stay" in caplog.text
    assert world.running.lives() == {"slack": True, "scheduler": True}


def test_who_may_do_what_is_said_in_a_line() -> None:
    access = AccessSettings(grants=(owners("S0VMADMIN", "U0ADA0001", vms=("web*", "db1")),))

    assert described(access).startswith("S0VMADMIN, U0ADA0001 are owner (view, create, ")
    assert described(access).endswith(" of web*, db1.")
    assert described(AccessSettings()) == "Nobody may do anything."
