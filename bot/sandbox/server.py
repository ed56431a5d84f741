"""Serves the sandbox on 127.0.0.1, from an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

from aiohttp import web

from bot.sandbox.control import Control
from bot.sandbox.errors import PortTaken, SandboxError
from bot.sandbox.guard import add_headers, loopback_only, while_it_is_heard
from bot.sandbox.keeping import load, save
from bot.sandbox.response_urls import ResponseUrls
from bot.sandbox.routes import add_routes
from bot.sandbox.state import Event
from bot.sandbox.storage import LARGEST_UPLOAD, Storage
from bot.sandbox.webapi import WebApi

T = TypeVar("T")
SAVE_EVERY = 1.0
"""Seconds between looks whether there is something to save."""
LOOK_EVERY = 0.1
"""The same while messages wait for their time."""


@dataclass
class Server:
    """Everything that listens, put together."""

    control: Control
    api: WebApi
    urls: ResponseUrls
    port: int
    data_file: Path | None = None
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _thread: Thread | None = field(default=None, init=False)
    _ready: Flag = field(default_factory=Flag, init=False)
    _failure: BaseException | None = field(default=None, init=False)

    @property
    def base(self) -> str:
        """`http://127.0.0.1:1234`. Raises `SandboxError` before `start`."""
        if not self.api.base:
            raise SandboxError("The sandbox has not been started.")
        return self.api.base

    def start(self) -> None:
        """Serve, once. Raises `PortTaken`, an OSError."""
        self._thread = Thread(target=self._serve, name="sandbox", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close every connection and save. Harmless when it is not running."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self.control.stopping.set)
            self._thread.join()
            self._loop = None

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Do something on the sandbox's own thread, and wait. Raises `SandboxError` when it is not running."""
        if self._loop is None:
            work.close()
            raise SandboxError("The sandbox is not running.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, act: Callable[[], T]) -> T:
        """The same for a plain function."""

        async def work() -> T:
            return act()

        return self.run(work())

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:
            if self._ready.is_set():
                raise
            self._failure = _in_words(failure, self.port)
            self._ready.set()

    async def _main(self) -> None:
        state = self.control.state
        if self.data_file is not None and self.data_file.exists():
            load(state, self.data_file)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            self._announce(runner)
            await self._until_stopped()
        finally:
            state.announce(Event("stopping", {}))
            await self.control.events.close()
            await self.control.sockets.close()
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[while_it_is_heard, loopback_only], client_max_size=LARGEST_UPLOAD)
        app.on_response_prepare.append(add_headers)
        app.router.add_route("*", "/api/{method}", self.api.handle)
        app.router.add_get("/link/", self.control.sockets.handle)
        app.router.add_post("/hooks/{path:.+}", self.urls.handle)
        Storage(self.control.state, self.api.tokens).add_to(app)
        add_routes(app, self.control)
        return app

    def _announce(self, runner: web.AppRunner) -> None:
        host, port = runner.addresses[0][:2]
        self.api.base = self.urls.base = f"http://{host}:{port}"
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    async def _until_stopped(self) -> None:
        state, saved = self.control.state, self.control.state.revision
        while not self.control.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.control.stopping.wait(), LOOK_EVERY if state.scheduled else SAVE_EVERY)
            self.control.post_due(self.api.clock())
            if self.data_file is not None and state.revision != saved:
                saved = state.revision
                save(state, self.data_file)


def _in_words(failure: BaseException, port: int) -> BaseException:
    taken = isinstance(failure, OSError) and failure.errno in (errno.EADDRINUSE, errno.EACCES)
    return PortTaken(f"Port {port} of this machine is taken by another program, or not allowed.") if taken else failure
