"""How quick the ledger is with a million events in it, beside bare SQLite and bare hashing in the same run."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.ledger import ChangeState, Ledger
from bot.messages import Origin
from commands.base import Create, Person, Picture, Plan, Target

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
PER_CHANGE = 6
VMS, PEOPLE, HOSTS = 2000, 50, 10
START = datetime(2026, 1, 1, tzinfo=UTC)
TREE = tuple((f"{n:032d}", None, f"checkpoint {n}") for n in range(4))

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ticks = count()
    path = tmp_path_factory.mktemp("bench") / "ledger.db"
    with Ledger(path, clock=lambda: START + timedelta(seconds=next(ticks))) as ledger:
        with one_transaction(ledger):
            for n in range(EVENTS // PER_CHANGE):
                carry(ledger, n)
        written = ledger.audit.head().seq
        print(f"\n{written:,} events of {EVENTS // PER_CHANGE:,} changes, {path.stat().st_size / 1e6:.0f} MB")
        yield ledger


def test_append_rate(ledger: Ledger, tmp_path: Path) -> None:
    changes = 500
    spent = seconds(lambda: [carry(ledger, EVENTS + n) for n in range(changes)])
    rate = changes * PER_CHANGE / spent
    bare = bare_inserts(tmp_path / "bare.db", changes * PER_CHANGE)
    print(f"append: {rate:,.0f} events/s; bare inserts {bare:,.0f}/s, ratio {rate / bare:.2f} (aim 1,000)")


def test_history_page_time(ledger: Ledger) -> None:
    newest = START + timedelta(seconds=ledger.audit.head().seq)
    searches: dict[str, dict[str, object]] = {
        "newest": {},
        "page 500": {"offset": 10_000},
        "one VM": {"vms": [f"vm-{7:033d}"]},
        "100 VMs": {"vms": [f"vm-{n:033d}" for n in range(100)]},
        "1,000 VMs": {"vms": [f"vm-{n:033d}" for n in range(1000)]},
        "one person": {"person": "U7"},
        "since an hour": {"since": newest - timedelta(hours=1)},
        "since ever": {"since": START},
        "a common word": {"text": "web"},
        "a common letter": {"text": "w"},
        "two words": {"text": "web7 before-upgrade-5"},
        "words in all": {"text": "the checkpoint was taken"},
        "no such word": {"text": "nothing"},
        "all at once": {
            "text": "web",
            "person": "U7",
            "vms": [f"vm-{n:033d}" for n in range(1000)],
            "since": newest - timedelta(days=5),
        },
    }
    for name, filters in searches.items():
        spent = min(seconds(lambda filters=filters: ledger.history.find(**filters)) for _ in range(5))
        print(f"history, {name}: {spent * 1000:.1f} ms (aim 50)")


def test_verify_rate(ledger: Ledger) -> None:
    spent = seconds(ledger.audit.verify)
    rate = ledger.audit.head().seq / spent
    bare = bare_hashing(ledger)
    print(
        f"verify: {rate:,.0f} events/s; bare reading and hashing {bare:,.0f}/s, ratio {rate / bare:.2f} (aim 100,000)"
    )
    assert ledger.audit.verify().whole


def carry(ledger: Ledger, n: int) -> None:
    id, vm, person = f"change-{n}", n % VMS, n % PEOPLE
    host = f"hv{vm % HOSTS:02}"
    target = Target(host, f"vm-{vm:033d}", f"web{vm}", Picture(host, 2, TREE))
    name = f"before-upgrade-{n % 97}"
    plan = Plan(Create(name, note=f"change {n % 1000} of the week"), (target,), f"create {name} on web{vm}")
    ledger.changes.request(id, plan, Person(f"U{person}", f"Person {person}"), Origin("C0OPS", f"U{person}"))
    ledger.changes.move(id, ChangeState.QUEUED, by="bot", why="needs no confirmation")
    ledger.changes.move(id, ChangeState.RUNNING, by="bot", why=f"began on web{vm}")
    ledger.changes.note(id, "sent", by="bot", why="sending create", detail={"step": "create", "vm_id": target.vm_id})
    ledger.changes.note(id, "outcome", by="bot", why="Took it.", detail={"vm_id": target.vm_id, "state": "succeeded"})
    ledger.changes.move(id, ChangeState.SUCCEEDED, by="bot", result=f"The checkpoint {name} was taken.")


@contextmanager
def one_transaction(ledger: Ledger) -> Iterator[None]:
    """All writes in the block as one, so that a million events are there within a minute or so."""
    store = ledger._store

    @contextmanager
    def join() -> Iterator[Database]:
        yield db

    with store.write() as db:
        store.write = join  # type: ignore[method-assign]
        try:
            yield
        finally:
            del store.write  # type: ignore[method-assign]


def bare_inserts(path: Path, rows: int) -> float:
    """Rows of an event's size a second, each a transaction that is on the disk before the next begins."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = wal")
        db.execute("PRAGMA synchronous = full")
        db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, text TEXT)")
        return rows / seconds(
            lambda: [db.execute("INSERT INTO events (text) VALUES (?)", ["x" * 400]) for _ in range(rows)]
        )


def bare_hashing(ledger: Ledger) -> float:
    """Events a second that are read and hashed, and nothing else."""

    def walk() -> None:
        with closing(sqlite3.connect(ledger._store.path)) as db:
            for row in db.execute("SELECT * FROM events ORDER BY seq"):
                sha256("".join(map(str, row)).encode()).hexdigest()

    return ledger.audit.head().seq / seconds(walk)


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
