"""Workflows on DBOS: how values are written, steps in trouble, and steps while the bot stops."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from dbos import DBOS
from dbos._serialization import DBOSDefaultSerializer, deserialize_args

from backends.base import (
    VM,
    BackendError,
    Checkpoint,
    CheckpointType,
    Disk,
    SnapshotType,
    Unreachable,
    VMInventory,
    VMState,
)
from backends.base.written import Defect
from bot.changes.workflow import KINDS
from bot.demo.postgres import Postgres
from bot.durable import CACHE, OVER, Durable, JSONSerializer, Stopped, sqlite_jobs
from bot.durable import KINDS as COMMON
from tests.support.waiting import DEADLINE, wait_until

AT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
CHECKPOINT = Checkpoint("cp", "before \U0001f600", "vm", AT, snapshot_type=SnapshotType.RECOVERY)
SEEN = VMInventory(
    VM("vm", "web01", "hv01", VMState.RUNNING, CheckpointType.PRODUCTION, operational_status=(2, 32769)),
    (CHECKPOINT,),
    (Disk("C:\\a.vhdx", 1, 2),),
)


@pytest.fixture
def serializer() -> JSONSerializer:
    return JSONSerializer({**KINDS, **COMMON})


class Trouble(Exception):
    """Of one of the bot's own files."""


@pytest.fixture
def durable(jobs_url: str) -> Iterator[Durable]:
    made = Durable(jobs_url, KINDS, is_store_trouble=lambda error: isinstance(error, Trouble), seldom=0.05)
    yield made
    made.stop(0.0)


def workflow(act: Callable[[], object]) -> Callable[[], None]:
    @DBOS.workflow(name="test")
    def run() -> None:
        act()

    return run


# ---------------------------------------------------------------- how values are written


@pytest.mark.parametrize("value", [None, True, 7, 0.5, "x", ["a", 1], {"a": [None]}, AT, SEEN, CHECKPOINT])
def test_what_is_written_reads_back_equal(serializer: JSONSerializer, value: object) -> None:
    assert serializer.deserialize(serializer.serialize(value)) == value


def test_what_is_written_is_plain_json_with_a_version_and_names_no_class_of_the_program(
    serializer: JSONSerializer,
) -> None:
    written = serializer.serialize({"args": (SEEN, Unreachable("HV01 is away.")), "kwargs": {}})

    assert json.loads(written)["version"] == 1
    assert "backends" not in written
    assert "bot." not in written


def test_an_error_of_a_host_reads_back_as_its_kind(serializer: JSONSerializer) -> None:
    again = serializer.deserialize(serializer.serialize(Unreachable("HV01 is away.", "no route", unchanged=False)))

    assert type(again) is Unreachable
    assert (again.sentence, again.cause, again.unchanged) == ("HV01 is away.", "no route", False)


def test_an_error_of_a_host_whose_kind_is_gone_is_an_error_of_a_host_still(serializer: JSONSerializer) -> None:
    again = serializer.deserialize(serializer.serialize(Unreachable("x")).replace("Unreachable", "LongGone"))

    assert type(again) is BackendError


def test_any_other_error_reads_back_as_a_defect_with_its_words(serializer: JSONSerializer) -> None:
    again = serializer.deserialize(serializer.serialize(ZeroDivisionError("by zero")))

    assert isinstance(again, Defect)
    assert str(again) == "ZeroDivisionError: by zero"


def test_what_a_later_version_added_to_a_record_is_left_out(serializer: JSONSerializer) -> None:
    written = json.loads(serializer.serialize(CHECKPOINT))
    written["value"]["value"]["colour"] = "blue"

    assert serializer.deserialize(json.dumps(written)) == CHECKPOINT


@pytest.mark.parametrize(
    "text", ["[]", '{"version": 2, "value": 1}', '{"version": 1, "value": {"$": "?", "value": 1}}']
)
def test_what_this_version_cannot_read_is_refused(serializer: JSONSerializer, text: str) -> None:
    with pytest.raises(ValueError, match=r"version|no kind"):
        serializer.deserialize(text)


def test_what_is_no_kind_of_value_is_refused_when_it_is_written(serializer: JSONSerializer) -> None:
    with pytest.raises(TypeError, match="set is no kind of value"):
        serializer.serialize({1, 2})


# ---------------------------------------------------------------- steps


def test_trouble_of_a_file_is_no_outcome_of_a_step_which_is_taken_up_again(durable: Durable) -> None:
    tries: list[int] = []

    def act() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Trouble("locked")
        return "done"

    given: list[str] = []
    run = workflow(lambda: given.append(durable.step("act", act)))
    durable.launch()
    durable.start("id", run)

    wait_until(lambda: given == ["done"])
    assert len(tries) == 3


