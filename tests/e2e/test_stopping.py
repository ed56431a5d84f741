"""The bot stops in ten seconds, whatever is under way: a container gets no more."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.ledger import ChangeState
from tests.support.office import Office

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
