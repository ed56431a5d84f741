"""One-time codes."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from bot.people.codes import FILE, LOCKED, STEP, TRIES, Codes, CodesError
from bot.people.identity import Refusal
from bot.settings import CodesSettings
from tests.support.clock import StoppedClock
from tests.support.ledger import plan
from tests.support.people import ADA, BOB


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def codes(tmp_path: Path, clock: StoppedClock) -> Codes:
    return Codes(tmp_path, CodesSettings(vms=("dc*",)), clock)


def enrolled(codes: Codes, who: str = ADA) -> pyotp.TOTP:
    """What the person's app has."""
    uri = urlsplit(codes.enroll(who))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    return pyotp.TOTP(parse_qs(uri.query)["secret"][0])


def code(app: pyotp.TOTP, clock: StoppedClock, steps: int = 0) -> str:
    return app.at(int(clock().timestamp()) + steps * STEP)


def refused(codes: Codes, given: str, who: str = ADA) -> str:
    with pytest.raises(Refusal) as refusal:
        codes.check(who, given)
    return refusal.value.sentence


def test_are_asked_for_on_the_vms_of_the_settings(codes: Codes) -> None:
    assert codes.asks(plan("web01", "DC01"))
    assert not codes.asks(plan("web01"))
    assert not codes.asks(None)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_one_of_this_step_or_of_the_next_ones_is_taken_and_never_twice(
    codes: Codes, clock: StoppedClock, steps: int
) -> None:
    app = enrolled(codes)
    given = code(app, clock, steps)

    codes.check(ADA, f"{given[:3]} {given[3:]}")

    assert "was used already" in refused(codes, given)
    again = Codes(codes.folder, codes.settings, clock)  # another bot over the same folder
    assert "was used already" in refused(again, given)


@pytest.mark.parametrize("steps", [-2, 2])
def test_an_older_or_later_one_is_not_taken(codes: Codes, clock: StoppedClock, steps: int) -> None:
    app = enrolled(codes)

    assert "wrong, too old" in refused(codes, code(app, clock, steps))


@pytest.mark.parametrize("given", ["", "123", "abcdef", "١٢٣٤٥٦", "0" * 400])
def test_whatever_is_no_code_is_not_taken(codes: Codes, given: str) -> None:
    enrolled(codes)

    assert "wrong, too old" in refused(codes, given)


def test_a_few_wrong_ones_lock_for_a_while_and_the_right_one_too(codes: Codes, clock: StoppedClock) -> None:
    app = enrolled(codes)
    for _ in range(TRIES):
        assert "wrong, too old" in refused(codes, "x")

    assert "too many wrong codes" in refused(codes, code(app, clock))
    enrolled(codes, BOB)
    clock.forward(seconds=LOCKED.total_seconds() + 1)
    codes.check(ADA, code(app, clock))


def test_of_somebody_else_or_of_nobody_is_not_taken(codes: Codes, clock: StoppedClock) -> None:
    app = enrolled(codes)

    assert "you have none yet" in refused(codes, code(app, clock), BOB)
    assert codes.enrolled() == (ADA,)
    enrolled(codes, BOB)
    assert "wrong" in refused(codes, code(app, clock), BOB)


def test_the_secret_is_told_once_and_is_for_this_account_alone(
    codes: Codes, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = enrolled(codes)
    with pytest.raises(CodesError, match="has a code already"):
        codes.enroll(ADA)
    other = pyotp.TOTP(parse_qs(urlsplit(codes.enroll(ADA, again=True)).query)["secret"][0])
    assert "wrong" in refused(codes, code(app, clock))
    codes.check(ADA, code(other, clock))

    path = codes.folder / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert app.secret not in caplog.text + repr(codes)
    assert codes.remove(ADA)
    assert not codes.remove(ADA)
    assert json.loads(path.read_text()) == {"version": 1, "people": {}}


def test_a_damaged_file_lets_nobody_through(codes: Codes) -> None:
    (codes.folder / FILE).write_text("{")

    assert "cannot be checked now" in refused(codes, "123456")
    with pytest.raises(CodesError, match="is damaged"):
        codes.enrolled()
