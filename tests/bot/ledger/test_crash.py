from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.ledger import Ledger
from tests.support.clock import StoppedClock

HAMMER = """
import sys
from pathlib import Path
from threading import Thread
from tests.support.clock import StoppedClock
from tests.support.ledger import carry
from bot.ledger import Ledger

ledger = Ledger(Path(sys.argv[1]), clock=StoppedClock())

def hammer(name):
    for n in range(100_000):
        carry(ledger, f"{sys.argv[2]}-{name}-{n}")
        print(f"{sys.argv[2]}-{name}-{n}", flush=True)

for name in range(3):
    Thread(target=hammer, args=(name,)).start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_said_to_be_written(
    path: Path, clock: StoppedClock
) -> None:
    told: list[str] = []
    for turn, seconds in enumerate((0.05, 0.2, 0.35)):
        told += killed_after(path, turn, seconds)
        with Ledger(path, clock=clock) as ledger:
            assert ledger.audit.verify().whole
            assert len(ledger.changes.unfinished()) <= 3 * (turn + 1)
            for id in told:
                row = ledger.changes.get(id)
                assert row is not None
                assert row.state == "succeeded"
                assert len(ledger.events.of(id)) == 6
    assert len(told) >= 3


def killed_after(path: Path, turn: int, seconds: float) -> list[str]:
    """The changes that a program said were written, before it was killed in the middle of others."""
    program = subprocess.Popen(
        [sys.executable, "-c", HAMMER, str(path), str(turn)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with program:
        assert program.stdout is not None
        first = program.stdout.readline()
        time.sleep(seconds)
        program.send_signal(signal.SIGKILL)
        lines = [first, *program.stdout]
    return [line.strip() for line in lines if line.endswith("\n")]
