"""Looks at the receiver of the audit stream: whether it can be reached, and how far it has come. It sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from bot.ledger import Ledger, LedgerError
from bot.operations.doctor.findings import Check, broken, works
from bot.operations.stream import NotTaken, Receiver, receiver_of
from bot.settings import Settings

ABOUT = "audit.stream"
MEND = (
    "Look whether it runs, whether this machine may reach it, and whether audit.ca_bundle names who signed its "
    "certificate. Nothing is lost meanwhile: what it did not take is sent later."
)


def look(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Check]:
    receiver = receiver_of(settings.audit)
    if receiver is None:
        return
    waiting = _waiting(settings, receiver, clock)
    try:
        receiver.look()
    except NotTaken as error:
        yield broken(ABOUT, f"{receiver.target}: {error}.{waiting}", MEND)
    else:
        yield works(ABOUT, f"{receiver.target} can be reached.{waiting}")


def _waiting(settings: Settings, receiver: Receiver, clock: Callable[[], datetime]) -> str:
    """How much it has not taken yet, and since when, where the ledger can tell. What is wrong with that is said
    elsewhere."""
    path = settings.data_dir / "ledger.db"
    if not path.exists():
        return ""
    try:
        with Ledger(path, clock=clock, read_only=True) as ledger:
            at, sent_at = ledger.streams.at(receiver.target), ledger.streams.sent_at(receiver.target)
            waiting = ledger.audit.head().seq - at.seq if at else 0
    except LedgerError:
        return ""
    if not waiting:
        return ""
    since = f"nothing since {sent_at:%Y-%m-%d %H:%M} UTC" if sent_at else "nothing so far"
    return f" It has not taken {waiting} events yet, and {since}."
