"""The freeze: what somebody wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FreezePlan:
    """To stop everything but questions, or to let it go on."""

    what: Literal["freeze", "lift"]
    reason: str = ""
