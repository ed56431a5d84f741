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
    try:
        receiver.look()
    except NotTaken as error:
        yield broken(ABOUT, f"{receiver.target}: {error}.", MEND)
    else:
        yield works(ABOUT, f"{receiver.target} can be reached{_waiting(settings, receiver, clock)}.")


def _waiting(settings: Settings, receiver: Receiver, clock: Callable[[], datetime]) -> str:
    """How much it has not taken yet, where the ledger can tell. What is wrong with that is said elsewhere."""
    path = settings.data_dir / "ledger.db"
    if not path.exists():
        return ""
    try:
        with Ledger(path, clock=clock, read_only=True) as ledger:
            at = ledger.streams.at(receiver.target)
            return f", and has not taken {ledger.audit.head().seq - at.seq} events yet" if at else ""
    except LedgerError:
        return ""
