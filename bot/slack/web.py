"""HTTP to Slack: clients that repeat only what is safe to repeat, and that reach a server on this machine directly."""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
from collections.abc import Sequence
from http.client import HTTPException
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from cachetools import TTLCache, cached
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryHandler, RetryState
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.exceptions import HTTPError

TIMEOUT = 10
"""Seconds a call may wait for the server."""

CERTIFICATES = 3600
"""Seconds after which the machine's certificates are read again."""

LONGEST_WAIT = 15
"""Seconds that a call sleeps when Slack says how long it wants to be left alone. Slack may say an hour, and who sleeps
for that long keeps a thread from everybody; what is to be shown is tried again by the change itself."""

KEPT_OPEN = 200
"""Connections that are kept for the next answer: more than the threads that answer."""

KEPT_FOR = 30
"""Seconds that they are kept. A firewall may have forgotten one that lay idle for longer without telling anybody, and
what is sent over that is waited for in vain."""

WEB_ERRORS = (SlackClientError, OSError, HTTPException, HTTPError, ValueError)
"""All that a call through slack_sdk or urllib3 raises; ValueError for an answer that is no JSON."""


class ShortRateLimit(RateLimitErrorRetryHandler):
    """Waits for a rate limit that is over soon."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        return limited and response is not None and _seconds(response) <= LONGEST_WAIT


def _seconds(response: HttpResponse) -> float:
    """How long Slack wants to be left alone; nothing where it does not say so."""
    said = next((value for name, value in response.headers.items() if name.casefold() == "retry-after"), ["0"])
    try:
        return float(said[0] if isinstance(said, list) else said)
    except (ValueError, IndexError):
        return 0.0


@cached(TTLCache(maxsize=1, ttl=CERTIFICATES), lock=Lock())
def tls() -> ssl.SSLContext:
    """What servers are verified with. Python reads the machine's certificates anew for each connection otherwise, which
    takes longer than the call; they may change while the bot runs."""
    return ssl.create_default_context()


def connections(url: str) -> PoolManager:
    """Those to the host of an address, kept open for a while: to open one takes longer than the call. Nothing is
    repeated, and no redirection is followed. The proxy is the environment's, unless NO_PROXY says otherwise."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bypassed = is_loopback(host) or proxy_bypass(host)
    return _connections("" if bypassed else getproxies().get(parts.scheme, ""))


@cached(TTLCache(maxsize=4, ttl=KEPT_FOR), lock=Lock())
def _connections(proxy: str) -> PoolManager:
    kept: dict[str, Any] = {"maxsize": KEPT_OPEN, "retries": False, "timeout": TIMEOUT, "ssl_context": tls()}
    if not proxy:
        return PoolManager(**kept)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    headers = make_headers(proxy_basic_auth=login)
    return ProxyManager(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), proxy_headers=headers, **kept)


class _Client(WebClient):
    @property
    def ssl(self) -> ssl.SSLContext:
        return tls()

    @ssl.setter
    def ssl(self, _: object) -> None:
        """slack_sdk sets what it was given, which is nothing."""


def reading_client(token: str | None, api_url: str) -> WebClient:
    """For calls that change nothing: repeated after a lost connection, a server error or a rate limit."""
    repeats = [ConnectionErrorRetryHandler(), ServerErrorRetryHandler(), ShortRateLimit(max_retry_count=2)]
    return _client(token, api_url, repeats)


def posting_client(token: str | None, api_url: str) -> WebClient:
    """For calls that show something: repeated only after a rate limit, which says that nothing was shown. After a lost
    connection a repeated chat.postMessage was seen to arrive twice (slack_sdk 3.47)."""
    return _client(token, api_url, [ShortRateLimit(max_retry_count=3)])


def error_code(error: Exception) -> str:
    """What went wrong, short and without secrets: Slack's error code, or the kind of the failure."""
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "unknown_error"))[:100]
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__


def missing_scope(error: Exception) -> str:
    """The scope that the token lacks, as Slack names it; nothing for another error."""
    if not isinstance(error, SlackApiError) or error_code(error) != "missing_scope":
        return ""
    return str(error.response.get("needed") or "that Slack does not name")[:100]


def quiet(logger: logging.Logger) -> logging.Logger:
    """For slack_sdk, which logs an error for each try while Slack is away: what the bot makes of that is logged by the
    bot, once. At level DEBUG all of it is logged."""
    logger.addFilter(lambda _: logger.isEnabledFor(logging.DEBUG))
    return logger


def is_loopback(host: str | None) -> bool:
    """Whether a host name means this machine."""
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def websocket_proxy(url: str) -> str | None:
    """The proxy for a WebSocket. slack_sdk takes the environment's without a look at NO_PROXY."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "wss" or is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("http")


def reach_directly(url: str) -> None:
    """Keep this process from sending traffic for a host of this machine to a proxy, whatever the environment says.

    urllib has no other switch than NO_PROXY, so that is what is set. Other hosts are left alone.
    """
    host = urlsplit(url).hostname
    if not host or not is_loopback(host):
        return
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in excepted.split(",") if name.strip()]
    if host not in names and "*" not in names:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join([*names, host])


def _client(token: str | None, api_url: str, repeats: Sequence[RetryHandler]) -> WebClient:
    reach_directly(api_url)
    client = _Client(
        token=token,
        base_url=api_url,
        timeout=TIMEOUT,
        retry_handlers=list(repeats),
        logger=quiet(logging.getLogger(f"{__name__}.http")),
    )
    # slack_sdk takes the proxy of the environment without a look at NO_PROXY; with none set, urllib decides, and looks.
    client.proxy = None
    return client
