"""The data folder: one program at a time, and no other account."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.durable import sqlite_jobs
from bot.ledger import Ledger
from bot.operations.folder import FolderError, check_jobs, held, make_private
from tests.support.clock import StoppedClock
from tests.support.data_folders import restore
from tests.support.ledger import carry

HOLD = """
import sys, time
from pathlib import Path
from bot.operations.folder import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another program that holds the folder."""
    program = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "held\n"
    return program


def test_a_second_program_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    since = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)

    with held(tmp_path, lambda: since), pytest.raises(FolderError) as refused, held(tmp_path):
        pass

    assert f"process {os.getpid()}, since 2026-11-20 09:05 UTC" in str(refused.value)


def test_a_crash_leaves_no_lock_behind(tmp_path: Path) -> None:
    program = holder(tmp_path)
    with pytest.raises(FolderError, match=f"process {program.pid}"), held(tmp_path):
        pass

    program.kill()
    program.communicate()

    with held(tmp_path):
        assert (tmp_path / "checkpointbot.pid").read_text().startswith(f"{os.getpid()} ")


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path):
            pass

    assert not (tmp_path / "checkpointbot.pid").exists()


def test_a_second_one_leaves_the_firsts_name_as_it_is(tmp_path: Path) -> None:
    with held(tmp_path):
        for _ in range(2):
            with pytest.raises(FolderError, match=f"process {os.getpid()}"), held(tmp_path):
                pass


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
class TestWhatIsWritten:
    def test_is_for_this_account_alone_also_in_a_folder_that_was_there(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        (tmp_path / "notes.txt").touch(0o644)

        with held(tmp_path):
            with Ledger(tmp_path / "ledger.db", clock=StoppedClock()) as ledger:
                carry(ledger, "c1")
                sqlite_jobs(tmp_path / "jobs.db")
                (tmp_path / "shells").mkdir()
                (tmp_path / "shells" / "hv01.json").touch()
                written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
            assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "jobs.db", "hv01.json"} < set(written)

        assert written.pop("shells") == 0o700
        assert written.pop("notes.txt") == 0o644
        assert set(written.values()) == {0o600}
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    def test_is_shut_where_an_earlier_version_left_it_open(self, tmp_path: Path) -> None:
        (tmp_path / "shells").mkdir(mode=0o755)
        for name in ("jobs.db", "jobs.db-wal", "shells/hv01.json", "somebody-elses"):
            (tmp_path / name).touch(0o644)
        sqlite_jobs(tmp_path / "jobs.db")

        with held(tmp_path):
            pass

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
        assert modes["jobs.db"] == modes["hv01.json"] == 0o600
        assert modes["shells"] == 0o700
        assert modes["somebody-elses"] == 0o644


def test_a_damaged_file_of_jobs_is_a_sentence(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.db"
    jobs.write_bytes(b"not a database, and long enough to be looked at" * 100)

    with pytest.raises(FolderError, match=r"jobs\.db is damaged .*Put a backup in its place"), held(tmp_path):
        pass


def test_damage_in_the_middle_of_the_jobs_is_found_too(tmp_path: Path) -> None:
    jobs = restore("first", tmp_path) / "jobs.db"
    check_jobs(jobs)
    size = jobs.stat().st_size
    with jobs.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))

    with pytest.raises(FolderError, match="is damaged"):
        check_jobs(jobs)
    check_jobs(tmp_path / "nothing.db")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
class TestTheDataFolder:
    def test_is_for_this_account_alone(self, tmp_path: Path) -> None:
        make_private(tmp_path / "a" / "b")

        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700

    def test_that_holds_something_already_is_left_as_it_is(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        (tmp_path / "something").touch()

        make_private(tmp_path)

        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    def test_that_cannot_be_made_is_an_error_of_the_system(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(OSError, match="file"):
            make_private(tmp_path / "file" / "data")
