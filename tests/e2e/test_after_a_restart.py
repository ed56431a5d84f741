"""What waits for a person survives the bot; what nobody answered ends."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import Ledger
from bot.settings import ConfirmationSettings
from tests.support.office import Office


def test_a_card_can_be_answered_after_a_restart(data_dir: Path) -> None:
    with Office(data_dir) as office:
        office.add_vm("shop01", Past("before-upgrade", 3 * DAY))
        office.type("ada", "/checkpoint apply shop01 before-upgrade")
        card = office.wait_for_text("Apply before-upgrade to shop01?")

        office.restart()
        office.press("ada", "Apply")

        done = office.wait_for_text("shop01 is back at before-upgrade, and is running.")
        assert done.ts == card.ts
        assert office.newest_change().state == "succeeded"


def test_an_answer_after_the_time_is_over_changes_nothing(data_dir: Path) -> None:
    with Office(data_dir) as office:
        office.add_vm("shop01", Past("before-upgrade", 3 * DAY))
        office.type("ada", "/checkpoint apply shop01 before-upgrade")
        card = office.wait_for_text("Apply before-upgrade to shop01?")
        button = next(e["action_id"] for _, e in card.elements() if e["text"]["text"] == "Apply")
        office.clock.forward(minutes=11)

        with office.nothing_changes():
            office.restart()
            office.sandbox.press("ada", card, button, forged=True)
            office.wait_for_text("Apply before-upgrade to shop01: expired", "Nothing was changed.")

        assert office.newest_change().state == "expired"


def test_a_card_that_nobody_answers_expires_by_itself(data_dir: Path) -> None:
    with Office(data_dir, confirmation=ConfirmationSettings(expires_after=timedelta(seconds=1))) as office:
        office.add_vm("shop01", Past("before-upgrade", 3 * DAY))

        with office.nothing_changes():
            office.type("ada", "/checkpoint delete shop01 before-upgrade")
            message = office.wait_for_text("Delete before-upgrade of shop01: expired")

        assert "Nobody answered in time. Nothing was changed." in message.seen
        assert "Delete" not in message.buttons


def test_the_record_is_whole_after_a_restart(data_dir: Path) -> None:
    with Office(data_dir) as office:
        office.add_vm("shop01")
        office.type("ada", "/checkpoint shop01 first")
        office.wait_for_text("Took first of shop01")
        office.restart()
        office.type("ada", "/checkpoint shop01 second")
        office.wait_for_text("Took second of shop01")
        assert "take first of shop01" in office.ask("ada", "/checkpoint history shop01")

    with Ledger(data_dir / "ledger.db", clock=office.clock, read_only=True) as ledger:
        assert ledger.audit.verify().whole
