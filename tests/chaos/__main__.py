"""The whole chaos test: `uv run python -m tests.chaos`. It prints what came of it, and fails when anything did not
hold."""

from __future__ import annotations

import argparse
import sys

from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="of chaos; peace comes after it (default 15)")
    parser.add_argument("--seed", type=int, default=1, help="of what happens when (default 1)")
    options = parser.parse_args()
    came = run(options.minutes * 60, options.seed)
    print(came)
    for one in came.broken:
        print(f"    {one}")
    return 1 if came.broken else 0


if __name__ == "__main__":
    sys.exit(main())
