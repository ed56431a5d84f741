"""By what Slack's own requests over HTTP are told from all others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from slack_sdk.signature import Clock, SignatureVerifier

from bot.dispatch.requests import SeenLately
from bot.ledger import LedgerError

PATH = "/slack/events"
"""Where requests come to: Bolt's own, which most instructions name."""

SIGNATURE, TIMESTAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"

REMEMBERED = 50_000
"""Signatures by which a request that is repeated is known."""

_log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is none of Slack's, or that came before."""


class Taken(Protocol):
    """Remembers over a restart which requests were taken. Both methods raise `LedgerError`."""

    def first(self, signature: str) -> bool: ...

    def forget(self, signature: str) -> None: ...


class Signatures:
    """Tells Slack's own requests from all others. Safe to use from many threads."""

    def __init__(self, secret: str, now: Callable[[], float] = time.time, taken: Taken | None = None) -> None:
        """Without `taken` a restart forgets them all."""
        self._verifier = SignatureVerifier(secret, _Clock(now))
        self._seen = SeenLately(REMEMBERED)
        self._taken = taken

    def check(self, body: bytes, timestamp: str, signature: str) -> None:
        """Raises `Refused` for what is not signed with the secret, is older than five minutes, or comes again."""
        try:
            right = self._verifier.is_valid(body, timestamp, signature)
        except (ValueError, TypeError, OverflowError):  # what is no number, too large a one, no UTF-8 or no ASCII
            right = False
        if not right:
            raise Refused("it is not signed with the signing secret, or is more than five minutes old")
        if not self._seen.first(signature):
            raise Refused("it came before")

    def keep(self, signature: str) -> None:
        """Remember it over a restart, before anything is done about it; this may wait for the disk. Raises `Refused`
        for one that came before the last start. While the ledger cannot be written, a restart forgets it."""
        try:
            if self._taken is not None and not self._taken.first(signature):
                raise Refused("it came before the bot was started")
        except LedgerError as error:
            _log.warning("A request is remembered until the bot stops, and no longer: %s", error.cause)

    def forget(self, signature: str) -> None:
        """Its answer did not leave, so it may come again."""
        self._seen.forget(signature)
        try:
            if self._taken is not None:
                self._taken.forget(signature)
        except LedgerError as error:
            _log.warning("A request that was dropped is refused when it comes again: %s", error.cause)


class _Clock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()
