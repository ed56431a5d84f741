"""Ids, tokens and timestamps as Slack makes them, from a clock and a source of randomness given from outside."""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable
from random import Random

_LETTERS = string.ascii_letters + string.digits
_CAPITALS = string.ascii_uppercase + string.digits


class Ids:
    """Makes them. Used on the sandbox's own thread only."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self._clock = clock
        self._random = random
        self._last = 0

    def ts(self) -> str:
        """A message's timestamp: Unix seconds with six digits, later than every one before."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def not_before(self, ts: str) -> None:
        """Let every coming timestamp be later than this one."""
        self._last = max(self._last, int(ts.replace(".", "")))

    def secret(self, length: int = 24) -> str:
        return "".join(self._random.choices(_LETTERS, k=length))

    def object_id(self, prefix: str) -> str:
        """An id such as `V0A1B2C3D4E`."""
        return prefix + "0" + "".join(self._random.choices(_CAPITALS, k=9))

    def block_id(self) -> str:
        return self.secret(5)

    def envelope(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def trigger(self, team_id: str) -> str:
        digits = self._random.randrange(10**12, 10**13)
        return f"{digits}.{self._random.randrange(10**10, 10**11)}.{self.secret(32).lower()}{team_id[-2:].lower()}"