def test_a_step_that_waits_for_a_file_does_not_keep_the_bot_from_stopping(durable: Durable) -> None:
    tried, ended = Event(), Event()

    def act() -> None:
        tried.set()
        raise Trouble("locked")

    def body() -> None:
        try:
            durable.step("act", act)
        except Stopped:
            ended.set()
            raise

    run = workflow(body)
    durable.launch()
    durable.start("id", run)
    assert tried.wait(DEADLINE)

    durable.stop(30.0)

    assert ended.wait(DEADLINE)


def test_a_workflow_that_begins_another_while_the_bot_stops_begins_it_at_the_next_launch(jobs_url: str) -> None:
    reached, stopping, met = Event(), Event(), Event()
    begun: list[str] = []

    def made() -> tuple[Durable, Callable[[], None]]:
        durable = Durable(jobs_url, KINDS, is_store_trouble=lambda error: isinstance(error, Trouble), seldom=0.05)

        @DBOS.workflow(name="next")
        def next_one() -> None:
            begun.append("next")

        def body() -> None:
            durable.step("act", lambda: None)
            reached.set()
            stopping.wait(DEADLINE)
            try:
                durable.start("next", next_one)
            finally:
                met.set()

        return durable, workflow(body)

    first, run = made()
    first.launch()
    first.start("id", run)
    assert reached.wait(DEADLINE)
    database = first._dbos._sys_db
    close = database._cleanup_connections

    def closed_in_part() -> None:
        close()
        stopping.set()
        met.wait(0.5)

    database._cleanup_connections = closed_in_part  # type: ignore[method-assign]
    first.stop(5.0)
    assert met.wait(DEADLINE)
    assert begun == []

    second, _ = made()
    second.launch()
    wait_until(lambda: begun == ["next"] and second.stands("id") == OVER)
    second.stop(0.0)


def in_a_step(durable: Durable, act: Callable[[], None]) -> Event:
    """A workflow that is in a step by now, which acts once it is let go on."""
    entered, go_on = Event(), Event()

    def step() -> None:
        entered.set()
        go_on.wait(DEADLINE)
        act()

    run = workflow(lambda: durable.step("act", step))
    durable.launch()
    durable.start("id", run)
    assert entered.wait(DEADLINE)
    return go_on


def test_a_step_that_begins_a_workflow_while_the_bot_stops_is_waited_for(durable: Durable) -> None:
    begun: list[str] = []

    @DBOS.workflow(name="next")
    def next_one() -> None: ...

    def begin() -> None:
        durable.start_apart("next", next_one)
        begun.append("next")

    go_on = in_a_step(durable, begin)
    stop = Thread(target=durable.stop, args=(DEADLINE,))
    stop.start()
    wait_until(lambda: durable.stopping)
    go_on.set()
    stop.join(DEADLINE)

    assert not stop.is_alive()
    assert begun == ["next"]


def test_a_step_that_outlives_the_stop_begins_nothing_and_has_no_outcome(durable: Durable) -> None:
    met: list[type[BaseException]] = []

    @DBOS.workflow(name="next")
    def next_one() -> None: ...

    def begin() -> None:
        try:
            durable.start_apart("next", next_one)
        except BaseException as trouble:
            met.append(type(trouble))
            raise

    go_on = in_a_step(durable, begin)
    durable.stop(0.0)
    go_on.set()

    wait_until(lambda: met == [Stopped])


@pytest.mark.sqlite
@pytest.mark.parametrize("jobs_url", ["sqlite"], indirect=True)
def test_a_workflow_whose_file_is_full_goes_on_where_it_was_when_there_is_room(
    durable: Durable, tmp_path: Path
) -> None:
    begun: list[str] = []
    hold, given = Event(), Event()

    def first() -> None:
        begun.append("first")
        hold.wait(DEADLINE)

    def body() -> None:
        begun.append("")
        durable.step("first", first)
        durable.step("second", lambda: begun.append("second"))
        given.set()

    run = workflow(body)
    durable.launch()
    durable.start("id", run)
    wait_until(lambda: "first" in begun)
    with sqlite3.connect(tmp_path / "jobs.db", isolation_level=None) as jobs:
        jobs.execute(
            "CREATE TRIGGER full BEFORE INSERT ON operation_outputs BEGIN SELECT raise(abort, 'disk is full'); END"
        )
        hold.set()
        wait_until(lambda: begun.count("first") > 1 or begun.count("") > 1)
        jobs.execute("DROP TRIGGER full")
    jobs.close()

    assert given.wait(DEADLINE)
    assert begun[-1] == "second"


