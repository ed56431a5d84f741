"""Looks at Slack: the two tokens, what they may do, and Socket Mode."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping

import requests
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.manifest import GROUPS, names_groups, optional
from bot.people.directory import LookupFailed
from bot.settings import Settings
from bot.slack.directory import SlackDirectory, Standing
from bot.slack.signatures import PATH, SIGNATURE, TIMESTAMP
from bot.slack.web import error_code
from bot.slack.websocket import NotConnected, app_of

BOT_TOKEN, APP_TOKEN, LISTEN = "slack.bot_token", "slack.app_token", "slack.listen"
AUTH_TEST = "https://docs.slack.dev/reference/methods/auth.test"
PASSING = frozenset(
    {
        *("internal_error", "fatal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable"),
        "unknown_error",
    }
)
"""What Slack answers while it has trouble of its own, and an answer without a word."""
REACH = "Look whether this machine reaches slack.com on port 443, by a proxy (HTTPS_PROXY) where there is one."
ADDRESSES = "Where the app allows some IP addresses alone, this machine's has to be among them."
WITHIN = 5
"""Seconds to answer. Slack waits for three."""
ON_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - where to ask who listens everywhere
INSTALL = "Give the app that scope under OAuth & Permissions, and install it to the workspace again."

SCOPES: Mapping[str, str] = {
    "commands": "people cannot type its command",
    "chat:write": "it can show nothing in channels",
    "im:write": "it cannot write to a person directly where a channel is barred",
    "users:read": "it cannot tell members from guests, so it lets nobody in",
    GROUPS: "no grant to a user group holds",
    "channels:read": "it changes nothing from public channels, and posts no digest there, unless a grant names them",
    "groups:read": "it changes nothing from private channels, and posts no digest there, unless a grant names them",
}
"""What the bot asks for in its manifest, and what does not work without each."""


def look(settings: Settings, directory: SlackDirectory) -> Iterator[Check]:
    """The tokens. Where the bot token does not work, nothing else of Slack can be seen."""
    try:
        standing = directory.standing
    except LookupFailed as failure:
        yield _token(failure)
        if not failure.lasting:
            if settings.slack.mode == "http":
                yield from http(settings)
            else:
                yield unseen(APP_TOKEN, "Slack did not answer for the bot token.")
            return
    else:
        yield works(BOT_TOKEN, f"It belongs to @{standing.name} of {standing.team} ({standing.team_id}).")
        yield from scopes(settings, standing)
    yield from http(settings) if settings.slack.mode == "http" else _socket_mode(settings, directory)


def http(settings: Settings) -> Iterator[Check]:
    """Ask the bot what Slack asks of a new address. Whether Slack reaches it from outside is seen by Slack alone."""
    secret = settings.slack.signing_secret
    challenge = secrets.token_hex(16)  # what came before is refused
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    now = str(int(time.time()))
    signature = SignatureVerifier(secret.get_secret_value() if secret else "-").generate_signature(
        timestamp=now, body=body
    )
    headers = {"Content-Type": "application/json", TIMESTAMP: now, SIGNATURE: str(signature)}
    host, _, port = settings.slack.listen.rpartition(":")
    address = f"http://{ON_THIS_MACHINE.get(host, host)}:{port}{PATH}"
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy
            answer = session.post(address, data=body, headers=headers, timeout=WITHIN)
    except requests.ReadTimeout:
        mend = "Look whether another program has that address, and into the bot's log for what it waits for."
        yield broken(LISTEN, f"Who listens at {address} has not answered within {WITHIN} seconds.", mend)
        return
    except requests.RequestException:
        yield unseen(LISTEN, f"Nobody listens at {address}: the bot is not running.")
        return
    if answer.status_code == 200 and answer.text == challenge:
        yield works(LISTEN, f"It takes requests at {address} that are signed with the secret of the settings.")
    else:
        mend = "Look whether another program has that address, or the bot runs with another slack.signing_secret."
        yield broken(LISTEN, f"{address} answers {answer.status_code} to a request that is signed.", mend)


def scopes(settings: Settings, standing: Standing) -> Iterator[Check]:
    """What may be left out is a warning, and nothing where the settings have no use for it."""
    if not standing.scopes:
        yield unseen("scopes", "The server does not say which the bot token has.")
        return
    for scope, without in SCOPES.items():
        about, lacks = f"scope {scope}", f"The bot token lacks it: {without}."
        if scope in standing.scopes:
            yield works(about, "The bot token has it.")
        elif scope == GROUPS and not names_groups(settings):
            yield works(about, "The bot token lacks it, and no setting names a user group.")
        elif scope in optional(settings):
            yield warning(about, lacks, INSTALL)
        else:
            yield broken(about, lacks, INSTALL)


def _socket_mode(settings: Settings, directory: SlackDirectory) -> Iterator[Check]:
    """It asks for an address and connects to none: Slack would give deliveries to a connection that takes none."""
    try:
        app = app_of(settings.slack.socket_token, settings.slack.api_url)
    except NotConnected as failure:
        mend = "Make one under Basic Information, App-Level Tokens, with the scope connections:write, in the same app."
        yield broken(APP_TOKEN, f"{failure}.", mend) if failure.lasting else unseen(APP_TOKEN, f"{failure}.")
        return
    other = _other_app(directory, app)
    if other:
        mend = "Take both tokens from one app: otherwise commands go to one, and answers come from another."
        yield broken(APP_TOKEN, f"It belongs to the app {app}, and the bot token to {other}.", mend)
    else:
        yield works(APP_TOKEN, "Slack gives an address to connect to.")


def _other_app(directory: SlackDirectory, app: str) -> str:
    """The app of the bot token, where it is known to be another."""
    try:
        bots = directory.app_id()
    except LookupFailed:
        return ""
    return bots if app and bots and app != bots else ""


def _token(failure: LookupFailed) -> Check:
    """What a bot token is that gave no answer: wrong, out of reach, refused for a reason of Slack's, or unknown."""
    text, cause = str(failure), failure.__cause__
    said, code = f"{text[0].upper()}{text[1:]}.", error_code(cause) if isinstance(cause, SlackApiError) else ""
    if failure.lasting:
        copy = "Copy the bot token (xoxb-…) from OAuth & Permissions of the app, and set it."
        return broken(BOT_TOKEN, said, f"{copy} {ADDRESSES}" if code == "invalid_auth" else copy)
    if code in PASSING or cause is None:
        return unseen(BOT_TOKEN, said)
    return broken(BOT_TOKEN, said, f"Look the word up at {AUTH_TEST}." if code else REACH)
