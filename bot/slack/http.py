"""HTTP in place of Socket Mode: requests that Slack signs, at an address of the bot's, behind a proxy that speaks TLS.

The same listeners as over a connection. A request is looked at only when its signature over the raw bytes is right, and
each is taken once, also over a restart.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Thread
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt import App

from bot.slack.intake import Intake
from bot.slack.listeners import Served, serve
from bot.slack.signatures import PATH, SIGNATURE, TIMESTAMP, Refused, Signatures, Taken

LARGEST = 1_000_000
"""Bytes of a request. A view is 250 kB at the most, and comes as a form, which makes three of some bytes."""

READ_WITHIN = 5.0
"""Seconds that a request may take to come: Slack itself waits three for the answer."""

WORKERS = 32
"""Threads that acknowledge. None of them waits for a host. A search or a form holds one for as long as Slack takes to
say who somebody is, two seconds at the most, so there are more than a team needs at once."""

_log = logging.getLogger(__name__)


class HttpServer:
    """Between `start` and `stop`, at the address of the settings. It stands in for `SocketMode`."""

    def __init__(
        self,
        app: App,
        intake: Intake,
        signing_secret: str,
        *,
        listen: str,
        on_ack: Callable[[float], None] | None = None,
        now: Callable[[], float] = time.time,
        taken: Taken | None = None,
    ) -> None:
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._app = app
        self._intake = intake
        self._signatures = Signatures(signing_secret, now, taken)
        self._on_ack = on_ack
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-http")
        self._ready = Event()
        self._failure: OSError | None = None
        self._listening = False
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None

    @property
    def alive(self) -> int:
        """1 while it listens."""
        return int(self._listening)

    @property
    def port(self) -> int:
        return self._port

    def prepare(self) -> None:
        """There is nothing that takes a while."""

    def start(self) -> None:
        """Listen. Raises OSError where the address cannot be had."""
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="slack-http", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self, seconds: float = 10.0) -> bool:
        """Take up nothing new, let what was taken up come to its end for at most `seconds`, and close. True when all
        work was done. Until it is closed, it still answers, and people are told that the bot is stopping."""
        self._intake.close()
        drained = self._intake.drain(seconds)
        if self._loop is not None and self._closing is not None and self._listening:
            self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread is not None:
            self._thread.join(2)
        self._workers.shutdown(wait=False, cancel_futures=True)
        return drained

    async def _serve(self) -> None:
        application = web.Application(client_max_size=LARGEST)
        application.router.add_post(PATH, self._take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port)
            try:
                await site.start()
            except OSError as error:
                address = f"{self._host}:{self._port}"
                self._failure = OSError(error.errno, f"slack.listen {address} cannot be had: {error.strerror}")
                return
            self._port = int(runner.addresses[0][1])
            self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
            self._listening = True
            self._ready.set()
            await self._closing.wait()
        finally:
            self._listening = False
            await runner.cleanup()
            self._ready.set()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        came = time.monotonic()
        try:
            async with asyncio.timeout(READ_WITHIN):
                body = await request.read()  # aiohttp answers 413 for one that is too large
        except TimeoutError:
            return web.Response(status=408)
        signature = request.headers.get(SIGNATURE, "")
        try:
            self._signatures.check(body, request.headers.get(TIMESTAMP, ""), signature)
        except Refused as refused:
            return _refuse(request, refused)
        payload = read_body(body, request.content_type)
        if isinstance(payload, dict) and payload.get("type") == "url_verification":
            return web.Response(text=str(payload.get("challenge", "")))
        if isinstance(payload, dict) and "ssl_check" in payload:
            return web.Response()
        try:
            served = await asyncio.get_running_loop().run_in_executor(
                self._workers, self._serve_first, payload, signature
            )
        except Refused as refused:
            return _refuse(request, refused)
        return await self._answer(request, served, signature, came)

    def _serve_first(self, payload: object, signature: str) -> Served:
        self._signatures.keep(signature)
        return serve(self._app, payload, signature)

    async def _answer(self, request: web.Request, served: Served, signature: str, came: float) -> web.StreamResponse:
        """Acknowledge, and start the work only when that has left."""
        kind = (served.ack.headers.get("content-type") or ["text/plain;charset=utf-8"])[0]
        response = web.Response(status=served.ack.status, body=served.ack.body.encode(), headers={"Content-Type": kind})
        try:
            await response.prepare(request)
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError) as error:
            # Slack tells the person that it failed, so it must not happen behind their back.
            await asyncio.shield(self._run((partial(self._signatures.forget, signature),)))
            _log.warning("A request could not be acknowledged and was dropped: %s", type(error).__name__)
            await asyncio.shield(self._run(served.otherwise))
            raise
        if self._on_ack is not None:
            self._on_ack(time.monotonic() - came)
        await asyncio.shield(self._run(served.afterwards))
        return response

    async def _run(self, works: tuple[Callable[[], None], ...]) -> None:
        loop = asyncio.get_running_loop()
        for work in works:
            await loop.run_in_executor(self._workers, work)


def _refuse(request: web.Request, refused: Refused) -> web.Response:
    _log.warning("A request from %s was refused: %s.", request.remote, refused)
    return web.Response(status=401, text="Refused.\n")


def read_body(body: bytes, content_type: str) -> object:
    """What Slack says: an event is JSON, a command is a form, and everything else is JSON in a form's `payload`. None
    for what cannot be read."""
    try:
        if content_type == "application/json":
            return json.loads(body)
        form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=200)
        if "payload" in form:
            return json.loads(form["payload"][0])
    except (ValueError, RecursionError):
        return None
    return {name: values[0] for name, values in form.items()}
