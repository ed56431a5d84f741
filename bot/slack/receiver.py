"""The program that holds the connections to Slack. It acknowledges, and hands over to the bot, whose child it is.

It is a program of its own because the threads of one share one interpreter: while twenty changes begin, each step of an
acknowledgement would wait for its turn among them. What is typed or pressed it keeps before it acknowledges it. What
belongs into an acknowledgement, as the options of a search, it asks of the bot.

The two talk in lines of JSON, over the standard input and output of this one. It ends when its input does, so it
outlives no bot; and it holds no secret but the app token.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from slack_sdk.errors import SlackClientNotConnectedError
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.dispatch.requests import Pressed, SeenLately, Typed
from bot.ledger.arrivals import Receipts
from bot.ledger.errors import LedgerError
from bot.slack.connection import Connections
from bot.slack.payloads import Delivery, read, waits_for_an_answer
from bot.slack.websocket import NotConnected

ANSWER_WITHIN = 2.8
"""Seconds that the bot has for what goes into an acknowledgement: Slack waits three."""

Line = Mapping[str, object]
"""What one tells the other. Its one key that no other line has says what it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """What the bot hands to its receiver."""

    app_token: str
    api_url: str
    command: str
    """The slash command, as people type it."""
    ledger: str
    """The file beside which requests are kept."""
    log_level: int


class Receiver:
    """Receives until it is closed."""

    def __init__(
        self,
        given: Given,
        tell: Callable[[Line], None],
        *,
        chance: random.Random | None = None,
        check_every: float = 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`tell` hands a line to the bot, in no time and in the order of the calls."""
        self._tell = tell
        self._command = given.command
        self._seen = SeenLately()
        self._receipts = Receipts(Path(given.ledger), clock)
        self._numbers = itertools.count(1)
        self._asked: dict[int, Future[Line]] = {}
        self._alone = False
        self._connections = Connections(
            given.app_token,
            self.deliver,
            api_url=given.api_url,
            chance=chance,
            check_every=check_every,
            tell_alive=lambda alive: tell({"alive": alive}),
        )

    def heed(self, line: Line) -> None:
        """Do what the bot says: open the connections, or acknowledge what it was asked about."""
        if "open" in line:
            threading.Thread(target=self._open, name="slack-open", daemon=True).start()
        elif (answer := self._asked.get(int(str(line["answer"])))) is not None:
            answer.set_result(line)

    def close(self, *, alone: bool = False) -> None:
        """Acknowledge what is in hand, and close. Where the bot is gone, and it is left `alone`, nothing new is taken
        meanwhile: it would be told as lost by nobody."""
        self._alone = alone
        self._connections.close()
        self._receipts.close()

    def deliver(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Take one delivery: acknowledge it first, and hand it over when that has left."""
        if self._alone:
            return  # Slack tells the person that it failed
        if not self._seen.first(request.envelope_id):
            _log.info("A delivery came twice; it is acknowledged again and not done again.")
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
            return
        came = time.monotonic()
        delivery = read(request.payload, request.envelope_id)
        if waits_for_an_answer(delivery):
            self._ask(client, request, came)
        else:
            self._take(client, request, delivery, came)

    def _open(self) -> None:
        try:
            self._receipts.all()  # so that it is open before anything comes
        except LedgerError as error:
            _log.error("requests cannot be kept: %s", error.cause)
        try:
            self._connections.start()
        except NotConnected as error:
            self._tell({"not_opened": str(error), "lasting": error.lasting})
        else:
            self._tell({"opened": True})

    def _take(self, client: BaseSocketModeClient, request: SocketModeRequest, delivery: Delivery, came: float) -> None:
        kept = self._kept(delivery)
        if self._acknowledged(client, request, {}):
            seconds = time.monotonic() - came
            self._tell({"came": request.payload, "id": request.envelope_id, "kept": kept, "seconds": seconds})
        elif kept:
            self._drop(delivery)

    def _ask(self, client: BaseSocketModeClient, request: SocketModeRequest, came: float) -> None:
        """The bot keeps what it is asked, and drops it where its answer could not leave."""
        number = next(self._numbers)
        answer = self._asked[number] = Future()
        self._tell({"asked": number, "payload": request.payload, "id": request.envelope_id})
        try:
            line = answer.result(ANSWER_WITHIN)
        except FutureTimeout:
            _log.warning("The bot had no answer in time for what goes into an acknowledgement.")
            self._seen.forget(request.envelope_id)
            left = False
        else:
            left = "ack" in line and self._acknowledged(client, request, line["ack"])
        finally:
            del self._asked[number]
        self._tell({"left": number, "seconds": time.monotonic() - came} if left else {"not_left": number})

    def _acknowledged(self, client: BaseSocketModeClient, request: SocketModeRequest, ack: object) -> bool:
        content = ack if isinstance(ack, dict) and ack else None
        try:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, content))
        except (SlackClientNotConnectedError, OSError) as error:
            # Slack tells the person that it failed, so it must not happen behind their back.
            self._seen.forget(request.envelope_id)
            _log.warning("A delivery could not be acknowledged and was dropped: %s", type(error).__name__)
            return False
        return True

    def _kept(self, delivery: Delivery) -> bool:
        """It is kept before its acknowledgement leaves: what was acknowledged is carried out, or told as lost. Where
        it cannot be kept it is taken all the same: questions are asked when the disk is full."""
        if isinstance(delivery, Typed):
            text = f"{self._command} {delivery.text}"
        elif isinstance(delivery, Pressed):
            text = f"press {delivery.action}"
        else:
            return False
        try:
            self._receipts.received(delivery.delivery_id, delivery.origin, text)
        except LedgerError as error:
            _log.error("a request could not be kept: %s", error.cause)
            return False
        return True

    def _drop(self, delivery: Delivery) -> None:
        if isinstance(delivery, Typed | Pressed):
            try:
                self._receipts.answered(delivery.delivery_id)
            except LedgerError as error:
                _log.error("a request that was dropped is still kept: %s", error.cause)


