"""Looks at where the chain goes: the receiver of the audit stream, and a file that keeps the head. It sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from bot.ledger import Ledger, LedgerError
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.stream import NotTaken, Receiver, receiver_of
from bot.operations.stream.receivers import File, Https
from bot.settings import Settings
from bot.settings.kinds import is_channel

ABOUT, HEAD = "audit.stream", "audit.head"
LATE = timedelta(minutes=10)
"""A receiver that was away for a moment has caught up by then."""

MEND = (
    "Look whether it runs, whether this machine may reach it, and whether audit.ca_bundle names who signed its "
    "certificate. Nothing is lost meanwhile: what it did not take is sent later."
)
WRITABLE = "Make its folder, and let the bot's account write there."
BEHIND = "Look whether the bot runs, at its log, and whether audit.token is right. Nothing is lost meanwhile."


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What the receiver has not taken yet."""

    events: int
    since: datetime | None
    """When the oldest of them happened; None where there is none."""


def look(settings: Settings, clock: Callable[[], datetime], *, deep: bool = True) -> Iterator[Check]:
    """With `deep`, also at how far the receiver has come: right after a start it has to catch up."""
    if receiver := receiver_of(settings.audit):
        yield _receiver(receiver, _waiting(settings, receiver, clock) if deep else None, clock())
    head = settings.audit.head
    if head not in ("digest", "none") and not is_channel(head):
        yield _head(File(Path(head), ""))


def _receiver(receiver: Receiver, waiting: _Waiting | None, now: datetime) -> Check:
    try:
        receiver.look()
    except (NotTaken, OSError) as error:
        said = f"{receiver.target}: {_why(error)}."
        if _is_seen_late(receiver):
            return unseen(ABOUT, said)
        return broken(ABOUT, said, WRITABLE if isinstance(receiver, File) else MEND)
    said = f"{receiver.target} can be reached"
    if waiting is None:
        return works(ABOUT, f"{said}.")
    said = f"{said}, and has not taken {waiting.events} {'event' if waiting.events == 1 else 'events'} yet"
    if waiting.since is None or now - waiting.since < LATE:
        return works(ABOUT, f"{said}.")
    return warning(ABOUT, f"{said}, the oldest of {waiting.since:%Y-%m-%d %H:%M} UTC.", BEHIND)


def _head(file: File) -> Check:
    try:
        file.look()
    except (NotTaken, OSError) as error:
        return broken(HEAD, f"{file.target}: {_why(error)}.", WRITABLE)
    return works(HEAD, f"{file.target} can be written.")


def _why(error: NotTaken | OSError) -> str:
    return f"it cannot be looked at: {error.strerror}" if isinstance(error, OSError) else str(error)


def _is_seen_late(receiver: Receiver) -> bool:
    """It is reached by a proxy of which only sending tells whether it works."""
    proxy = select_proxy(receiver.url, get_environ_proxies(receiver.url)) if isinstance(receiver, Https) else None
    return proxy is not None and "://" in proxy and urlsplit(proxy).scheme != "http"


def _waiting(settings: Settings, receiver: Receiver, clock: Callable[[], datetime]) -> _Waiting | None:
    """Where the ledger can tell. What is wrong with that is said elsewhere."""
    try:
        with Ledger(settings.data_dir / "ledger.db", clock=clock, read_only=True) as ledger:
            at = ledger.streams.at(receiver.target)
            if at is None:
                return None
            first = ledger.streams.after(at.seq, 1)
            since = datetime.fromisoformat(first[0].at) if first else None
            return _Waiting(ledger.audit.head().seq - at.seq, since)
    except (LedgerError, OSError, ValueError):
        return None