@pytest.mark.parametrize("jobs_url", ["sqlite"], indirect=True)
def test_a_workflow_whose_end_cannot_be_written_is_taken_up_again_and_ends(durable: Durable, tmp_path: Path) -> None:
    begun: list[str] = []

    def body() -> None:
        begun.append("")
        durable.step("only", lambda: begun.append("only"))

    run = workflow(body)
    durable.launch()
    with sqlite3.connect(tmp_path / "jobs.db", isolation_level=None) as jobs:
        jobs.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON workflow_status WHEN NEW.status = 'SUCCESS' "
            "BEGIN SELECT raise(abort, 'disk is full'); END"
        )
        durable.start("id", run)
        wait_until(lambda: begun.count("") > 1)
        jobs.execute("DROP TRIGGER full")
    jobs.close()

    wait_until(lambda: durable.stands("id") == "SUCCESS")
    assert begun.count("only") == 1


def test_a_step_is_not_begun_while_the_bot_stops_and_ends_when_it_has(durable: Durable) -> None:
    begun: list[str] = []
    inside, hold, ended = Event(), Event(), Event()

    def first() -> None:
        inside.set()
        hold.wait(DEADLINE)

    def body() -> None:
        durable.step("first", first)
        try:
            durable.step("second", lambda: begun.append("second"))
        except Stopped:
            ended.set()
            raise

    run = workflow(body)
    durable.launch()
    durable.start("id", run)
    assert inside.wait(DEADLINE)
    stopping = Thread(target=durable.stop, args=(30.0,))
    stopping.start()
    wait_until(lambda: durable.stopping)
    hold.set()
    stopping.join(DEADLINE)

    assert ended.wait(DEADLINE)
    assert begun == []


def test_a_look_into_a_file_in_trouble_is_made_again_until_it_is_well(durable: Durable) -> None:
    tries: list[int] = []
    given: list[str] = []

    def look() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Trouble("too many open files")
        return "seen"

    run = workflow(lambda: given.append(durable.read("look", look)))
    durable.launch()
    durable.start("id", run)

    wait_until(lambda: given == ["seen"])


def test_a_workflow_goes_on_where_it_was_when_the_database_is_back(postgres: Postgres, database_url: str) -> None:
    durable = Durable(database_url, KINDS, is_store_trouble=lambda error: False, seldom=0.05)
    begun: list[str] = []
    inside, hold, given = Event(), Event(), Event()

    def first() -> None:
        begun.append("first")
        inside.set()
        hold.wait(DEADLINE)

    def body() -> None:
        durable.step("first", first)
        durable.step("second", lambda: begun.append("second"))
        given.set()

    run = workflow(body)
    durable.launch()
    durable.start("id", run)
    assert inside.wait(DEADLINE)
    postgres.stop()
    hold.set()
    postgres.start()

    assert given.wait(DEADLINE)
    assert begun == ["first", "second"]
    durable.stop(0.0)


def test_a_database_that_does_not_answer_is_known_after_a_minute_and_at_once_when_it_is_back(
    postgres: Postgres, database_url: str
) -> None:
    now = [0.0]
    durable = Durable(database_url, KINDS, is_store_trouble=lambda error: False, seldom=0.05, monotonic=lambda: now[0])
    assert not durable.answered_lately
    durable.launch()
    now[0] += 59.0
    assert durable.answered_lately
    postgres.stop()
    now[0] += 61.0

    assert durable.alive
    assert not durable.answered_lately

    postgres.start()
    wait_until(lambda: durable.answered_lately)
    durable.stop(0.0)


def test_a_pickle_in_the_database_is_not_loaded(durable: Durable) -> None:
    opened: list[str] = []

    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return opened.append, ("opened",)

    written = DBOSDefaultSerializer.serialize({"args": (Trap(),), "kwargs": {}})

    with pytest.raises(ValueError, match="a pickle is not read"):
        deserialize_args(written, "py_pickle", JSONSerializer({}))
    assert opened == []


def test_no_connection_to_sqlite_keeps_much_of_the_file_in_memory(tmp_path: Path) -> None:
    """From the first on: what is set on the engine once it is in use breaks those that are opened in that moment."""
    durable = Durable(sqlite_jobs(tmp_path / "jobs.db"), KINDS, is_store_trouble=lambda error: False)
    try:
        durable.launch()
        engine = durable._dbos._sys_db.engine
        with engine.connect() as one, engine.connect() as another:
            kept = [each.exec_driver_sql("PRAGMA cache_size").scalar() for each in (one, another)]
        assert kept == [-CACHE, -CACHE]
    finally:
        durable.stop(0.0)
