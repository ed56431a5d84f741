"""The bot's own jobs in a database that somebody else writes into: a row commands nothing, and is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from backends.sites.jobs import FILE, jobs_key
from backends.sites.signing import Forged
from bot.changes.workflow import KINDS
from bot.durable import Durable
from tests.support.waiting import DEADLINE, wait_until

FORGED = "A row of the bot's jobs in the database is forged, and nothing is done with it"
STATUS, INPUT, STEPS = "dbos.workflow_status", "dbos.workflow_input", "dbos.operation_outputs"


class Jobs:
    """Workflows of a bot that write down what they do, and the database as whoever may write into it sees it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.done: list[tuple[str, object]] = []
        self.inside, self.go_on = Event(), Event()
        self.durable = Durable(url, KINDS, is_store_trouble=lambda _error: False, seldom=0.05, key=jobs_key(folder))

        @self.durable.workflow("delete")
        def delete(vm: str) -> None:
            self.done.append(("delete", vm))

        @self.durable.workflow("show")
        def show(vm: str) -> None:
            self.done.append(("show", vm))

        @self.durable.workflow("two steps")
        def two_steps() -> None:
            found = self.durable.step("look", lambda: "web01")
            self.inside.set()
            assert self.go_on.wait(DEADLINE)
            self.done.append(("two steps", self.durable.step("act", lambda: found)))

        self.delete, self.show, self.two_steps = delete, show, two_steps
        self.durable.launch()

    def sql(self, asked: str, *given: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as database:
            done = database.execute(asked.encode(), given)
            return done.fetchall() if done.description else []

    def again(self, workflow_id: str, **columns: object) -> None:
        """As though it were still to be begun."""
        new = {"status": "ENQUEUED", "queue_name": "later", "recovery_attempts": 0, **columns}
        names = ", ".join(f"{name} = %s" for name in new)
        self.sql(f"UPDATE {STATUS} SET {names} WHERE workflow_uuid = %s", *new.values(), workflow_id)

    def status(self, workflow_id: str) -> str:
        return str(self.sql(f"SELECT status FROM {STATUS} WHERE workflow_uuid = %s", workflow_id)[0][0])

    def over(self, workflow_id: str) -> None:
        wait_until(lambda: self.status(workflow_id) in ("SUCCESS", "ERROR"))


@pytest.fixture
def jobs(database_url: str, tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(database_url, tmp_path)
    yield made
    made.go_on.set()
    made.durable.stop(0.0)


def begun(jobs: Jobs) -> None:
    jobs.durable.start("one", jobs.show, "web01")
    jobs.over("one")
    assert jobs.done == [("show", "web01")]
    jobs.done.clear()


def altered_input(jobs: Jobs) -> None:
    jobs.sql(f"UPDATE {INPUT} SET inputs = replace(inputs, 'web01', 'sql01') WHERE workflow_uuid = 'one'")
    jobs.again("one")


def unsigned_input(jobs: Jobs) -> None:
    plain = json.dumps({"version": 1, "value": {"args": ["sql01"], "kwargs": {}}})
    jobs.sql(f"UPDATE {INPUT} SET inputs = %s WHERE workflow_uuid = 'one'", plain)
    jobs.again("one")


def portable_input(jobs: Jobs) -> None:
    plain = json.dumps({"positionalArgs": ["sql01"], "namedArgs": {}})
    jobs.sql(f"UPDATE {INPUT} SET inputs = %s WHERE workflow_uuid = 'one'", plain)
    jobs.again("one", serialization="portable_json")


def another_workflow(jobs: Jobs) -> None:
    jobs.again("one", name="delete")


def another_id(jobs: Jobs) -> None:
    """A row that was signed, put there a second time."""
    for table in (STATUS, INPUT):
        jobs.sql(f"UPDATE {table} SET workflow_uuid = 'two' WHERE workflow_uuid = 'one'")
    jobs.again("two")


FORGERIES = (altered_input, unsigned_input, portable_input, another_workflow, another_id)


def test_a_forged_job_moves_nothing_and_is_told(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    begun(jobs)
    kept = jobs.sql(f"SELECT i.inputs, serialization FROM {INPUT} i JOIN {STATUS} USING (workflow_uuid)")

    for forge in FORGERIES:
        caplog.clear()
        forge(jobs)
        (workflow_id,) = jobs.sql(f"SELECT workflow_uuid FROM {STATUS}")[0]
        wait_until(lambda: FORGED in caplog.text)
        jobs.over(workflow_id)
        assert jobs.done == [], forge.__name__
        jobs.sql(f"UPDATE {INPUT} SET workflow_uuid = 'one'")
        jobs.sql(f"UPDATE {STATUS} SET workflow_uuid = 'one', name = 'show', serialization = %s", kept[0][1])
        jobs.sql(f"UPDATE {INPUT} SET inputs = %s", kept[0][0])


def swapped(jobs: Jobs) -> None:
    jobs.sql(
        f"UPDATE {STEPS} SET output = (SELECT output FROM {STEPS} WHERE workflow_uuid = 'other' LIMIT 1) "
        "WHERE workflow_uuid = 'one'"
    )


def altered(jobs: Jobs) -> None:
    jobs.sql(f"UPDATE {STEPS} SET output = replace(output, 'web01', 'sql01') WHERE workflow_uuid = 'one'")


@pytest.mark.parametrize("forge", [swapped, altered])
def test_what_a_step_gave_counts_for_nothing_once_it_is_forged(
    jobs: Jobs, forge: Callable[[Jobs], None], caplog: pytest.LogCaptureFixture
) -> None:
    jobs.go_on.set()
    for workflow_id in ("other", "one"):
        jobs.durable.start(workflow_id, jobs.two_steps)
        jobs.over(workflow_id)
    jobs.done.clear()

    forge(jobs)
    jobs.again("one")

    wait_until(lambda: FORGED in caplog.text)
    jobs.over("one")
    assert jobs.done == []
    assert jobs.status("one") == "ERROR"


def test_a_job_that_is_set_back_gives_what_its_steps_gave(jobs: Jobs) -> None:
    jobs.go_on.set()
    jobs.durable.start("one", jobs.two_steps)
    jobs.over("one")
    jobs.again("one")
    wait_until(lambda: jobs.status("one") == "SUCCESS" and len(jobs.done) == 2)

    assert jobs.done == [("two steps", "web01")] * 2  # replayed, not done again
    assert jobs.durable.arguments("one") == ()


def test_the_key_is_made_once_and_for_this_account_alone(tmp_path: Path) -> None:
    letter = jobs_key(tmp_path).sign("job", value=1)

    assert jobs_key(tmp_path).open(letter)[1]["value"] == 1
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(Forged):
        jobs_key(tmp_path / "elsewhere").open(letter)
