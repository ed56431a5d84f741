"""The whole bot, from Slack to a host that only a worker at its site reaches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.demo.postgres import Postgres
from tests.support.postgres import database
from tests.support.site_office import SiteOffice
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def shared(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteOffice]:
    with SiteOffice(tmp_path_factory.mktemp("site"), database(postgres)) as office:
        yield office


@pytest.fixture
def office(shared: SiteOffice) -> Iterator[SiteOffice]:
    shared.move_to_a_new_channel()
    shared.start_worker()
    with shared.vms_of_a_test():
        yield shared


def test_a_checkpoint_is_taken_and_applied_at_a_site_and_what_no_grant_allows_is_refused(office: SiteOffice) -> None:
    office.add_vm("shop01", Past("older", 3 * DAY))

    with office.nothing_changes():
        assert "No grant lets you take" in office.ask("viewer", "/checkpoint shop01 mine")
    office.type("ada", "/checkpoint shop01 first")
    office.wait_for_text("Took first of shop01")
    office.type("ada", "/checkpoint apply shop01 older")
    office.press("ada", "Apply")
    office.wait_for_text("shop01 is back at older, and is running.")

    first, second, third = office.checkpoints("shop01")
    assert (first, second, third.split()[0]) == ("older", "first", "safety")
    assert office.newest_change().state == "succeeded"


def test_a_change_whose_worker_is_killed_is_unknown_and_is_settled_when_a_worker_is_back(office: SiteOffice) -> None:
    office.add_vm("shop02")
    faults = office.host("hv01").faults
    office.arm(FaultKind.HANG, "Checkpoint-VM")
    office.type("ada", "/checkpoint shop02 once")
    wait_until(lambda: faults.armed(FaultKind.HANG, "Checkpoint-VM") is None)

    office.kill_worker()
    faults.release()
    wait_until(lambda: office.newest_change().state == "unknown")
    office.wait_for_text("shop02", "outcome unknown")
    office.start_worker()

    office.wait_for_text("Took once of shop02")
    assert office.newest_change().state == "succeeded"
    assert office.checkpoints("shop02") == ["once"]


def test_a_site_that_is_cut_off_is_said_and_kept_as_last_seen_and_heals_by_itself(office: SiteOffice) -> None:
    office.add_vm("shop03", Past("older", 3 * DAY))
    assert "shop03" in office.ask("ada", "/checkpoint list shop03")
    office.clock.forward(seconds=10)
    office.kill_worker()

    with office.nothing_changes():
        listed = office.ask("ada", "/checkpoint list")
        refused = office.ask("ada", "/checkpoint shop03 x")

    assert "shop03 | hv01" in listed
    assert "hv01 could not be asked, shown as seen at" in listed
    assert "No worker of the site lyon is connected" in refused
    assert "Nothing was changed" in refused
    office.start_worker()
    office.clock.forward(seconds=10)
    office.type("ada", "/checkpoint shop03 again")
    office.wait_for_text("Took again of shop03")
