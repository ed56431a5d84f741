"""One-time codes: a second proof, beside the Slack session, that it is the person who presses.

The secrets are in a file of the data folder that this account alone may read, and nowhere else: not in the ledger, not
in a log, and shown once, on the machine of the bot. What cannot be read or checked is a no.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
from filelock import FileLock

from bot.people.identity import Refusal
from bot.settings import CodesSettings
from commands.base import Plan
from commands.kit import patterns
from commands.kit.words import say_span

FILE = "codes.json"
VERSION = 1
STEP = 30
"""Seconds that a code holds. The one before and the one after it are taken too: clocks differ."""

TRIES, LOCKED = 5, timedelta(minutes=15)
"""Wrong codes in a row, and for how long no code of the person is taken after them."""

ISSUER = "Checkpoint Bot"


def people_in(path: Path) -> tuple[str, ...]:
    """Who has a code by such a file; nobody where there is none. Raises `CodesError` and OSError."""
    return tuple(sorted(_read(path)))


class CodesError(Exception):
    """A sentence for whoever keeps the bot's machine."""


@dataclass(frozen=True, slots=True)
class _Enrolled:
    """What is kept of a person."""

    secret: str
    last: int = 0
    """The step of the last code that was taken: neither it nor one before it is taken again."""
    wrong: int = 0
    locked_at: str = ""

    def __repr__(self) -> str:
        return f"_Enrolled(last={self.last}, wrong={self.wrong})"  # a secret goes into no traceback


@dataclass(frozen=True, slots=True)
class Codes:
    """Safe to use from many threads and programs."""

    folder: Path
    settings: CodesSettings
    clock: Callable[[], datetime]

    def asks(self, plan: Plan | None) -> bool:
        """Whether an answer to a question about this plan needs a code."""
        targets = plan.targets if plan is not None else ()
        return any(patterns.protects(self.settings.vms, one.vm_name, one.host) for one in targets)

    # ------------------------------------------------------------ on the machine of the bot

    def enroll(self, person_id: str, *, again: bool = False) -> str:
        """Give somebody a secret: the address for their app, which is told once. Raises `CodesError` where they have
        one already, unless they get another `again`."""
        with self._changing() as people:
            if person_id in people and not again:
                raise CodesError(f"{person_id} has a code already. With --again the old one stops working.")
            secret = pyotp.random_base32()
            people[person_id] = _Enrolled(secret)
        return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=person_id, issuer_name=ISSUER)

    def remove(self, person_id: str) -> bool:
        """Take it away. False where they have none."""
        with self._changing() as people:
            return people.pop(person_id, None) is not None

    def enrolled(self) -> tuple[str, ...]:
        with self._changing() as people:
            return tuple(sorted(people))

    # ------------------------------------------------------------ in Slack

    def check(self, person_id: str, code: str) -> None:
        """Take a code, once. Raises `Refusal`."""
        try:
            with self._changing() as people:
                kept, refusal = self._checked(people.get(person_id), code)
                if kept is not None:
                    people[person_id] = kept
        except (CodesError, OSError) as error:
            raise Refusal(
                "Your one-time code cannot be checked now. Tell whoever keeps the bot's machine.",
                f"the codes cannot be read: {type(error).__name__}",
            ) from None
        if refusal is not None:
            raise refusal

    def _checked(self, one: _Enrolled | None, code: str) -> tuple[_Enrolled | None, Refusal | None]:
        """What is kept from now on, and why the code is not taken."""
        if one is None:
            return None, Refusal(
                "This needs a one-time code, and you have none yet. Whoever keeps the bot's machine gives you one with "
                "checkpointbot codes enroll and your user id.",
                "has no one-time code",
            )
        now = self.clock()
        if one.locked_at and (left := LOCKED - abs(now - datetime.fromisoformat(one.locked_at))) > timedelta(0):
            sentence = f"There were too many wrong codes, so none is taken for {say_span(left)}."
            return one, Refusal(sentence, "too many wrong one-time codes")
        step = self._step_of(one, code.replace(" ", ""), now)
        if step is not None:
            return _Enrolled(one.secret, last=step), None
        wrong = 1 if one.locked_at else one.wrong + 1
        locked_at = now.isoformat() if wrong >= TRIES else ""
        sentence = "That code is wrong, too old, or was used already. Wait for the next one in your app."
        return _Enrolled(one.secret, one.last, wrong, locked_at), Refusal(sentence, "a wrong one-time code")

    def _step_of(self, one: _Enrolled, code: str, now: datetime) -> int | None:
        """The step that a code is of, where it may be taken. All are compared: how long it takes tells nothing."""
        totp, present = pyotp.TOTP(one.secret, interval=STEP), int(now.timestamp()) // STEP
        steps = [present + off for off in (-1, 0, 1)]
        fits = [step for step in steps if hmac.compare_digest(totp.at(step * STEP).encode(), code.encode())]
        return next((step for step in fits if step > one.last), None)

    # ------------------------------------------------------------ the file

    @contextmanager
    def _changing(self) -> Iterator[dict[str, _Enrolled]]:
        """All who have a code, written back where the block changed something. Raises `CodesError` and OSError."""
        path = self.folder / FILE
        with FileLock(path.with_name(f"{FILE}.lock").absolute(), mode=0o600):
            people = _read(path)
            before = dict(people)
            yield people
            if people != before:
                _write(path, people)


def _read(path: Path) -> dict[str, _Enrolled]:
    try:
        written = json.loads(path.read_text(encoding="ascii"))
        if written["version"] != VERSION:
            raise CodesError(f"{path} is of another version of the bot.")
        return {person: _Enrolled(**kept) for person, kept in written["people"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        mend = "Put a backup of it back, or move it away and enroll everybody anew."
        raise CodesError(f"{path} is damaged. {mend}") from None


def _write(path: Path, people: dict[str, _Enrolled]) -> None:
    """For this account alone, and whole or not at all."""
    text = json.dumps({"version": VERSION, "people": {person: asdict(kept) for person, kept in people.items()}})
    new = path.with_name(f"{FILE}.new")
    new.unlink(missing_ok=True)  # whatever mode it had
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
