"""What stands between bot and worker: who may move something, and what is said when one of them is away."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from dbos._serialization import DefaultSerializer

from backends.base import Backend, BackendError, Checkpoint, OperationFailed, UnknownOutcome, Unreachable
from backends.simulator.fleets.seed import add_vm
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller
from backends.sites.calls import METHODS, Method
from backends.sites.database import CALL, SCHEMA, migrating, queue_of
from backends.sites.signing import VERSION, Forged, Key, Newer
from bot.demo.postgres import Postgres
from tests.backends.sites.conftest import HASTY, SECRET, Site
from tests.support.waiting import DEADLINE, wait_until

COLUMNS = "workflow_uuid, status, name, queue_name, inputs, serialization, created_at, updated_at, application_version"


def rows(site: Site, asked: str, *given: object) -> list[tuple[Any, ...]]:
    """What whoever may write into the database does there."""
    with psycopg.connect(site.url, autocommit=True) as database:
        done = database.execute(asked.encode(), given)
        return done.fetchall() if done.description else []


def put_call(site: Site, call_id: str, letter: str, *, serialization: str = "checkpointbot_signed") -> None:
    """A row as DBOS writes it."""
    inputs = json.dumps({"args": [letter], "kwargs": {}}) if serialization == "checkpointbot_signed" else letter
    rows(
        site,
        f"INSERT INTO {SCHEMA}.workflow_status ({COLUMNS}) VALUES (%s, 'ENQUEUED', %s, %s, %s, %s, %s, %s, NULL)",
        *(call_id, CALL, queue_of("lyon"), inputs, serialization),
        *(int(datetime.now(UTC).timestamp() * 1000),) * 2,
    )


def call_letter(key: Key, call_id: str, vm_id: str) -> str:
    return key.sign(
        *("call",),
        id=call_id,
        site="lyon",
        host="hv01",
        method="create",
        arguments={"vm_id": vm_id, "name": "forged"},
        at=datetime.now(UTC).isoformat(),
    )


def over(site: Site, call_id: str) -> bool:
    return rows(site, f"SELECT status FROM {SCHEMA}.workflow_status WHERE workflow_uuid = %s", call_id)[0][0] in (
        "SUCCESS",
        "ERROR",
    )


# ---------------------------------------------------------------- who may move something


def unsigned(site: Site, call_id: str, vm_id: str) -> str:
    return json.dumps({"kind": "call", "body": "{}", "by": "0"})


def signed_by_another_key(site: Site, call_id: str, vm_id: str) -> str:
    return call_letter(Key("lyon", "another key"), call_id, vm_id)


def of_another_site(site: Site, call_id: str, vm_id: str) -> str:
    return call_letter(Key("nice", SECRET), call_id, vm_id)


def altered(site: Site, call_id: str, vm_id: str) -> str:
    return call_letter(site.key, call_id, vm_id).replace("forged", "other")


def of_another_call(site: Site, call_id: str, vm_id: str) -> str:
    return call_letter(site.key, "another", vm_id)


@pytest.mark.parametrize("forge", [unsigned, signed_by_another_key, of_another_site, altered, of_another_call])
def test_a_forged_row_moves_nothing_and_is_told_at_both_ends(
    site: Site, forge: Callable[[Site, str, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    vm, call_id = add_vm(site.host, "web01"), str(uuid.uuid4())
    site.backend.vm(vm.id)  # so that the bot listens

    put_call(site, call_id, forge(site, call_id, vm.id))

    wait_until(lambda: "was forged, and was not carried out" in caplog.text)
    wait_until(lambda: over(site, call_id))
    assert "A call in the database is forged" in caplog.text
    assert site.host.all()[0].ordered() == []


def test_a_call_that_the_bot_signed_and_does_not_wait_for_is_not_carried_out(site: Site) -> None:
    """A row of an earlier call that somebody has put there again, for instance."""
    vm = add_vm(site.host, "web01")
    taken = site.backend.create(vm.id, "once")
    ((call_id, inputs),) = rows(
        site,
        f"SELECT workflow_uuid, i.inputs FROM {SCHEMA}.workflow_status JOIN {SCHEMA}.workflow_input i "
        "USING (workflow_uuid) ORDER BY created_at DESC LIMIT 1",
    )
    rows(site, f"DELETE FROM {SCHEMA}.workflow_status WHERE workflow_uuid = %s", call_id)

    put_call(site, call_id, json.loads(inputs)["args"][0])

    wait_until(lambda: over(site, call_id))
    assert [one.id for one in site.host.all()[0].ordered()] == [taken.id]


def test_a_pickle_in_a_row_is_not_loaded(site: Site) -> None:
    call_id = str(uuid.uuid4())

    put_call(site, call_id, DefaultSerializer().serialize({"args": (TRAP,), "kwargs": {}}), serialization="py_pickle")

    wait_until(lambda: over(site, call_id))
    assert SPRUNG == []


SPRUNG: list[str] = []


class Trap:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return SPRUNG.append, ("sprung",)


TRAP = Trap()

ALTER = f"""
CREATE FUNCTION {SCHEMA}.alter_answer() RETURNS trigger AS $$
BEGIN NEW.output := replace(NEW.output, 'web01', 'web66'); RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE TRIGGER altered BEFORE INSERT ON {SCHEMA}.operation_outputs FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.alter_answer()
"""


def test_an_altered_answer_counts_for_nothing_and_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    vm = add_vm(site.host, "web01")
    for one in ALTER.strip().split("\n\n"):
        rows(site, one)
    try:
        with pytest.raises(OperationFailed, match="somebody else writes there") as looked:
            site.backend.vm(vm.id)
        with pytest.raises(UnknownOutcome, match="somebody else writes there"):
            site.backend.create(vm.id, "web01-before")
    finally:
        rows(site, f"DROP TRIGGER altered ON {SCHEMA}.operation_outputs")
        rows(site, f"DROP FUNCTION {SCHEMA}.alter_answer")

    assert looked.value.unchanged
    assert "The answer to a call to hv01 in the database is forged" in caplog.text
    assert len(site.host.all()[0].ordered()) == 1


def test_nothing_secret_stands_in_the_database(site: Site) -> None:
    site.backend.inventory()

    tables = rows(site, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", SCHEMA)
    assert len(tables) > 5
    for (table,) in tables:
        assert SECRET not in str(rows(site, f"SELECT * FROM {SCHEMA}.{table}"))


def test_what_was_signed_is_opened_as_what_it_is(site: Site) -> None:
    text = site.key.sign("go", id="1", nonce="2")

    assert site.key.open(text) == ("go", {"version": 1, "id": "1", "nonce": "2"})
    with pytest.raises(Forged):
        site.key.open(text.replace('"go"', '"end"'))
    with pytest.raises(Newer):
        site.key.open(site.key.sign("go", version=VERSION + 1))


# ---------------------------------------------------------------- what is said


def test_a_site_without_a_worker_is_like_a_host_that_is_down(site: Site) -> None:
    caller = Caller(site.url, {"nice": Key("nice", SECRET)}, patience=HASTY)

    for ask in (SiteBackend("hv09", "nice", caller).inventory, SiteBackend("hv09", "nice", caller).end_lost_calls):
        with pytest.raises(Unreachable, match=r"No worker of the site .*nice.* is connected") as refused:
            ask()
        assert refused.value.unchanged
    caller.close()


def test_a_host_that_the_worker_does_not_know_is_said_to_be_added(site: Site) -> None:
    with pytest.raises(Unreachable, match=r"does not know .*hv99.*: add it to its settings"):
        SiteBackend("hv99", "lyon", site.caller).inventory()


def written_as(version: int, kinds: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is of these kinds is signed as another version of the program does it."""
    original = Key.sign

    def sign(key: Key, kind: str, **body: object) -> str:
        return original(key, kind, **{**body, "version": version} if kind in kinds else body)

    monkeypatch.setattr(Key, "sign", sign)


