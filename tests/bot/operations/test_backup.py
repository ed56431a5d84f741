"""Backups: both databases at one moment, while the bot runs, and back into a bot that goes on."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backends.simulator.fleets.seed import Past
from backends.simulator.model.faults import Fault, FaultKind
from backends.sites.jobs import FILE as KEY
from backends.sites.jobs import jobs_key
from bot.changes.perform import Restored
from bot.changes.workflow import Answer
from bot.cli import main
from bot.core import _record
from bot.ledger import ChangeState, Ledger
from bot.operations import restore as restoring
from bot.operations.audit import archived
from bot.operations.backup import BackupError, _at_one_moment, _copy, back_up
from bot.operations.doctor.storage import look
from bot.operations.folder import FolderError, held, make_private
from bot.operations.restore import restore, restored
from bot.people.codes import FILE as CODES
from bot.people.codes import Codes
from bot.settings import CodesSettings, Settings
from tests.support import data_folders
from tests.support.clock import StoppedClock
from tests.support.headquarters import Headquarters
from tests.support.ledger import carry
from tests.support.people import ADA
from tests.support.settings import NO_SLACK
from tests.support.waiting import DEADLINE, wait_until

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
RUNNING = [f"web{n}" for n in range(4)]
WAITING = [f"app{n}" for n in range(3)]
MIDDLE = {ChangeState.RUNNING: 4, ChangeState.QUEUED: 3, ChangeState.AWAITING: 3}


def now() -> datetime:
    return NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an empty ledger."""
    made = tmp_path / "data"
    make_private(made)
    Ledger(made / "ledger.db", clock=now).close()
    return made


def ten_changes(bot: Headquarters) -> None:
    """Four that run, three that wait for their turn, three that wait for an answer."""
    for name in RUNNING:
        bot.add_vm(name)
    for name in WAITING:
        bot.add_vm(name, Past("old", 9 * 86400.0))
    bot.host().faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM", times=None))
    for name in RUNNING:
        bot.type(f"create {name} first")
    wait_until(lambda: bot.ran("Checkpoint-VM") == len(RUNNING))
    for name in RUNNING[:3]:
        bot.type(f"create {name} second")
    for name in WAITING:
        bot.type(f"delete {name} old")
    wait_until(lambda: Counter(row.state for row in bot.ledger.changes.unfinished()) == MIDDLE)
    wait_until(lambda: all(row.message for row in bot.ledger.changes.unfinished() if row.state is ChangeState.AWAITING))


def let_go(bot: Headquarters) -> None:
    bot.host().faults.disarm()
    bot.host().faults.release()


@pytest.mark.sqlite
def test_a_backup_in_the_middle_of_ten_changes_comes_back_as_a_bot_that_finishes_or_settles_each(
    tmp_path: Path,
) -> None:
    """The first bot goes on after the backup, so what had not begun in it is done by the time it is put back."""
    bot = Headquarters(tmp_path / "data")
    make_private(bot.folder)
    with bot:
        ten_changes(bot)
        made = back_up(bot.folder, tmp_path / "backups")
        asked = [row for row in bot.ledger.changes.unfinished() if row.state is ChangeState.AWAITING]
        let_go(bot)
        wait_until(lambda: len(bot.ledger.changes.unfinished()) == len(asked))
        for row in asked:
            bot.press(bot.button(row, "Delete"), row.message)
        wait_until(lambda: not bot.ledger.changes.unfinished())
        done = {name: bot.checkpoints(name) for name in (*RUNNING, *WAITING)}

    bot.folder = tmp_path / "elsewhere"
    bot.settings = bot.settings.model_copy(update={"data_dir": bot.folder})
    restore(made.folder, bot.folder, replace=False)
    bot.restored = restored(bot.folder)
    with bot:
        wait_until(lambda: {row.state for row in bot.ledger.changes.unfinished()} <= {ChangeState.AWAITING})
        for row in bot.ledger.changes.unfinished():
            bot.core.changes.answer(row, Answer("confirm", ADA, "ada", bot.clock()))
        wait_until(lambda: not bot.ledger.changes.unfinished())

        bot.restart()  # once is enough
        newest, *others = bot.ledger.history.find(limit=20)
        assert Counter(entry.state for entry in others) == {ChangeState.SUCCEEDED: 4, ChangeState.VOID: 6}
        assert (newest.summary, newest.person) == ("put a backup back", "bot")
        assert newest.result.endswith(f"when it ended with {made.head}.")
        assert {name: bot.checkpoints(name) for name in (*RUNNING, *WAITING)} == done
        assert bot.ledger.audit.verify().whole
        assert "cannot know whether this was done since" in others[0].result


