"""A short form of the chaos test. `python -m tests.chaos` is the whole."""

from __future__ import annotations

import os

import pytest

from bot.changes.execution import Timeouts
from tests.chaos.run import Pace, run

pytestmark = pytest.mark.chaos

SECONDS = 20.0
EVERYTHING = {"database stopped", "worker killed", "bot killed", "connection cut"}
SOON = Timeouts(retries=(2.0,) * 400)
"""The usual pauses between looks at what is unknown grow to minutes."""
PACE = Pace(database=(6, 12), worker=(4, 10), bot=(6, 12), cable=(4, 10), away=(0.1, 2.0), timeouts=SOON)


def test_nothing_is_lost_nor_doubled_though_everything_between_bot_and_site_fails() -> None:
    came = run(SECONDS, int(os.environ.get("CRASH_SEED", "1")), PACE)

    print(came)
    assert came.broken == (), str(came)
    assert set(came.blows) >= EVERYTHING
    assert came.changes["succeeded"] > 0, str(came)
