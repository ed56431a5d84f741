from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import pytest
from click.testing import CliRunner, Result

from bot.ledger import Ledger
from bot.messages import Origin
from bot.operations.audit import audit
from bot.operations.folder import held

EVE = Origin("C0OPS", "U0EVE")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two refusals, two days ago and now."""
    now = datetime.now(UTC)
    times = iter([now - timedelta(days=2)] * 3 + [now] * 3)
    with Ledger(tmp_path / "ledger.db", clock=lambda: next(times)) as ledger:
        for id in ("c1", "c2"):
            ledger.changes.deny(
                id, person_id="U0EVE", person_name="Eve", origin=EVE, summary="delete « été »", why="No grant."
            )
        yield ledger


def run(ledger: Ledger, *words: str) -> Result:
    return invoke(["--ledger", str(ledger._store.path), *words])


def invoke(words: Sequence[str]) -> Result:
    """As the group above does: Click keeps the names of the help option from the first time."""
    return CliRunner().invoke(audit, words, help_option_names=["-h", "--help"])


def cut(ledger: Ledger) -> None:
    with sqlite3.connect(ledger._store.path) as db:
        db.execute("DROP TRIGGER events_are_never_deleted")
        db.execute("DELETE FROM events WHERE seq = 3")
    db.close()


def test_a_whole_ledger_is_said_to_be_whole_with_its_head(ledger: Ledger) -> None:
    result = run(ledger, "verify")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "The ledger is whole: 4 events.",
        f"Its head, to keep elsewhere and to check with --head: {ledger.audit.head()}",
    ]


def test_a_broken_ledger_names_the_first_broken_row(ledger: Ledger) -> None:
    cut(ledger)
    result = run(ledger, "verify")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "The ledger is broken at event 3. It is missing.",
        "Events 1 to 2 are as the bot wrote them.",
    ]


def test_an_edited_change_is_named(ledger: Ledger) -> None:
    with sqlite3.connect(ledger._store.path) as db:
        db.execute("UPDATE changes SET reason = 'as agreed' WHERE id = 'c2'")
    db.close()
    result = run(ledger, "verify")
    assert result.exit_code == 1
    assert "at event 4 (change c2). Its change was edited: it says other than its last event." in result.stderr


def test_a_head_kept_elsewhere_is_checked(ledger: Ledger) -> None:
    head = str(ledger.audit.head())
    assert run(ledger, "verify", "--head", head).exit_code == 0
    result = run(ledger, "verify", "--head", head.replace("4:", "3:"))
    assert result.exit_code == 1
    assert "the ledger was rewritten or cut" in result.stderr
    assert "as the bot wrote them" not in result.stderr


def test_verify_changes_nothing(ledger: Ledger) -> None:
    before = ledger._store.path.read_bytes()
    run(ledger, "verify")
    assert ledger._store.path.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--head", "yesterday"),
        ("verify", "--head", "9" * 30 + ":" + "a" * 64),
        ("export", "--since", "soon"),
        ("export", "--since", "0001-01-01T00:00:00+14:00"),
        ("prove",),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(ledger: Ledger, words: tuple[str, ...]) -> None:
    assert run(ledger, *words).exit_code == 2


def test_the_settings_need_only_say_where_the_ledger_is(ledger: Ledger, tmp_path: Path) -> None:
    config = tmp_path / "checkpointbot.yaml"
    config.write_text(json.dumps({"data_dir": str(tmp_path)}))

    assert invoke(["--config", str(config), "verify"]).exit_code == 0


def test_settings_that_cannot_be_read_are_a_usage_error(tmp_path: Path) -> None:
    result = invoke(["--config", str(tmp_path / "none.yaml"), "verify"])
    assert result.exit_code == 2
    assert "none.yaml: cannot be read" in result.stderr


def test_a_ledger_that_is_not_there_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["verify"], ["--ledger", "none.db", "verify"]):
        result = invoke(words)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: There is no ledger at")


def test_an_export_goes_to_standard_output(ledger: Ledger) -> None:
    result = run(ledger, "export", "--format", "jsonl")
    assert [json.loads(line)["seq"] for line in result.stdout.splitlines()] == [1, 2, 3, 4]
    assert run(ledger, "export").stdout.startswith("seq,at,change_id,event,")


def test_an_export_to_a_dash_goes_to_standard_output(ledger: Ledger) -> None:
    assert run(ledger, "export", "--output", "-").stdout == run(ledger, "export").stdout


@pytest.mark.parametrize("since", ["1d", "yesterday"])
def test_an_export_can_begin_at_a_span_or_a_day(ledger: Ledger, since: str) -> None:
    if since == "yesterday":
        since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    result = run(ledger, "export", "--format", "jsonl", "--since", since)
    assert {json.loads(line)["change_id"] for line in result.stdout.splitlines()} == {"c2"}


def test_an_export_goes_to_a_new_file_that_excel_reads(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    result = run(ledger, "export", "--output", str(file))
    assert (result.exit_code, result.stderr) == (0, f"4 events are in {file}.\n")
    assert file.read_bytes().startswith(b"\xef\xbb\xbfseq,")
    assert "« été »" in file.read_text("utf-8-sig")


def test_an_export_overwrites_nothing(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("mine")
    result = run(ledger, "export", "--output", str(file))
    assert result.exit_code == 1
    assert "is there already. Nothing was written" in result.stderr
    assert file.read_text() == "mine"


def test_an_export_that_cannot_be_finished_leaves_no_file(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(ledger._store.path) as db:
        db.execute("DROP TRIGGER events_are_never_changed")
        db.execute("UPDATE events SET detail = x'00ff' WHERE seq = 3")
    db.close()
    result = run(ledger, "export", "--output", str(tmp_path / "events.csv"))
    assert result.exit_code == 1
    assert "The event after 2 cannot be exported" in result.stderr
    assert not (tmp_path / "events.csv").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("word", ["verify", "export"])
def test_a_full_disk_behind_standard_output_is_said_in_a_sentence(ledger: Ledger, word: str) -> None:
    with Path("/dev/full").open("w") as full:
        told = executable(ledger, word, stdout=full)
    assert told.returncode == 1
    assert told.stderr == "Error: Standard output cannot be written: No space left on device.\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_has_enough_is_told_nothing(ledger: Ledger) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        told = executable(ledger, "export", stdout=closed)
    assert told.stderr == ""


def executable(ledger: Ledger, word: str, *, stdout: TextIO) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-c", "from bot.cli import entry; entry()", "audit", "--ledger", str(ledger._store.path)]
    return subprocess.run([*start, word], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_an_export_to_where_nothing_can_be_is_said_in_a_sentence(ledger: Ledger, tmp_path: Path) -> None:
    result = run(ledger, "export", "--output", str(tmp_path / "no" / "events.csv"))
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory." in result.stderr


# ---------------------------------------------------------------- archives


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Ledger]:
    """A refusal of two years ago, and one of now."""
    now = datetime.now(UTC)
    times = iter([now - timedelta(days=700)] * 3 + [now] * 20)
    with Ledger(tmp_path / "data" / "ledger.db", clock=lambda: next(times)) as ledger:
        for id in ("c1", "c2"):
            ledger.changes.deny(id, person_id="U0EVE", person_name="Eve", origin=EVE, summary=id, why="No grant.")
        yield ledger


def test_what_is_old_is_archived_and_both_are_proved_together(old: Ledger, tmp_path: Path) -> None:
    (first, second), head = (link.head for link in old.streams.after(0, 2)), old.audit.head()
    file = tmp_path / "old.db"

    done = run(old, "archive", str(file))

    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        f"The events up to 2 are in {file}. Keep it: what was before is nowhere else.",
        f"Its head, to keep elsewhere: {second}",
    ]
    assert f"What was archived before it must end with: {second}" in run(old, "verify").output
    for anchor in (first, second, head):
        both = run(old, "verify", "--archive", str(file), "--head", str(anchor))
        assert both.exit_code == 0, both.output
        assert both.output.splitlines()[:2] == [
            f"The archive {file} is whole: 2 events, and the chain goes on after it.",
            "The ledger is whole: events 3 to 9.",
        ]
    assert "It is in an archive: name that with --archive." in run(old, "verify", "--head", str(first)).stderr
    alone = invoke(["--ledger", str(file), "verify"])
    assert alone.output.startswith("The archive is whole: 2 events.")
    assert "is the archive that the ledger begins after already" in run(old, "archive", str(file)).output


def test_an_archive_that_came_first_and_is_not_named_is_said_to_be_needed(old: Ledger, tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    run(old, "archive", str(first))
    base, cut = old.audit.base(), replace(old.archive.cut(datetime.now(UTC)), head=old.streams.after(3, 1)[0].head)
    old.archive.write(second, replace(cut, number=2))
    old.archive.leave(second, replace(cut, number=2), datetime.now(UTC))

    alone = run(old, "verify", "--archive", str(second)).output.splitlines()
    assert alone[:2] == [
        f"The archive {second} is whole: events 3 to 4, and the chain goes on after it.",
        f"What was archived before it must end with: {base}",
    ]
    both = run(old, "verify", "--archive", str(second), "--archive", str(first))
    assert (both.exit_code, "must end with" in both.output) == (0, False)


def test_an_archive_of_an_older_version_is_proved_too(old: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    run(old, "archive", str(file))
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE freezes")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'freezes'")
    db.close()

    both = run(old, "verify", "--archive", str(file))

    assert both.exit_code == 0, both.output
    assert both.output.startswith(f"The archive {file} is whole: 2 events")


def test_an_archive_that_is_edited_or_another_proves_nothing(old: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    second = old.streams.after(1, 1)[0].head
    run(old, "archive", str(file))
    wrong = run(old, "verify", "--archive", str(file), "--head", f"2:{'a' * 64}")
    assert (wrong.exit_code, "the ledger was rewritten or cut" in wrong.stderr) == (1, True)

    with sqlite3.connect(tmp_path / "data" / "ledger.db") as db:
        db.execute("UPDATE chain_base SET hash = ?", ["b" * 64])
    db.close()
    other = run(old, "verify", "--archive", str(file))
    assert other.exit_code == 1
    assert f"ends with {second}, and what follows begins after 2:bbbb" in other.stderr

    with sqlite3.connect(file) as db:
        db.execute("UPDATE changes SET reason = 'as agreed'")
    db.close()
    edited = run(old, "verify", "--archive", str(file))
    assert (edited.exit_code, "Its change was edited" in edited.stderr) == (1, True)


def test_nothing_is_archived_that_is_young_or_in_use(old: Ledger, tmp_path: Path) -> None:
    young = run(old, "archive", str(tmp_path / "old.db"), "--before", "7d")
    assert (young.exit_code, "must be 30 days ago, or longer" in young.output) == (2, True)
    assert "Nothing is old and over" in run(old, "archive", str(tmp_path / "old.db"), "--before", "1000d").output

    with held(tmp_path / "data"):
        used = run(old, "archive", str(tmp_path / "old.db"))
    assert (used.exit_code, "is running with the data folder" in used.output) == (1, True)
    nowhere = run(old, "archive", str(tmp_path / "no" / "old.db"))
    assert (nowhere.exit_code, "cannot be written: No such file or directory." in nowhere.output) == (1, True)
    none = invoke(["--ledger", str(tmp_path / "none.db"), "archive", str(tmp_path / "old.db")])
    assert (none.exit_code, "There is no ledger at" in none.output) == (1, True)
    assert not (tmp_path / "old.db").exists()
    assert old.audit.base().seq == 0