def test_that_a_backup_was_put_back_stands_once_in_the_ledger(folder: Path, tmp_path: Path) -> None:
    """Also where what was recorded then is in an archive by now."""
    clock = StoppedClock()
    with Ledger(folder / "ledger.db", clock=clock) as ledger:
        carry(ledger, "one")
    made = back_up(folder, tmp_path / "backups", clock=now)
    restore(made.folder, folder, replace=True)
    mark = restored(folder)
    assert mark == Restored(NOW, frozenset(), made.head)

    with Ledger(folder / "ledger.db", clock=clock) as ledger:
        for _ in range(2):
            _record(mark, ledger)
            _record(replace(mark, head=""), ledger)  # an earlier version did not keep it
        (entry,) = (one for one in ledger.history.find() if one.change_id != "one")
        assert entry.change_id == "restore-20261127T090000000000"
        assert entry.result == f"The ledger is as it was at 2026-11-27 09:00 UTC, when it ended with {made.head}."
        clock.forward(days=400)
        archived(ledger, tmp_path / "old.db", clock() - timedelta(days=100))
        before = ledger.audit.head()
        _record(mark, ledger)
        assert ledger.audit.head() == before


# ---------------------------------------------------------------- one moment


def test_both_files_are_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """Somebody counts in the one file and then in the other, so the second never is ahead, nor more than one behind."""
    paths = [tmp_path / "a.db", tmp_path / "b.db"]
    for path in paths:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = wal")
            db.executescript("CREATE TABLE counted (n INTEGER); INSERT INTO counted VALUES (0);")
    stop = threading.Event()

    def count() -> None:
        first, second = (sqlite3.connect(path, isolation_level=None, timeout=30) for path in paths)
        with closing(first), closing(second):
            while not stop.is_set():
                for db in (first, second):
                    db.execute("UPDATE counted SET n = n + 1")

    counting = threading.Thread(target=count)
    counting.start()
    try:
        for number in range(12):
            with _at_one_moment(paths) as sources:
                for path, source in zip(paths, sources, strict=True):
                    _copy(source, tmp_path / f"{path.stem}-{number}")
            a, b = (numbers(tmp_path / f"{path.stem}-{number}") for path in paths)
            assert a - 1 <= b <= a
    finally:
        stop.set()
        counting.join()
    assert a > 0


