"""`checkpointbot codes`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.operations.codes import codes
from bot.people.codes import FILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpointbot.yaml").write_text(f"data_dir: {tmp_path / 'data'}\n", encoding="utf-8")
    return tmp_path


def typed(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(codes, ["--config", str(folder / "checkpointbot.yaml"), *words])


def test_a_secret_is_shown_once(folder: Path) -> None:
    first = typed(folder, "enroll", "U0ADA")

    assert first.exit_code == 0
    assert first.stdout.startswith("otpauth://totp/")
    again = typed(folder, "enroll", "U0ADA")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "has a code already" in again.stderr
    assert typed(folder, "enroll", "U0ADA", "--again").stdout not in ("", first.stdout)
    assert typed(folder, "list").stdout == "U0ADA\n"
    assert typed(folder, "remove", "U0ADA").exit_code == 0
    assert typed(folder, "remove", "U0ADA").exit_code == 1


def test_who_is_no_user_is_refused_and_a_damaged_file_is_told(folder: Path) -> None:
    assert "is not a user id" in typed(folder, "enroll", "ada").stderr
    typed(folder, "enroll", "U0ADA")
    (folder / "data" / FILE).write_text("{", encoding="ascii")
    assert "is damaged" in typed(folder, "list").stderr


def test_a_folder_that_knows_no_settings_gets_no_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot would never read them."""
    monkeypatch.chdir(tmp_path)

    refused = CliRunner().invoke(codes, ["enroll", "U0ADA"])

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"There is no settings file: neither {tmp_path / 'checkpointbot.yaml'} nor" in refused.stderr
    assert "name the file with --config, or the data folder with CHECKPOINTBOT_DATA_DIR." in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_account_of_the_bot(folder: Path) -> None:
    (folder / "data").mkdir()
    os.chown(folder / "data", 12345, 12345)
    typed(folder, "enroll", "U0ADA")

    assert {one.stat().st_uid for one in (folder / "data").iterdir()} == {12345}
