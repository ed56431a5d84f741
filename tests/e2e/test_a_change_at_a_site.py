"""The whole bot, from Slack to a host and a cluster that only a worker at their site reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
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


def test_a_change_on_a_cluster_at_a_site_goes_on_on_the_node_to_which_its_vm_moves_meanwhile(
    office: SiteOffice,
) -> None:
    vm = office.add_clustered_vm("shop05")
    here = office.host("hv11").faults
    office.arm(FaultKind.HANG, "Checkpoint-VM", host="hv11")
    office.type("ada", "/checkpoint prod/shop05 once")
    wait_until(lambda: here.armed(FaultKind.HANG, "Checkpoint-VM") is None)

    office.cluster.move(vm.id, "hv12")
    here.release()

    office.wait_for_text("Took once of shop05")
    assert office.newest_change().state == "succeeded"
    assert office.checkpoints("shop05", "hv12") == ["once"]
    office.clock.forward(seconds=10)
    assert "shop05" in office.ask("ada", "/checkpoint list --host hv12")
    hosts = office.ask("ada", "/checkpoint hosts")
    assert all(f"{node} | up" in hosts.replace("└ ", "") for node in ("hv11", "hv12")), hosts


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


def test_a_forged_answer_lets_nothing_go_and_a_change_that_is_set_back_is_not_made_again(
    office: SiteOffice, caplog: pytest.LogCaptureFixture
) -> None:
    office.add_vm("shop04", Past("older", 3 * DAY))
    office.type("ada", "/checkpoint delete shop04 older")
    office.wait_for_text("Delete older of shop04?")
    change = office.newest_change()

    with office.nothing_changes(), psycopg.connect(office.url, autocommit=True) as database:
        database.execute(FORGE.encode(), [f"{change.id}-forged", forged_answer(change.id)])
        wait_until(lambda: FORGED in caplog.text)
        wait_until(lambda: standing(database, f"{change.id}-forged") == "ERROR")
    assert office.newest_change().state == "awaiting"

    office.press("ada", "Delete")
    office.wait_for_text("Deleted older of shop04")
    taken = f"{change.id}-0"
    with office.nothing_changes(), psycopg.connect(office.url, autocommit=True) as database:
        wait_until(lambda: standing(database, taken) == "SUCCESS")
        database.execute("DELETE FROM dbos.operation_outputs WHERE workflow_uuid = %s", [taken])
        database.execute(SET_BACK.encode(), [taken])
        wait_until(lambda: standing(database, taken) == "SUCCESS")
    assert office.newest_change().state == "succeeded"


FORGED = "A row of the bot's jobs in the database is forged, and nothing is done with it"
FORGE = """
INSERT INTO dbos.workflow_status
  (workflow_uuid, status, name, queue_name, inputs, serialization, created_at, updated_at)
VALUES (%s, 'ENQUEUED', 'answer', 'later', %s, 'checkpointbot_json', 1, 1)
"""
SET_BACK = "UPDATE dbos.workflow_status SET status = 'ENQUEUED', queue_name = 'later' WHERE workflow_uuid = %s"


def forged_answer(change_id: str) -> str:
    """As the bot itself would write it, but for the signature."""
    given = {"word": "confirm", "person_id": "U0ADA0001", "person_name": "Ada", "at": datetime.now(UTC).isoformat()}
    args = [change_id, {"$": "answer", "value": given}]
    return json.dumps({"version": 1, "value": {"args": args, "kwargs": {}}})


def standing(database: psycopg.Connection[Any], workflow_id: str) -> str:
    found = database.execute("SELECT status FROM dbos.workflow_status WHERE workflow_uuid = %s", [workflow_id])
    return str((found.fetchone() or [""])[0])