def numbers(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (found,) = db.execute("SELECT n FROM counted").fetchone()
    return int(found)


# ---------------------------------------------------------------- what it refuses


def test_a_ledger_that_was_edited_makes_no_backup(folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("UPDATE chain_head SET seq = 7")
        db.commit()

    with pytest.raises(BackupError, match="The ledger is broken at event 1"):
        back_up(folder, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_damaged_file_of_jobs_makes_no_backup(folder: Path, tmp_path: Path) -> None:
    (folder / "jobs.db").write_bytes(b"no database" * 1000)

    with pytest.raises(BackupError, match="file is not a database"):
        back_up(folder, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_is_there_is_replaced_only_when_that_is_asked_for_and_is_kept(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "backups", clock=now)
    before = (folder / "ledger.db").read_bytes()
    with pytest.raises(BackupError, match="holds a ledger already"):
        restore(made.folder, folder, replace=False)
    assert (folder / "ledger.db").read_bytes() == before
    (folder / "ledger.db-arrivals").write_bytes(b"what was not answered")

    restore(made.folder, folder, replace=True, clock=now)

    kept = folder / "before-restore-2026-11-27T09-00-00Z"
    assert (kept / "ledger.db").read_bytes() == before
    assert (kept / "ledger.db-arrivals").exists()  # else people were told of what the other ledger was at
    assert not (folder / "ledger.db-arrivals").exists()
    assert restored(folder) == Restored(NOW, frozenset(), made.head)


def test_a_folder_that_a_bot_uses_is_left_alone(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "backups")

    with held(folder), pytest.raises(FolderError, match="is running with the data folder"):
        restore(made.folder, folder, replace=True)


def test_a_damaged_folder_can_be_restored(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "backups")
    (folder / "jobs.db").write_bytes(b"no database" * 1000)
    (folder / "ledger.db").write_bytes(b"no database" * 1000)

    restore(made.folder, folder, replace=True)

    with Ledger(folder / "ledger.db", clock=now, read_only=True) as ledger:
        assert ledger.audit.verify().whole


def cut_off_after(monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    """The process ends in mid-restore."""
    left, replace = [moves], Path.replace

    def counted(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", counted)


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_a_restore_that_was_cut_off_keeps_the_bot_from_starting_until_it_is_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Without the ledger, a new one would be made, which knows of nothing that was done."""
    made = back_up(folder, tmp_path / "backups")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        cut_off_after(patched, moves)
        restore(made.folder, folder, replace=True, clock=now)

    with pytest.raises(FolderError, match=r"Nothing is lost: type checkpointbot restore .* --replace"), held(folder):
        pass
    restore(made.folder, folder, replace=True)
    with held(folder), Ledger(folder / "ledger.db", clock=now) as ledger:
        assert str(ledger.audit.head()) == made.head


def test_a_restore_that_fails_before_anything_was_moved_leaves_the_folder_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark would keep a bot from starting with which nothing is wrong."""
    made = back_up(folder, tmp_path / "backups")
    before = set(folder.iterdir())

    def full(_made: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(restoring, "_mark", full)
    with pytest.raises(OSError, match="No space left"):
        restore(made.folder, folder, replace=True)

    assert {one for one in folder.iterdir() if one.suffix != ".lock"} == before
    with held(folder):
        pass


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="shows what a descriptor is of")
def test_a_power_cut_finds_the_copies_on_the_disk_before_the_mark_is_gone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(folder, tmp_path / "backups")
    synced, fsync = [], os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, (folder / "restoring.json").exists(), (folder / "restored.json").exists()))

    monkeypatch.setattr(os, "fsync", noted)
    restore(made.folder, folder, replace=True, clock=now)

    assert synced == [
        ("ledger.db.restored", False, False),
        ("restored.json.restored", False, False),
        ("restoring.json.new", False, False),
        ("data", True, False),
        ("before-restore-2026-11-27T09-00-00Z", True, False),
        ("data", True, True),
        ("data", False, True),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_puts_back_belongs_to_whom_the_folder_belongs(folder: Path, tmp_path: Path) -> None:
    os.chown(folder, 12345, 12346)
    made = back_up(folder, tmp_path / "backups")

    restore(made.folder, folder, replace=True, clock=now)

    new = [one for one in folder.iterdir() if not one.name.startswith("before")]
    assert {(one.stat().st_uid, one.stat().st_gid) for one in new} == {(12345, 12346)}


@pytest.mark.parametrize("change", ["edited", "another", "no note"])
def test_a_backup_that_was_changed_is_not_put_back(folder: Path, tmp_path: Path, change: str) -> None:
    made = back_up(folder, tmp_path / "backups")
    note = made.folder / "backup.json"
    match change:
        case "edited":
            (made.folder / "ledger.db").write_bytes(b"no database" * 1000)
        case "another":
            note.write_text(json.dumps({**json.loads(note.read_text()), "head": f"1:{'a' * 64}"}))
        case "no note":
            note.unlink()

    with pytest.raises(BackupError):
        restore(made.folder, tmp_path / "new", replace=False)
    assert not (tmp_path / "new" / "ledger.db").exists()


def test_a_backup_is_nobody_elses_business(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "backups")

    assert made.folder.stat().st_mode & 0o077 == 0
    assert all(one.stat().st_mode & 0o077 == 0 for one in made.folder.iterdir())


def test_one_time_codes_move_along_and_none_that_were_taken_away_come_back(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKPOINTBOT_DATA_DIR", str(folder))
    codes = Codes(folder, CodesSettings(), now)
    codes.enroll("U0ADA")
    codes.enroll("U0EVE")
    secrets = (folder / CODES).read_bytes()
    typed = CliRunner().invoke(main, ["backup", str(tmp_path / "backups")])
    (made,) = (tmp_path / "backups").iterdir()

    assert "keep it as safe as the data folder" in typed.output
    assert not any(one["secret"] in typed.output for one in json.loads(secrets)["people"].values())
    assert (made / CODES).stat().st_mode & 0o777 == 0o600
    restore(made, tmp_path / "elsewhere", replace=False)
    assert (tmp_path / "elsewhere" / CODES).read_bytes() == secrets
    assert (tmp_path / "elsewhere" / CODES).stat().st_mode & 0o777 == 0o600
    codes.remove("U0EVE")
    restore(made, folder, replace=True)
    assert codes.enrolled() == ("U0ADA",)


def test_the_key_of_jobs_that_are_in_another_database_moves_along(folder: Path, tmp_path: Path) -> None:
    jobs_key(folder)

    made = back_up(folder, tmp_path / "backups")
    restore(made.folder, tmp_path / "elsewhere", replace=False)

    for there in (made.folder, tmp_path / "elsewhere"):
        assert (there / KEY).read_text() == (folder / KEY).read_text()
        assert (there / KEY).stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_is_put_aside_for_that_of_the_backup(folder: Path, tmp_path: Path) -> None:
    """Windows names no file onto another one, unless it is told to."""
    jobs_key(folder)
    made = back_up(folder, tmp_path / "backups")
    before = (folder / KEY).read_text()
    (folder / KEY).write_text("another", encoding="ascii")

    restore(made.folder, folder, replace=True, clock=now)

    assert (folder / KEY).read_text() == before
    assert (folder / "before-restore-2026-11-27T09-00-00Z" / KEY).read_text() == "another"


def test_codes_that_are_damaged_make_no_backup(folder: Path, tmp_path: Path) -> None:
    (folder / CODES).write_text("{", encoding="ascii")

    with pytest.raises(BackupError, match=r"codes\.json is damaged"):
        back_up(folder, tmp_path / "backups")


def test_a_backup_says_how_many_events_are_in_it(folder: Path, tmp_path: Path) -> None:
    """Those that went into an archive are not."""
    clock = StoppedClock()
    with Ledger(folder / "ledger.db", clock=clock) as ledger:
        carry(ledger, "old")
        clock.forward(days=400)
        carry(ledger, "new")
        whole = ledger.audit.head().seq
        archived(ledger, tmp_path / "old.db", clock() - timedelta(days=100))
        kept = ledger.audit.head().seq - ledger.audit.base().seq

    assert back_up(folder, tmp_path / "backups").events == kept < whole
    (said,) = (one.said for one in look(Settings(slack=NO_SLACK, data_dir=folder), now) if one.about == "ledger.db")
    assert said == f"Its chain is whole: events {whole - 5} to {whole + 5}."


def test_a_folder_of_an_older_version_is_backed_up_as_it_is(tmp_path: Path) -> None:
    make_private(tmp_path / "old")
    old = data_folders.restore("first", tmp_path / "old")

    made = back_up(old, tmp_path / "backups")

    restore(made.folder, tmp_path / "new", replace=False)
    with Ledger(tmp_path / "new" / "ledger.db", clock=now) as ledger:
        assert str(ledger.audit.verify().head) == made.head


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_told_to_end_leaves_nothing_half_made(folder: Path, tmp_path: Path, number: int) -> None:
    """It holds secrets, and nobody would look for it."""
    Codes(folder, CodesSettings(), now).enroll("U0ADA")
    command = [sys.executable, "-c", "from bot.cli import entry; entry()", "backup", str(tmp_path / "backups")]
    with (
        closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as other,
        subprocess.Popen(command, env={**os.environ, "CHECKPOINTBOT_DATA_DIR": str(folder)}) as program,
    ):
        other.execute("BEGIN IMMEDIATE")
        wait_until(lambda: list(tmp_path.glob("backups/*.partial")))
        program.send_signal(number)
        other.rollback()

        assert program.wait(DEADLINE) == -number
    assert list((tmp_path / "backups").iterdir()) == []


# ---------------------------------------------------------------- what is typed


@pytest.fixture
def typed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """In the folder of the settings, which name no other data folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpointbot.yaml").write_text("data_dir: ./data\n", encoding="utf-8")
    return lambda *words: CliRunner().invoke(main, words)


def test_both_are_typed(tmp_path: Path, typed: Callable[..., Result]) -> None:
    made = typed("backup", "backups")
    assert made.exit_code == 0, made.output
    assert "The backup is in backups/checkpointbot-" in made.output
    assert "Its head, to keep elsewhere" in made.output
    (backup,) = (tmp_path / "backups").iterdir()

    refused = typed("restore", str(backup))
    assert refused.exit_code == 1
    assert "Error: data holds a ledger already. Nothing was changed." in refused.output

    done = typed("restore", str(backup), "--replace")
    assert done.exit_code == 0, done.output
    assert "data holds the backup of " in done.output


def test_a_restore_in_a_folder_that_knows_no_settings_says_what_to_type(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(folder, tmp_path / "backups")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    refused = CliRunner().invoke(main, ["restore", str(made.folder)])

    assert refused.exit_code == 2
    assert "name the file with --config, or the data folder with CHECKPOINTBOT_DATA_DIR." in refused.output
    assert list((tmp_path / "elsewhere").iterdir()) == []
    monkeypatch.setenv("CHECKPOINTBOT_DATA_DIR", str(tmp_path / "new"))
    assert CliRunner().invoke(main, ["restore", str(made.folder)]).exit_code == 0


@pytest.mark.parametrize(
    ("url", "has_jobs"),
    [
        (None, True),
        ("sqlite:///data/jobs.db", True),
        ("sqlite:///elsewhere.db", False),
        ("postgresql://bot@db.example.net/checkpointbot", False),
    ],
)
def test_jobs_that_are_left_over_from_before_there_was_a_database_url_are_not_taken_for_the_jobs(
    folder: Path,
    tmp_path: Path,
    typed: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    has_jobs: bool,
) -> None:
    with closing(sqlite3.connect(folder / "jobs.db")) as db:
        db.execute("CREATE TABLE old (n INTEGER)")
    if url:
        monkeypatch.setenv("CHECKPOINTBOT_DATABASE_URL", url)

    made = typed("backup", "backups")

    (backup,) = (tmp_path / "backups").iterdir()
    assert made.exit_code == 0, made.output
    assert (backup / "jobs.db").exists() == has_jobs
    assert ("back that database up by its own means" in made.output) != has_jobs


def test_a_folder_into_which_a_backup_is_half_put_back_makes_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(folder, tmp_path / "backups", clock=now)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        cut_off_after(patched, 3)
        restore(made.folder, folder, replace=True)

    with pytest.raises(FolderError, match="A backup was being put into"):
        back_up(folder, tmp_path / "backups")