class Told:
    """Lines on their way out. Who tells one waits for nothing, and the lines leave in their order."""

    def __init__(self, out: IO[bytes]) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, args=(out,), name="told", daemon=True)
        self._thread.start()

    def __call__(self, line: Line) -> None:
        self._lines.put(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """When all have left, or nobody reads them any more."""
        self._lines.put(None)
        self._thread.join()

    def _write(self, out: IO[bytes]) -> None:
        try:
            while (line := self._lines.get()) is not None:
                out.write(line)
                if self._lines.empty():
                    out.flush()
        except (OSError, ValueError):
            pass  # the bot is gone, and tells at its next start what it did not get
        finally:
            with suppress(OSError):
                out.close()


class _Logged(logging.Handler):
    """What is logged here goes to the log of the bot."""

    def __init__(self, tell: Callable[[Line], None]) -> None:
        super().__init__()
        self._tell = tell
        self.setFormatter(logging.Formatter("%(message)s"))  # with the traceback where there is one

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(
            {"log": self.format(record), "name": record.name, "level": record.levelno, "created": record.created}
        )


def receive(heard: IO[bytes], out: IO[bytes], make: Callable[[Given, Callable[[Line], None]], Receiver]) -> None:
    """Receive until the bot says that it is over, or is gone. Its first line is what it hands over."""
    with closing(Told(out)) as tell:
        receiver = make(Given(**json.loads(heard.readline())), tell)
        alone = True
        try:
            for line in map(json.loads, heard):
                if "close" in line:
                    alone = False
                    break
                receiver.heed(line)
        finally:
            receiver.close(alone=alone)


def main() -> None:
    """Run as the child of a bot, which alone says when it is over: signals for the bot come here too."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # nothing that is printed gets between the lines

    def make(given: Given, tell: Callable[[Line], None]) -> Receiver:
        logging.basicConfig(level=given.log_level, handlers=[_Logged(tell)])
        return Receiver(given, tell)

    receive(sys.stdin.buffer, out, make)


if __name__ == "__main__":
    main()
