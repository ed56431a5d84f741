"""What is old goes into a file of its own; the chain is provable over both, and nothing that is asked for is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.ledger import ChangeState, Head, Ledger, LedgerError, archive
from bot.ledger.archive import Archive, Cut
from bot.ledger.base import ARCHIVED, kept_fingerprint
from bot.operations.audit import archived
from commands.base import Apply
from tests.support.clock import START
from tests.support.clock import StoppedClock as Clock
from tests.support.ledger import ADA, BOB, ORIGIN, carry, checkpoint, creation, inventory, plan, tamper, vm

YEAR_LATER = START + timedelta(days=400)
OLD = START + timedelta(days=30)


@pytest.fixture
def filled(ledger: Ledger, clock: Clock) -> Ledger:
    """Four changes of the first day: two whose checkpoints are there still, one that applied one of them, and one that
    nobody asks for any more; after a year one more."""
    carry(ledger, "taken", creation("before-upgrade", "web01"))
    ledger.checkpoints.seen(inventory(vm("web01", checkpoint("cp-1")), at=clock()))
    ledger.checkpoints.remember(
        checkpoint("cp-1"), host="hv01", vm_name="web01", owner=ADA.id, change_id="taken", kind="production"
    )
    carry(ledger, "applied", plan("web01", action=Apply()), person=BOB)
    carry(ledger, "forgotten", creation("before-upgrade", "web02"), person=BOB)
    clock.now = YEAR_LATER
    carry(ledger, "new")
    return ledger


def part(ledger: Ledger, to: Path) -> Cut:
    cut = ledger.archive.cut(OLD)
    assert archived(ledger, to, OLD)
    return cut


def test_the_chain_goes_on_after_what_was_archived_and_both_are_whole(filled: Ledger, tmp_path: Path) -> None:
    before = filled.audit.head()
    eighteenth = filled.streams.after(17, 1)[0].head
    cut = part(filled, tmp_path / "old.db")

    verdict = filled.audit.verify(before)
    assert (verdict.broken, verdict.base, cut.head) == (None, eighteenth, eighteenth)
    assert verdict.head.seq == before.seq + 5
    with Ledger(tmp_path / "old.db", clock=Clock(), read_only=True) as old:
        proof = old.audit.verify(eighteenth)
        assert (proof.broken, proof.base.seq, proof.head, proof.is_archive) == (None, 0, eighteenth, True)
        assert [entry.change_id for entry in old.history.find()] == ["forgotten", "applied", "taken"]
        assert [entry.change_id for entry in old.history.find(text="before-upgrade web02")] == ["forgotten"]
    carry(filled, "one more")
    assert filled.audit.verify().whole


def test_what_vouches_for_what_stayed_is_the_same_for_ever(filled: Ledger, tmp_path: Path) -> None:
    """It stands in the chain: another one for the same rows would say that they were edited."""
    part(filled, tmp_path / "old.db")

    (event,) = (one for id in archives(filled) for one in filled.events.of(id, {ARCHIVED}))
    assert event.detail["version"] == 1
    assert event.detail["kept"] == "eded81c82304c4a4ebce1ee497c4c7111b1b8caf87ac439552b3879004aa1bbb"


def test_an_archive_of_before_there_were_versions_is_proved_still(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "KEPT_VERSION", None)
    monkeypatch.setattr(archive, "kept_fingerprint", partial(kept_fingerprint, version=None))
    part(filled, tmp_path / "old.db")
    assert filled.audit.verify().whole

    tamper(filled._store.path, "UPDATE changes SET person_name = 'Eve' WHERE id = 'taken'")
    broken = filled.audit.verify().broken
    assert broken is not None
    assert "archived and stayed was edited" in broken.what


def test_what_a_later_version_archived_is_not_said_to_be_edited(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "KEPT_VERSION", 2)
    part(filled, tmp_path / "old.db")

    broken = filled.audit.verify().broken
    assert broken is not None
    assert "of a later version of the bot" in broken.what


def archives(ledger: Ledger) -> list[str]:
    return [entry.change_id for entry in ledger.history.find() if entry.change_id.startswith("archive-")]


def test_what_is_asked_for_still_stays(filled: Ledger, tmp_path: Path) -> None:
    """Whose a checkpoint is, and who applied it; what nobody asks for is in the archive alone."""
    before = filled.checkpoints.notes(["cp-1"])
    part(filled, tmp_path / "old.db")

    assert filled.checkpoints.notes(["cp-1"]) == before
    rows = {id: filled.changes.get(id) is not None for id in ("taken", "applied", "forgotten", "new")}
    assert rows == {"taken": True, "applied": True, "forgotten": False, "new": True}
    assert filled.history.find(text="web02") == ()
    assert filled.events.of("taken") == ()


def test_a_change_that_is_not_over_holds_back_what_came_after_it(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    carry(ledger, "one")
    ledger.changes.request("open", plan(), ADA, ORIGIN)
    carry(ledger, "two")
    clock.now = YEAR_LATER

    cut = part(ledger, tmp_path / "old.db")

    assert cut.head.seq == 6
    assert "open is not over" in cut.held_back_by
    assert [row.id for row in ledger.changes.unfinished()] == ["open"]
    ledger.changes.move("open", ChangeState.DENIED, by="bot", why="too late")
    assert ledger.audit.verify().whole


def test_what_the_audit_stream_has_not_sent_stays(filled: Ledger) -> None:
    filled.streams.begin("https://logs/")
    nothing = filled.archive.cut(OLD)
    assert (nothing.head.seq, nothing.held_back_by[:14]) == (0, "https://logs/ ")

    filled.streams.sent("https://logs/", filled.streams.after(7, 1)[0].head)
    cut = filled.archive.cut(OLD)

    assert (cut.head.seq, cut.held_back_by[:14]) == (6, "https://logs/ ")
    filled.streams.begin(None)
    assert filled.archive.cut(OLD) == Cut(filled.streams.after(17, 1)[0].head, 3)


def test_a_stream_begins_after_what_was_archived(filled: Ledger, tmp_path: Path) -> None:
    cut = part(filled, tmp_path / "old.db")

    assert filled.streams.begin("https://another/") == cut.head


def test_one_archive_follows_another(filled: Ledger, clock: Clock, tmp_path: Path) -> None:
    first = part(filled, tmp_path / "first.db")
    clock.now = YEAR_LATER + timedelta(days=400)
    carry(filled, "much later")
    assert archived(filled, tmp_path / "second.db", YEAR_LATER + timedelta(days=30))

    assert filled.audit.verify().whole
    with Ledger(tmp_path / "second.db", clock=clock, read_only=True) as second:
        proof = second.audit.verify()
        assert (proof.broken, proof.base, proof.head) == (None, first.head, filled.audit.base())
        assert [entry.change_id for entry in second.history.find(limit=2)] == ["archive-18", "new"]


def test_nothing_is_parted_where_nothing_is_old(ledger: Ledger, tmp_path: Path) -> None:
    carry(ledger, "one")

    assert archived(ledger, tmp_path / "old.db", START - timedelta(days=1))[0].startswith("Nothing is old and over")
    assert not (tmp_path / "old.db").exists()


def test_where_nothing_is_parted_since_something_holds_it_back_that_is_said(filled: Ledger, tmp_path: Path) -> None:
    filled.streams.begin("https://logs/")
    said = archived(filled, tmp_path / "old.db", OLD)
    assert said == ["Nothing was archived. https://logs/ has not taken more of the audit stream."]

    filled.streams.begin(None)
    filled.changes.request("open", plan(), ADA, ORIGIN)
    part(filled, tmp_path / "old.db")
    assert archived(filled, tmp_path / "older.db", YEAR_LATER) == ["Nothing is old and over, so nothing was archived."]


def test_a_clock_that_was_ahead_once_keeps_nothing_from_being_archived(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    carry(ledger, "one")
    clock.now = START + timedelta(days=3650)
    carry(ledger, "of 2036")
    clock.now = START + timedelta(days=1)
    carry(ledger, "two")
    clock.now = YEAR_LATER

    said = archived(ledger, tmp_path / "old.db", OLD)

    assert said[:2] == [
        f"The events up to 18 are in {tmp_path / 'old.db'}. Keep it: what was before is nowhere else.",
        "6 of them have a time that is still to come, by a clock that was ahead.",
    ]


def test_what_a_clock_that_is_ahead_has_written_last_is_not_taken_for_old(ledger: Ledger, clock: Clock) -> None:
    carry(ledger, "one")
    clock.now = START + timedelta(days=3650)
    carry(ledger, "of 2036")
    clock.now = YEAR_LATER

    assert ledger.archive.cut(OLD).head.seq == 6


def test_what_is_counted_since_ever_does_not_fall(filled: Ledger, clock: Clock, tmp_path: Path) -> None:
    before = dict(filled.figures.changes())
    part(filled, tmp_path / "old.db")
    after = dict(filled.figures.changes())

    assert after == {**before, ("archive", "succeeded"): 1}
    clock.now = YEAR_LATER + timedelta(days=400)
    carry(filled, "much later")
    archived(filled, tmp_path / "second.db", YEAR_LATER + timedelta(days=30))
    counts = filled.figures.changes()
    assert sum(counts.values()) == sum(after.values()) + 2
    with Ledger(tmp_path / "second.db", clock=clock, read_only=True) as second:
        assert sum(second.figures.changes().values()) < sum(counts.values())


def test_what_is_left_of_a_ledger_of_which_little_goes_is_found_and_whole(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    carry(ledger, "one", creation("first-name", "web01"))
    clock.now = YEAR_LATER
    for number in range(4):
        carry(ledger, f"new {number}", creation("second-name", f"web0{number}"))
    part(ledger, tmp_path / "old.db")

    assert ledger.audit.verify().whole
    assert len(ledger.history.find(text="second-name")) == 4
    assert ledger.events.count("new 1", "queued") == 1
    with Ledger(tmp_path / "old.db", clock=clock, read_only=True) as old:
        assert old.audit.verify().whole
        assert [entry.change_id for entry in old.history.find(text="name")] == ["one"]
        assert old.events.count("one", "queued") == 1


# ---------------------------------------------------------------- who tampers is found


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE chain_base SET seq = 17", "It is missing."),
        ("UPDATE chain_base SET hash = upper(hash)", "It does not follow the event before it"),
        ("UPDATE chain_base SET changes = 4", "A change before its own has no event."),
        ("UPDATE changes SET reason = 'as agreed' WHERE id = 'taken'", "A change that was archived and stayed was"),
        ("UPDATE changes SET person_id = 'U0EVE' WHERE id = 'applied'", "A change that was archived and stayed"),
        ("DELETE FROM change_vms WHERE change = 2", "A change that was archived and stayed was edited or deleted."),
    ],
)  # fmt: skip
def test_what_is_edited_afterwards_is_found(filled: Ledger, tmp_path: Path, harm: str, said: str) -> None:
    part(filled, tmp_path / "old.db")
    tamper(filled._store.path, harm)

    broken = filled.audit.verify().broken
    assert broken is not None
    assert broken.what.startswith(said), broken.what


def test_who_cuts_off_the_beginning_without_an_archive_is_found(filled: Ledger) -> None:
    sixth = filled.streams.after(5, 1)[0].head
    tamper(
        filled._store.path,
        f"UPDATE chain_base SET seq = 6, hash = '{sixth.hash}', changes = 1",
        "DELETE FROM events WHERE seq <= 6",
        "DELETE FROM change_vms WHERE change = 1",
        "DELETE FROM changes WHERE id = 'taken'",
    )

    broken = filled.audit.verify().broken
    assert broken is not None
    assert "it was cut off" in broken.what


def test_an_archive_is_no_ledger_for_a_bot(filled: Ledger, tmp_path: Path) -> None:
    part(filled, tmp_path / "old.db")

    with pytest.raises(LedgerError, match="is an archive of a ledger, to be read"):
        Ledger(tmp_path / "old.db", clock=Clock())


def make_older(path: Path) -> None:
    """As a version before the last migration had written it."""
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE freezes")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'freezes'")
    db.close()


def test_an_archive_of_an_older_version_is_read_and_stays_as_it_is(filled: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    part(filled, file)
    make_older(file)
    before = file.read_bytes()

    assert filled.archive.known(file) is None
    with pytest.raises(LedgerError, match="is an archive of a ledger, to be read"):
        Ledger(file, clock=Clock())
    assert file.read_bytes() == before
    assert sorted(one.name for one in tmp_path.glob("old.db*")) == ["old.db"]


def test_only_the_record_of_changes_is_in_an_archive(filled: Ledger, tmp_path: Path) -> None:
    filled.greetings.begin(ADA.id)
    filled.freezes.begin("frozen", ADA, ORIGIN, "")
    part(filled, tmp_path / "old.db")

    with sqlite3.connect(tmp_path / "old.db") as db:
        left = [db.execute(f"SELECT count(*) FROM {one}").fetchone() for one in ("greetings", "freezes")]
    db.close()
    assert left == [(0,), (0,)]


def test_a_head_that_is_in_an_archive_is_said_to_be_there(filled: Ledger, tmp_path: Path) -> None:
    sixth = filled.streams.after(5, 1)[0].head
    part(filled, tmp_path / "old.db")

    broken = filled.audit.verify(sixth).broken
    assert broken is not None
    assert "It is in an archive" in broken.what


# ---------------------------------------------------------------- what is cut off is run again


class Killed(BaseException):
    """Stands for the end of the process."""


Step = Callable[[Archive], None]


def before_it_leaves(archive: Archive) -> None:
    def leave(*_: object) -> None:
        raise Killed

    archive.leave = leave  # type: ignore[method-assign]


def while_it_leaves(archive: Archive) -> None:
    """All is done but the last word: the transaction is undone."""

    def record(*_: object) -> None:
        raise Killed

    archive._record = record  # type: ignore[method-assign]


def before_it_shrinks(archive: Archive) -> None:
    def shrink() -> None:
        raise Killed

    archive.shrink = shrink  # type: ignore[method-assign]


@pytest.mark.parametrize("step", [before_it_leaves, while_it_leaves, before_it_shrinks])
def test_whatever_is_cut_off_has_lost_nothing_and_can_be_run_again(
    filled: Ledger, path: Path, tmp_path: Path, step: Step
) -> None:
    head = filled.audit.head()
    step(filled.archive)
    with pytest.raises(Killed):
        archived(filled, tmp_path / "old.db", OLD)
    filled.close()

    with Ledger(path, clock=Clock(YEAR_LATER)) as again:
        assert again.audit.verify(head).whole
        assert archived(again, tmp_path / "old.db", OLD)
        assert again.audit.verify(head).whole
        assert again.audit.base().seq == 18
        with sqlite3.connect(path) as db:
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        db.close()
        assert {"events_are_never_deleted", "changes_are_never_deleted"} <= names
    with Ledger(tmp_path / "old.db", clock=Clock(), read_only=True) as old:
        assert old.audit.verify().head.seq == 18


def test_half_a_file_of_an_earlier_run_is_made_anew(filled: Ledger, tmp_path: Path) -> None:
    (tmp_path / "old.db.partial").write_bytes(b"half")

    part(filled, tmp_path / "old.db")

    assert not (tmp_path / "old.db.partial").exists()


def test_an_archive_that_lost_its_name_in_a_power_cut_is_not_made_anew(
    filled: Ledger, clock: Clock, tmp_path: Path
) -> None:
    part(filled, tmp_path / "old.db")
    whole = (tmp_path / "old.db").rename(tmp_path / "old.db.partial")
    cut = filled.archive.cut(clock())

    with pytest.raises(LedgerError, match="is the archive that the ledger begins after"):
        filled.archive.write(tmp_path / "old.db", cut)

    assert whole.exists()


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Path]:
    with Ledger(tmp_path / "another.db", clock=Clock()) as other:
        carry(other, "other")
        other._clock = Clock(YEAR_LATER)  # type: ignore[attr-defined]
        assert archived(other, tmp_path / "other-old.db", YEAR_LATER)
    yield tmp_path / "other-old.db"


def test_a_file_that_is_something_else_is_left_alone(filled: Ledger, another: Path, tmp_path: Path) -> None:
    head = filled.audit.head()
    (tmp_path / "text.db").write_text("mine" * 2000)
    for path in (another, tmp_path / "text.db", tmp_path / "ledger.db"):
        with pytest.raises(LedgerError):
            archived(filled, path, OLD)
    assert filled.audit.verify(head).head == head
    assert filled.audit.verify(Head(0, "0" * 64)).whole
