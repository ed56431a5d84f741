"""The whole bot over HTTP: signed requests in, the Web API and WinRM out."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http.client import HTTPConnection
from typing import Any

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.slack.signatures import PATH
from tests.support.office import Office
from tests.support.waiting import DEADLINE


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("office"), http=True) as opened:
        yield opened


def send(office: Office, body: str, headers: Mapping[str, str]) -> int:
    """The status of the bot's answer."""
    connection = HTTPConnection("127.0.0.1", office.port, timeout=DEADLINE)
    try:
        connection.request("POST", PATH, body.encode(), dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def signed(body: str, secret: str, *, age: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), sha256).hexdigest()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return {**kind, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def test_a_command_a_button_a_form_its_search_and_home(office: Office) -> None:
    office.add_vm("http01", Past("before-upgrade", 3 * DAY))
    assert office.sandbox.connections == 0

    office.type("ada", "/checkpoint http01 by-command")
    office.wait_for_text("Took by-command of http01")
    office.type("ada", "/checkpoint apply http01 before-upgrade --no-safety")
    office.press("ada", "Apply")
    office.wait_for_text("http01 is back at before-upgrade")

    assert office.type("ada", "/checkpoint").acked
    (view,) = office.sandbox.wait_for(lambda: office.sandbox.views("ada"))
    (found,) = (office.sandbox.suggest("ada", view, "bot.vm.0", "http").ack or {})["options"]
    entered = {"vm": {"bot.vm.0": found["value"]}, "name": {"bot.name.0": "by-form"}}
    assert office.sandbox.submit("ada", view, {"vm": {"bot.vm.0": "gone"}}, forged=True).error == "errors"
    assert office.sandbox.submit("ada", view, entered).error is None
    office.wait_for_text("Took by-form of http01")

    office.sandbox.open_home("ada")
    office.sandbox.wait_for(lambda: "by-form" in str(home.body) if (home := office.sandbox.home("ada")) else False)
    assert office.checkpoints("http01") == ["before-upgrade", "by-command", "by-form"]


def test_a_request_that_is_wrongly_signed_old_or_repeated_does_nothing_also_after_a_restart(office: Office) -> None:
    office.add_vm("http02")
    office.type("ada", "/checkpoint http02 once")
    office.wait_for_text("Took once of http02")
    (sent,) = (one for one in office.sandbox.log("request") if "http02" in one["body"])
    other = sent["body"].replace("once", "twice")
    secret = office.sandbox.signing_secret

    refused: list[Any] = [
        send(office, sent["body"], sent["headers"]),
        send(office, other, sent["headers"]),
        send(office, other, signed(other, "another secret")),
        send(office, other, signed(other, secret, age=301)),
        send(office, other, {}),
    ]
    office.restart()
    refused.append(send(office, sent["body"], sent["headers"]))

    assert refused == [401] * 6
    office.ask("ada", "/checkpoint whoami")
    assert office.checkpoints("http02") == ["once"]
    again = sent["body"]
    assert send(office, again, signed(again, secret)) == 200, "Slack's own second delivery has another time"
    office.ask("ada", "/checkpoint whoami")
    assert office.checkpoints("http02") == ["once"]
