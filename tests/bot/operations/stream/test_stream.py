"""The audit stream: every event in order and at least once, whatever becomes of the receiver and of the bot."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from select import select

import pytest

from bot.ledger import Ledger, Link
from bot.operations.stream import LONGEST_PAUSE, NotTaken, Stream, receiver_of
from bot.operations.stream.receivers import Receiver
from bot.operations.stream.verify import verify
from bot.settings import AuditSettings
from tests.support.clock import StoppedClock as Clock
from tests.support.ledger import carry
from tests.support.receivers import CA_FILE, HttpsReceiver, Proxy, SyslogReceiver, untrusted
from tests.support.waiting import DEADLINE, wait_until

EVENTS = 6
"""Of one `carry`."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db", clock=Clock()) as made:
        yield made


@pytest.fixture
def https() -> Iterator[HttpsReceiver]:
    with HttpsReceiver() as made:
        yield made


@pytest.fixture
def syslog() -> Iterator[SyslogReceiver]:
    with SyslogReceiver() as made:
        yield made


def to(stream: str, **more: object) -> Receiver:
    ca_bundle = None if "://" not in stream else CA_FILE
    made = receiver_of(AuditSettings.model_validate({"stream": stream, "ca_bundle": ca_bundle, **more}), "bot01")
    assert made is not None
    return made


@contextmanager
def streaming(ledger: Ledger, receiver: Receiver) -> Iterator[Stream]:
    stream = Stream(ledger, receiver, pause=lambda _tries: 0.02, every=0.02)
    stream.start()
    try:
        yield stream
    finally:
        stream.stop(10)


def all_sent(ledger: Ledger, receiver: Receiver) -> bool:
    return ledger.streams.at(receiver.target) == ledger.audit.head()


# ---------------------------------------------------------------- HTTPS


def test_every_event_comes_as_a_cloudevent_in_order_and_proves_the_chain(ledger: Ledger, https: HttpsReceiver) -> None:
    receiver = to(https.url, token="let me in")
    carry(ledger, "one")
    with streaming(ledger, receiver):
        wait_until(lambda: all_sent(ledger, receiver))
        carry(ledger, "two")
        wait_until(lambda: all_sent(ledger, receiver))

    assert https.seqs == list(range(1, 2 * EVENTS + 1))
    event, headers = json.loads(https.bodies[1]), https.headers[1]
    assert headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"
    assert headers["Authorization"] == "Bearer let me in"
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "checkpointbot.ledger.event", "one")
    assert (event["source"], event["sequence"]) == ("//bot01/checkpointbot", "00000000000000000002")
    assert event["id"] == event["hash"] == event["data"]["hash"]
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event), "CloudEvents: names of attributes"
    proof = verify(https.bodies)
    assert proof.broken is None
    assert proof.head == ledger.audit.head()


