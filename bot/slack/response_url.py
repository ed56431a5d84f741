"""Slack's own way back to a person: an address that comes with each request, good for 5 uses in 30 minutes."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from slack_sdk.errors import SlackRequestError

from bot.slack.web import connections, is_loopback

SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
API_HOSTS = frozenset({"slack.com", "slack-gov.com"})

_ERROR_CODE = re.compile(r"[a-z]+(_[a-z]+)+")


class Unusable(SlackRequestError):
    """An answer did not get through; the text holds Slack's error code and not the address, which is a secret."""


def allowed(url: str, api_url: str) -> bool:
    """Whether an address may be called.

    It is a field of a payload, so it must not lead the bot to any host that somebody names: only Slack's own over
    HTTPS, or, where the settings point to another Slack server, the host of that server. Names of this machine count
    as one host, and a server on this machine gets no answer sent elsewhere.
    """
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return False
    if is_loopback(api.hostname):
        return is_loopback(parts.hostname) and parts.scheme in ("http", "https")
    if parts.hostname in SLACK_HOSTS:
        return parts.scheme == "https" and port in (None, 443)
    return parts.hostname == api.hostname and api.hostname not in API_HOSTS and parts.scheme in ("http", "https")


def respond(url: str, api_url: str, *, text: str, blocks: list[dict[str, object]]) -> None:
    """Answer so that only the person sees it. Raises `Unusable`, or what urllib3 raises for a lost connection.

    slack_sdk's `respond()` is content with an answer of 404 `used_url`, so the status and the body are read here; and
    it opens a connection for each answer.
    """
    if not allowed(url, api_url):
        raise Unusable("response_url of a foreign host")
    answer = {"text": text, "blocks": blocks, "response_type": "ephemeral", "replace_original": False}
    response = connections(url).request("POST", url, json=answer, redirect=False)
    problem = _problem(response.data.decode("utf-8", "replace"))
    if response.status != 200 or problem:
        raise Unusable(problem or f"HTTP {response.status}")


def _problem(body: str) -> str:
    """Slack's error code in an answer: as JSON, or as a bare word such as `expired_url`."""
    body = body.strip()
    if _ERROR_CODE.fullmatch(body):
        return body
    try:
        answer = json.loads(body) if body.startswith("{") else {}
    except ValueError:
        return ""
    return str(answer.get("error", "unknown_error"))[:100] if answer.get("ok") is False else ""