BY_BOTS, BY_WORKERS = frozenset({"call", "go", "who", "end"}), frozenset({"ask", "here", "ended", "result", "error"})


def test_a_worker_that_is_older_than_the_bot_is_said_to_be_upgraded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_as(VERSION + 1, BY_BOTS, monkeypatch)

    with pytest.raises(Unreachable, match=r"The worker of the site .*lyon.* is older than its bot.*upgrade the worker"):
        site.backend.inventory()


def test_a_bot_that_is_older_than_the_worker_is_said_to_be_upgraded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm = add_vm(site.host, "web01")
    written_as(VERSION + 1, BY_WORKERS, monkeypatch)

    with pytest.raises(Unreachable, match=r"The bot of the site .*lyon.* is older than its worker.*upgrade the bot"):
        site.backend.create(vm.id, "once")
    assert site.host.all()[0].ordered() == []


@pytest.mark.parametrize("by", [BY_BOTS, BY_WORKERS], ids=["an older bot", "an older worker"])
def test_an_older_one_is_understood(site: Site, by: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    vm = add_vm(site.host, "web01")
    written_as(VERSION - 1, by, monkeypatch)

    assert site.backend.create(vm.id, "once").name == "once"


def test_what_a_later_bot_asks_of_a_worker_that_does_not_know_it_is_said(site: Site) -> None:
    """Of the same version of what is written, and with a method more."""
    with monkeypatched_method("thaw"), pytest.raises(Unreachable, match=r"is older than the bot: upgrade the worker"):
        site.caller.call("lyon", "hv01", "thaw", {})


@contextmanager
def monkeypatched_method(name: str) -> Iterator[None]:
    """The bot knows a method that the worker, in the same process, does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backends.sites.caller.METHODS", {**METHODS, name: Method(DEADLINE)})
        yield


def test_what_a_later_version_adds_to_an_answer_is_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a later version of the program, which adds a field to a record."""
    vm = add_vm(site.host, "web01")
    original = Key.sign

    def sign(key: Key, kind: str, **body: Any) -> str:
        if kind == "result":
            body["value"]["value"]["colour"] = "blue"
        return original(key, kind, **body)

    monkeypatch.setattr(Key, "sign", sign)

    assert site.backend.vm(vm.id).vm.name == "web01"


def test_a_worker_says_what_it_is(site: Site) -> None:
    (said,) = site.caller.workers("lyon")

    assert (said["worker"], said["program"], said["hosts"]) == ("first", "1.2.3", ["hv01", "prod"])


def test_rows_of_calls_go_after_a_day(site: Site) -> None:
    site.backend.inventory()
    rows(site, f"UPDATE {SCHEMA}.workflow_status SET created_at = created_at - %s", 25 * 3600 * 1000)
    site.backend.inventory()

    assert site.worker.tidy() > 0
    for table in ("workflow_status", "workflow_input", "operation_outputs"):
        assert len(rows(site, f"SELECT * FROM {SCHEMA}.{table}")) == 1


# ---------------------------------------------------------------- trouble meanwhile


class Held:
    """A backend whose `create` waits in mid-call."""

    def __init__(self, below: Backend) -> None:
        self._below = below
        self.inside, self.go_on = Event(), Event()

    def create(self, vm_id: str, name: str, **more: Any) -> Checkpoint:
        self.inside.set()
        assert self.go_on.wait(DEADLINE)
        return self._below.create(vm_id, name, **more)

    def __getattr__(self, name: str) -> object:
        return getattr(self._below, name)


def in_background(act: Callable[[], object]) -> tuple[Thread, list[object]]:
    found: list[object] = []

    def run() -> None:
        try:
            found.append(act())
        except BackendError as error:
            found.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread, found


def test_a_change_is_made_once_and_answered_though_the_database_restarts_meanwhile(
    site: Site, postgres: Postgres
) -> None:
    vm = add_vm(site.host, "web01")
    held = Held(site.reach)
    site.reach = held  # type: ignore[assignment]
    patient = Caller(site.url, {"lyon": site.key})
    thread, found = in_background(lambda: SiteBackend("hv01", "lyon", patient).create(vm.id, "once"))
    assert held.inside.wait(DEADLINE)

    postgres.stop()
    held.go_on.set()
    postgres.start()
    thread.join(DEADLINE)
    patient.close()

    assert [one.name for one in found if isinstance(one, Checkpoint)] == ["once"], found
    assert len(site.host.all()[0].ordered()) == 1


def test_a_site_whose_database_is_away_is_like_a_host_that_is_down_and_heals_by_itself(
    site: Site, postgres: Postgres
) -> None:
    postgres.stop()
    try:
        with pytest.raises(Unreachable, match=r"The database through which the site .* does not answer") as refused:
            site.backend.inventory()
    finally:
        postgres.start()

    assert refused.value.unchanged
    wait_until(lambda: site.caller.present("lyon"))
    assert site.backend.inventory().host == "hv01"


def test_a_change_whose_worker_is_not_heard_of_any_more_is_an_unknown_outcome(site: Site, postgres: Postgres) -> None:
    vm = add_vm(site.host, "web01")
    held = Held(site.reach)
    site.reach = held  # type: ignore[assignment]
    thread, found = in_background(lambda: site.backend.create(vm.id, "once"))
    assert held.inside.wait(DEADLINE)

    postgres.stop()
    thread.join(DEADLINE)  # as long as the bot waits for the database
    postgres.start()
    held.go_on.set()

    assert isinstance(found[0], UnknownOutcome)
    wait_until(lambda: len(site.host.all()[0].ordered()) == 1)
    wait_until(lambda: site.caller.present("lyon"))
    site.backend.end_lost_calls()
    assert len(site.backend.vm(vm.id).checkpoints) == 1


def test_the_tables_are_brought_up_to_date_by_one_at_a_time(database_url: str) -> None:
    """Bot and workers may be started at the same moment, on a database that nobody has used."""
    entered = Event()

    def second() -> None:
        with migrating(database_url):
            entered.set()

    with migrating(database_url):
        thread = Thread(target=second, daemon=True)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(DEADLINE)
    thread.join(DEADLINE)


def test_the_clock_of_a_worker_that_is_far_off_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.worker, "_clock", lambda: datetime.now(UTC) + timedelta(hours=2))

    with pytest.raises(Unreachable, match=r"clock of a worker of the site .* is far from the bot's"):
        site.backend.inventory()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_program_that_makes_its_tables_waits_for_no_worker(site: Site) -> None:
    """An index that is made beside others' work waits for every transaction that is open in the database."""
    site.backend.inventory()

    with psycopg.connect(site.url, autocommit=True) as database:
        database.execute("CREATE TABLE another (vm TEXT)")
        database.execute("SET lock_timeout = '2s'")
        database.execute("CREATE INDEX CONCURRENTLY another_vm ON another (vm)")
