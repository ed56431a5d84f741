"""What a mistyped name costs in a large fleet, against the standard library's matcher in the same run."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable

import pytest

from commands.kit.finding import nearest, plain

KINDS = ("web", "sql", "app", "dc", "file")
NAMES = [f"{kind}-{site}-{n:03}" for kind in KINDS for site in ("par", "lyo", "nce", "lil") for n in range(250)]
TYPED = "wbe-par-017"


def least(act: Callable[[], object], times: int) -> float:
    """Seconds of CPU, the least of several."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        act()
        spent.append(time.process_time() - begun)
    return min(spent)


@pytest.mark.bench
def test_a_mistyped_name_among_5000_vms_costs_little() -> None:
    assert len(NAMES) == 5_000
    assert nearest(TYPED, NAMES)[0] == "web-par-017"
    ours = least(lambda: nearest(TYPED, NAMES), 20)
    theirs = least(lambda: difflib.get_close_matches(plain(TYPED), NAMES, n=3), 3)
    print(
        f"a mistyped name among 5,000: {ours * 1000:.2f} ms, difflib {theirs * 1000:.0f} ms, {theirs / ours:.0f} times"
    )
    assert ours < theirs / 10
