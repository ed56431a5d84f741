"""The bot stops in ten seconds, whatever is under way: a container gets no more."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.ledger import ChangeState, Ledger
from tests.support import program
from tests.support.clock import Clock
from tests.support.ledger import carry
from tests.support.office import Office
from tests.support.waiting import wait_until

AT_MOST = 10.0


def stop_in_seconds(office: Office) -> float:
    began = time.monotonic()
    bot = office.bot
    office._bot = None
    bot.stop()
    return time.monotonic() - began


def test_with_hosts_that_hang_over_questions_and_changes(data_dir: Path) -> None:
    with Office(data_dir) as office:
        for host in ("hv01", "hv02"):
            office.add_vm(f"busy-{host}", Past("first", DAY), host=host)
            office.ask("ada", f"/checkpoint show busy-{host} first")
            office.host(host).faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM", times=None))
            office.type("ada", f"/checkpoint busy-{host} second")
            office.wait_for_text(f"Take second of busy-{host}: running")
            office.host(host).faults.arm(Fault(FaultKind.HANG, times=None))
            office.type("ada", f"/checkpoint show busy-{host} first")
        try:
            assert stop_in_seconds(office) < AT_MOST
        finally:
            for host in ("hv01", "hv02"):
                office.host(host).faults.disarm()
                office.host(host).faults.release()

        office.start_bot()
        for host in ("hv01", "hv02"):
            office.wait_for_text(f"Took second of busy-{host}")
            assert office.checkpoints(f"busy-{host}", host) == ["first", "second"]
        assert office.newest_change().state is ChangeState.SUCCEEDED


def test_while_another_program_holds_the_ledger_locked(data_dir: Path) -> None:
    with Office(data_dir) as office, closing(sqlite3.connect(data_dir / "ledger.db", isolation_level=None)) as other:
        office.ask("ada", "/checkpoint whoami")
        other.execute("BEGIN IMMEDIATE")
        office.type("ada", "/checkpoint whoami")
        assert stop_in_seconds(office) < AT_MOST


@pytest.mark.skipif(os.name != "posix", reason="has no such shell")
def test_what_goes_to_standard_output_is_the_audit_stream_alone(tmp_path: Path, data_dir: Path) -> None:
    out = tmp_path / "out"
    with Ledger(data_dir / "ledger.db", clock=Clock()) as ledger:
        carry(ledger, "one")
    with Office(data_dir, with_bot=False) as office:
        given = program.settings(office, audit={"stream": "stdout"})
        aside = ("sh", "-c", f'exec "$@" > {out}', "sh")
        with program.BotProcess(tmp_path, given, program.secrets(office), within=aside) as bot:
            bot.wait_until_running()
            wait_until(out.read_text)
            assert bot.interrupt() == 0

    assert "Stopping" in bot.output
    first, *lines = out.read_text().splitlines()
    assert (first, {line[:15] for line in lines}) == ("", {'{"specversion":'})