def test_a_receiver_that_is_dead_delays_no_change_and_gets_everything_when_it_is_back(
    ledger: Ledger, https: HttpsReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = to(https.url)
    with streaming(ledger, receiver) as stream:
        carry(ledger, "one")
        wait_until(lambda: all_sent(ledger, receiver))
        https.stop()
        for number in range(3):
            carry(ledger, f"while it is dead {number}")
        wait_until(lambda: "stands still" in caplog.text)
        assert stream.lag() == 3 * EVENTS

        https.start()
        wait_until(lambda: all_sent(ledger, receiver))

        assert stream.lag() == 0
        wait_until(lambda: "goes on." in caplog.text)
    assert verify(https.bodies).head == ledger.audit.head()
    assert caplog.text.count("stands still") == 1


def test_a_receiver_that_does_not_answer_delays_no_change(ledger: Ledger, https: HttpsReceiver) -> None:
    https.answers.clear()
    with streaming(ledger, to(https.url)) as stream:
        carry(ledger, "one")
        https.pulse.wait_for(lambda: https.bodies)
        carry(ledger, "two")

        assert stream.lag() == 2 * EVENTS
        https.answers.set()


@pytest.mark.parametrize("status", [302, 400, 429, 500])
def test_what_a_receiver_refuses_is_sent_until_it_takes_it(
    ledger: Ledger, https: HttpsReceiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where it names another place: nobody else gets the token."""
    receiver = to(https.url, token="let me in")
    https.status, https.location = status, "https://localhost:9/elsewhere" if status == 302 else ""
    carry(ledger, "one")
    with streaming(ledger, receiver):
        wait_until(lambda: f"it answers {status}" in caplog.text)
        assert https.bodies == []
        https.status, https.location = 200, ""
        wait_until(lambda: all_sent(ledger, receiver))

    assert https.seqs == list(range(1, EVENTS + 1))
    assert "let me in" not in caplog.text + repr(receiver)


def test_a_receiver_says_how_long_it_wants_to_be_left_alone(ledger: Ledger, https: HttpsReceiver) -> None:
    carry(ledger, "one")
    https.status, receiver, in_an_hour = 429, to(https.url), formatdate(time.time() + 3600, usegmt=True)
    for said, seconds in (("120", 120.0), (in_an_hour, 3600.0), ("soon", 0.0)):
        https.retry_after = said
        with pytest.raises(NotTaken) as refused:
            list(receiver.send(ledger.streams.after(0, 1)))
        assert refused.value.not_before == pytest.approx(seconds, abs=DEADLINE if said is in_an_hour else 0)


@dataclass
class Busy:
    """Takes two events, and wants to be left alone then."""

    wait: float
    target: str = "busy"
    at_once: bool = False

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        yield from links[:2]
        if len(links) > 2:
            raise NotTaken("it is busy", not_before=self.wait)

    def look(self) -> None: ...


def test_what_is_taken_little_by_little_is_not_waited_for_longer_each_time(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    carry(ledger, "one")
    stream = Stream(ledger, Busy(0.0), pause=float, every=7.0)

    assert [stream._round() for _ in range(3)] == [0.0, 0.0, 7.0]
    assert (caplog.text.count("stands still"), caplog.text.count("goes on.")) == (1, 1)


def test_a_receiver_is_left_alone_for_as_long_as_it_wants_and_five_minutes_at_the_most(ledger: Ledger) -> None:
    carry(ledger, "one")
    assert Stream(ledger, Busy(90.0), pause=float)._round() == 90.0
    assert Stream(ledger, Busy(3600.0), pause=float)._round() == LONGEST_PAUSE


def test_a_stream_that_is_stopped_hands_no_more_over_and_notes_what_was_taken(
    ledger: Ledger, https: HttpsReceiver
) -> None:
    carry(ledger, "one")
    https.answers.clear()
    with streaming(ledger, receiver := to(https.url)) as stream:
        https.pulse.wait_for(lambda: https.bodies)
        stream._stopping.set()
        https.answers.set()
        stream.stop(10)

    at = ledger.streams.at(receiver.target)
    assert (https.seqs, at and at.seq) == ([1], 1)


def test_a_receiver_behind_a_proxy_is_looked_at_and_sent_to_through_it(
    ledger: Ledger, https: HttpsReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    receiver = to("https://localhost:9/audit")  # where nobody listens
    carry(ledger, "one")
    with Proxy(https.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:secret@127.0.0.1:{proxy.port}")
        receiver.look()
        assert len(list(receiver.send(ledger.streams.after(0, 2)))) == 2

    assert [line.split("\r\n")[0] for line in proxy.asked] == ["CONNECT localhost:9 HTTP/1.0"] * 2
    assert all("Proxy-Authorization: Basic c29tZWJvZHk6c2VjcmV0" in line for line in proxy.asked)
    with pytest.raises(NotTaken, match=r"\(by the proxy 127\.0\.0\.1\)"):
        receiver.look()


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_without_a_bundle_a_receiver_is_held_against_the_systems_store(
    ledger: Ledger, https: HttpsReceiver, monkeypatch: pytest.MonkeyPatch, through_a_proxy: bool
) -> None:
    """As hosts and syslog are, and not against the list of requests. OpenSSL is told where the system keeps it."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CA_FILE))
    carry(ledger, "one")
    links, receiver = ledger.streams.after(0, 2), to(https.url, ca_bundle=None)
    with Proxy(https.port) as proxy:
        if through_a_proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(NotTaken, match="its certificate does not hold"):
            list(receiver.send(links))
        with pytest.raises(NotTaken, match="its certificate does not hold"):
            receiver.look()

        monkeypatch.setenv("SSL_CERT_FILE", str(CA_FILE))
        receiver.look()
        assert len(list(receiver.send(links))) == 2
        assert bool(proxy.asked) == through_a_proxy


STREAMING = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from bot.ledger import Ledger
from bot.operations.stream import Stream
from bot.operations.stream.receivers import Https
path, url, ca_file = sys.argv[1:]
with Ledger(Path(path), clock=lambda: datetime.now(UTC)) as ledger:
    Stream(ledger, Https(url, "bot01", ca_bundle=Path(ca_file)))._run()
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
def test_what_was_taken_and_not_noted_when_the_bot_was_killed_comes_again(ledger: Ledger, https: HttpsReceiver) -> None:
    """The receiver has it and has not answered when the bot dies."""
    carry(ledger, "one")
    https.answers.clear()
    words = [sys.executable, "-c", STREAMING, str(ledger._store.path), https.url, str(CA_FILE)]
    with subprocess.Popen(words) as bot:
        https.pulse.wait_for(lambda: https.bodies)
        bot.send_signal(signal.SIGKILL)
    https.answers.set()

    with streaming(ledger, receiver := to(https.url)):
        wait_until(lambda: all_sent(ledger, receiver))

    assert https.seqs == [1, *range(1, EVENTS + 1)]
    proof = verify(https.bodies)
    assert (proof.broken, proof.repeated, proof.head) == (None, 1, ledger.audit.head())


def test_a_certificate_that_does_not_hold_gets_nothing(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    carry(ledger, "one")
    with untrusted() as port:
        for url in (f"https://localhost:{port}/", f"syslog+tls://localhost:{port}"):
            receiver = to(url)
            with pytest.raises(NotTaken, match="its certificate does not hold: "):
                list(receiver.send(ledger.streams.after(0, 1)))
            with pytest.raises(NotTaken, match="its certificate does not hold: "):
                receiver.look()


# ---------------------------------------------------------------- syslog


def test_every_event_comes_by_syslog_as_its_rfcs_have_it(ledger: Ledger, syslog: SyslogReceiver) -> None:
    receiver = to(f"syslog+tls://localhost:{syslog.port}")
    carry(ledger, "one")
    with streaming(ledger, receiver):
        wait_until(lambda: all_sent(ledger, receiver))

    header, _, event = syslog.messages[1].partition("{")
    assert header == "<110>1 2026-11-20T09:00:00.000000Z bot01 checkpointbot - awaiting - "
    assert json.loads("{" + event)["data"]["seq"] == 2
    proof = verify(syslog.messages)
    assert (proof.broken, proof.head) == (None, ledger.audit.head())


def test_what_a_syslog_receiver_did_not_read_to_its_end_is_sent_again(
    ledger: Ledger, syslog: SyslogReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """It took the bytes off the network and was gone: only its answer to the end says that it has them."""
    receiver = to(f"syslog+tls://localhost:{syslog.port}")
    syslog.breaks_off = True
    carry(ledger, "one")
    with streaming(ledger, receiver) as stream:
        wait_until(lambda: "it has not confirmed that it read everything" in caplog.text)
        assert (stream.lag(), syslog.messages) == (EVENTS, [])

        syslog.stop()
        syslog.breaks_off = False
        syslog.start()
        wait_until(lambda: all_sent(ledger, receiver))

    proof = verify(syslog.messages)
    assert (proof.broken, proof.head) == (None, ledger.audit.head())


def test_a_look_sends_nothing_and_sees_whether_a_syslog_receiver_answers_the_end(syslog: SyslogReceiver) -> None:
    """One that does not would get the same events for ever."""
    receiver = to(f"syslog+tls://localhost:{syslog.port}")
    receiver.look()

    syslog.answers_the_end = False
    with pytest.raises(NotTaken, match=r"does not answer the end .*rsyslog: use the driver ossl, not gtls"):
        receiver.look()
    assert syslog.messages == []


# ---------------------------------------------------------------- a file, standard output


def test_a_file_is_added_to_and_half_a_line_of_a_crash_is_passed_over(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    receiver = to(str(file))
    carry(ledger, "one")
    with streaming(ledger, receiver):
        wait_until(lambda: all_sent(ledger, receiver))
    file.write_text(file.read_text() + '{"specversion":"1.0","type":"checkpointbot.ledg')
    carry(ledger, "two")
    with streaming(ledger, receiver):
        wait_until(lambda: all_sent(ledger, receiver))

    proof = verify(file.read_text().splitlines())
    assert (proof.broken, proof.repeated, proof.head) == (None, 0, ledger.audit.head())
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_waited_for(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    receiver = to("/dev/full")
    carry(ledger, "one")
    with streaming(ledger, receiver) as stream:
        wait_until(lambda: "it cannot be written: No space left on device" in caplog.text)
        assert stream.lag() == EVENTS


def test_standard_output_gets_a_line_an_event(ledger: Ledger, capfd: pytest.CaptureFixture[str]) -> None:
    carry(ledger, "one")

    assert len(list(to("stdout").send(ledger.streams.after(0, 100)))) == EVENTS

    assert verify(capfd.readouterr().out.splitlines()).head == ledger.audit.head()


def test_half_a_line_on_standard_output_is_passed_over_and_its_event_comes_whole(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a bot before this one, and of this one on a disk that was full for a while."""
    carry(ledger, "one")
    links, receiver, write = ledger.streams.after(0, 100), to("stdout"), os.write

    def full(descriptor: int, text: bytes) -> int:
        if len(text) < 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text[:-999])

    file = tmp_path / "out"
    file.write_text('{"specversion":"1.0","type":"checkpointbot.ledg')
    with file.open("a") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert len(list(receiver.send(links[:3]))) == 3
        with monkeypatch.context() as patched, pytest.raises(NotTaken, match="No space left"):
            patched.setattr(os, "write", full)
            list(receiver.send(links[3:]))
        assert len(list(receiver.send(links[3:]))) == EVENTS - 3
        monkeypatch.undo()

    proof = verify(file.read_text().splitlines())
    assert (proof.broken, proof.head) == (None, ledger.audit.head())


@pytest.mark.skipif(os.name != "posix", reason="pipes block otherwise elsewhere")
def test_who_reads_nothing_of_standard_output_holds_nobody_else_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        carry(ledger, f"change {number} {'x' * 1000}")
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        with streaming(ledger, to("stdout")), os.fdopen(reading):
            wait_until(lambda: not select([], [out], [], 0)[1])
            other = threading.Thread(target=out.flush, daemon=True)
            other.start()
            other.join(10)
            assert not other.is_alive()


# ---------------------------------------------------------------- how far it has come


def test_another_place_gets_everything_from_the_beginning(ledger: Ledger, tmp_path: Path) -> None:
    carry(ledger, "one")
    for name in ("first", "second", "first"):
        with streaming(ledger, receiver := to(str(tmp_path / name))):
            wait_until(lambda receiver=receiver: all_sent(ledger, receiver))  # type: ignore[misc]

    for name in ("first", "second"):
        proof = verify((tmp_path / name).read_text().splitlines())
        assert (proof.repeated, proof.head) == (0, ledger.audit.head())


def test_a_ledger_that_was_rewritten_is_streamed_anew_so_that_it_shows(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    carry(ledger, "one")
    with streaming(ledger, receiver := to(str(file))):
        wait_until(lambda: all_sent(ledger, receiver))
    with Ledger(tmp_path / "other.db", clock=Clock()) as other:
        carry(other, "another")
        other.streams.begin(receiver.target)
        other.streams.sent(receiver.target, ledger.audit.head())
        with streaming(other, receiver):
            wait_until(lambda: all_sent(other, receiver))

    proof = verify(file.read_text().splitlines())
    assert proof.broken is not None
    assert "It came twice, and not as the same" in proof.broken.what


def test_a_stream_over_a_ledger_that_is_closed_ends_quietly(ledger: Ledger, tmp_path: Path) -> None:
    with streaming(ledger, to(str(tmp_path / "audit.jsonl"))) as stream:
        ledger.close()
        stream.stop(10)
