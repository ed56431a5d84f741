"""The connections of a shell: they are cut at the deadline, whatever still comes over them."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from backends.base import HostConnection, TimedOut
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet
from tests.support.waiting import DEADLINE


class Trickle(socketserver.BaseRequestHandler):
    """Answers a byte at a time, and never comes to an end: no wait between two bytes is long."""

    def handle(self) -> None:
        self.request.recv(65536)
        try:
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000000\r\n\r\n")
            while not self.server.ending.wait(0.05):  # type: ignore[attr-defined]
                self.request.sendall(b"<")
        except OSError:
            pass  # it was cut


@pytest.fixture
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickle) as server:
        server.ending = threading.Event()  # type: ignore[attr-defined]
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.ending.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_a_host_that_answers_a_byte_at_a_time_holds_a_call_no_longer_than_its_deadline(port: int) -> None:
    session = PsrpSession(
        HostConnection("hv01", "127.0.0.1", port, ssl=False, username="bot", password="s3cret"), clock=time.monotonic
    )
    began = time.monotonic()

    with pytest.raises(TimedOut, match="did not answer within"):
        session.invoke((Cmdlet("Get-VM"),), deadline=0.5)

    assert time.monotonic() - began < DEADLINE / 4
    session.close()
