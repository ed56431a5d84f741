"""`checkpointbot freeze`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeState
from bot.operations.freeze import freeze
from tests.support.headquarters import Headquarters


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Headquarters]:
    with Headquarters(tmp_path / "data") as made:
        yield made


def typed(folder: Path) -> Result:
    settings = folder.parent / "checkpointbot.yaml"
    settings.write_text(f"data_dir: {folder}\n", encoding="utf-8")
    return CliRunner().invoke(freeze, ["--config", str(settings), "lift"])


def test_a_bot_that_runs_takes_changes_again_and_the_ledger_says_who_lifted_it(hq: Headquarters) -> None:
    hq.add_vm("web01", Past("first", DAY))
    hq.type("freeze")
    hq.type("web01 x")
    assert "has frozen everything" in hq.told()

    lifted = typed(hq.folder)

    assert (lifted.exit_code, lifted.stdout.split(". ")[0]) == (0, "The freeze of ada is lifted")
    hq.type("web01 x")
    hq.wait_for(ChangeState.SUCCEEDED)
    (entry, *_) = hq.ledger.history.find(text="lift the freeze")
    assert entry.person_name.endswith("on the bot's machine")
    assert hq.ledger.audit.verify().whole
    again = typed(hq.folder)
    assert (again.exit_code, again.stderr) == (1, "Error: Nothing is frozen.\n")


def test_where_there_is_no_ledger_none_is_made(tmp_path: Path) -> None:
    assert "There is no ledger" in typed(tmp_path / "data").stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_account_of_the_bot(hq: Headquarters) -> None:
    hq.type("freeze")
    os.chown(hq.folder, 12345, 12345)
    typed(hq.folder)

    assert {one.stat().st_uid for one in hq.folder.glob("ledger.db*")} == {12345}
