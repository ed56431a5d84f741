"""The whole crash test: `uv run python -m tests.crash`. It takes minutes, prints what came of it, and fails when
anything did not hold."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

from bot.demo.postgres import Postgres
from tests.crash.points import Verdict, pairs_of, points_of, try_out
from tests.crash.scenarios import HARDER, SCENARIOS
from tests.support import jobs

LINE = "{:<34} {:>6} {:>6} {:>6} {:>8}  {}"


def main() -> int:
    options = _options()
    with _server(options.database) as server:
        return _run(options, server)


def _run(options: argparse.Namespace, server: str | None) -> int:
    begun = time.monotonic()
    workers = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, workers, jobs.put_on, (server,)) as pool:
        chosen = [one for one in (*SCENARIOS, *HARDER) if options.scenario in (None, one.name)]
        known = list(pool.map(points_of, chosen))
        random = Random(options.seed)
        pairs = [pair for points in known for pair in pairs_of(points, options.pairs, random)]
        points = [point for one in known for point in one if options.only in str(point)] + pairs
        print(f"{len(points)} points, seed {options.seed}", flush=True)
        verdicts = []
        for verdict in pool.map(try_out, points):
            verdicts.append(verdict)
            _tell(verdict, options.verbose)
    _table(verdicts)
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if any(verdict.violations for verdict in verdicts) else 0


@contextmanager
def _server(database: str) -> Iterator[str | None]:
    """Where the jobs of all bots are, unless in a file of each."""
    if database == "sqlite":
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="crash-postgres-") as folder, Postgres(Path(folder)) as server:
        yield server.url()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenario", help="only this one, by its name in the table")
    parser.add_argument("--only", default="", help="only points whose line holds this text")
    parser.add_argument("--pairs", type=int, default=5, help="points of each scenario with a second kill (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of those")
    parser.add_argument("--jobs", type=int, default=2, help="points at a time (default 2)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="where the jobs are")
    parser.add_argument("--verbose", action="store_true", help="a line for every point")
    return parser.parse_args()


def _tell(verdict: Verdict, verbose: bool) -> None:
    if verbose or verdict.violations:
        print(f"{verdict.point}: {verdict.outcome}, {verdict.kills} kills, {verdict.seconds:.1f} s", flush=True)
    for violation in verdict.violations:
        print(f"    {violation}", flush=True)


def _table(verdicts: Iterable[Verdict]) -> None:
    print(LINE.format("scenario", "points", "kills", "copies", "broken", "outcomes"))
    by_scenario: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_scenario.setdefault(verdict.point.scenario.name, []).append(verdict)
    for name, some in (*by_scenario.items(), ("all", [one for group in by_scenario.values() for one in group])):
        outcomes = Counter(verdict.outcome for verdict in some)
        print(
            LINE.format(
                name,
                len(some),
                sum(verdict.kills for verdict in some),
                sum(verdict.extra_messages for verdict in some),
                sum(bool(verdict.violations) for verdict in some),
                "; ".join(f"{outcome}: {count}" for outcome, count in outcomes.items()),
            )
        )


if __name__ == "__main__":
    sys.exit(main())
