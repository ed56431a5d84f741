"""The connections: two of them, watched, replaced, and closed when all is said."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.sandbox import Sandbox
from bot.slack.connection import Connections, pause
from bot.slack.web import reading_client
from bot.slack.websocket import NotConnected, SocketClient
from tests.support.slack import Bot, hold
from tests.support.waiting import DEADLINE


def connections(
    sandbox: Sandbox,
    *,
    token: str | None = None,
    api_url: str | None = None,
    tell_alive: Callable[[int], None] = lambda _: None,
) -> Connections:
    return Connections(
        token or sandbox.app_token,
        lambda client, request: client.send_socket_mode_response({"envelope_id": request.envelope_id}),
        api_url=api_url or sandbox.api_url,
        chance=random.Random(0),
        check_every=0.05,
        tell_alive=tell_alive,
    )


def eventually(look: Callable[[], bool], *, every: float = 0.01) -> None:
    end = time.monotonic() + DEADLINE
    while not look():
        assert time.monotonic() < end, "it never came true"
        time.sleep(every)


def test_two_connections_are_opened(sandbox: Sandbox, bot: Bot) -> None:
    assert sandbox.connections == 2


def test_every_delivery_is_served_while_one_connection_is_down(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.refuse_connections()
    sandbox.drop_connection()
    sandbox.wait_for_connections(1)
    for number in range(4):
        assert sandbox.command("ada", "#ops", f"/checkpoint list vm{number}").error is None


def test_a_connection_that_was_reset_is_replaced(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.drop_connection()
    sandbox.wait_for_connections(2, timeout=DEADLINE)


def test_after_slack_was_gone_for_a_while_both_connections_come_back(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.refuse_connections()
    sandbox.drop_connection()
    sandbox.drop_connection()
    eventually(lambda: sandbox.connections == 0)
    sandbox.clear_faults()
    sandbox.wait_for_connections(2, timeout=DEADLINE)
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None


def test_an_outage_is_one_line_when_it_begins_and_one_when_it_is_over(
    sandbox: Sandbox, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    sandbox.refuse_connections()
    sandbox.drop_connection()
    sandbox.drop_connection()
    eventually(lambda: "Slack is away" in caplog.text)
    eventually(lambda: opened(sandbox) >= 6)
    sandbox.clear_faults()
    eventually(lambda: "Slack is back." in caplog.text)
    sandbox.wait_for_connections(2, timeout=DEADLINE)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_it_says_that_it_is_there_also_while_slack_is_away(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be taken for one that hangs, between tries that become rare."""
    monkeypatch.setattr("bot.slack.connection.BEAT", 0.05)
    said: list[int] = []
    one = connections(sandbox, tell_alive=said.append)
    one.start()
    sandbox.refuse_connections()
    sandbox.drop_connection()
    sandbox.drop_connection()
    eventually(lambda: said[-5:] == [0] * 5)
    one.close()


def test_whatever_goes_wrong_beside_a_connection_it_is_looked_after(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [OSError("the pipe is full"), RuntimeError("can't start new thread")]

    def tell(alive: int) -> None:
        if alive < 2 and wrong:
            raise wrong.pop()

    one = connections(sandbox, tell_alive=tell)
    one.start()
    sandbox.drop_connection()
    eventually(lambda: caplog.text.count("was not looked after") >= 2)
    sandbox.wait_for_connections(2, timeout=DEADLINE)
    one.close()


def test_a_connection_that_goes_while_it_is_looked_at_by_many_is_gone_for_all_of_them(sandbox: Sandbox) -> None:
    """The watches of both connections, and what pings, look at the same moment."""
    for _ in range(10):
        client = SocketClient(sandbox.app_token, reading_client(None, sandbox.api_url), lambda client, request: None)
        client.open()
        with ThreadPoolExecutor(8) as watches:
            looks = [watches.submit(look_until_gone, client) for _ in range(8)]
            sandbox.drop_connection()
            for look in looks:
                look.result(DEADLINE)
        client.close()


def look_until_gone(client: SocketClient) -> None:
    eventually(lambda: not client.check(), every=0)


def opened(sandbox: Sandbox) -> int:
    return sum(line["method"] == "apps.connections.open" for line in sandbox.log("web_api"))


def test_a_connection_that_slack_is_about_to_take_back_is_replaced_before(sandbox: Sandbox, bot: Bot) -> None:
    for number in range(6):
        if number == 1:
            sandbox.disconnect("warning")
        assert sandbox.command("ada", "#ops", f"/checkpoint list vm{number}").error is None
    eventually(lambda: opened(sandbox) == 3)
    sandbox.wait_for_connections(2, timeout=DEADLINE)


def test_a_connection_that_slack_took_back_is_replaced(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.disconnect("refresh_requested")
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None, "there was a second one"
    eventually(lambda: opened(sandbox) == 3)
    sandbox.wait_for_connections(2, timeout=DEADLINE)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("invalid_auth", "it does not know the app token (invalid_auth)"),
        ("not_allowed_token_type", "it starts with xapp- (not_allowed_token_type)"),
        ("missing_scope", "lacks the scope connections:write (missing_scope)"),
        ("strange_error", "it gave no connection (strange_error)"),
    ],
)
def test_a_refusal_at_the_start_says_what_is_wrong(sandbox: Sandbox, error: str, sentence: str) -> None:
    sandbox.fail("apps.connections.open", error=error)
    with pytest.raises(NotConnected, match="Slack refused: ") as caught:
        connections(sandbox).start()
    assert sentence in str(caught.value)
    assert sandbox.app_token not in str(caught.value)


def test_a_wrong_token_at_the_start_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(NotConnected, match="does not know the app token"):
        connections(sandbox, token="xapp-wrong").start()


def test_a_server_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(NotConnected, match=r"http://127\.0\.0\.1:9/api/ could not be reached"):
        connections(sandbox, api_url="http://127.0.0.1:9/api/").start()


def test_an_address_where_nobody_answers_is_an_error_at_the_start(sandbox: Sandbox) -> None:
    sandbox.refuse_connections()
    with pytest.raises(NotConnected, match="nothing answers there"):
        connections(sandbox).start()


def test_without_a_second_connection_the_first_does_the_work(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A server may allow a single one."""
    sandbox.fail("apps.connections.open", delay=0)  # the first call passes
    sandbox.fail("apps.connections.open", error="too_many_websockets", times=None)
    one = connections(sandbox)
    one.start()
    assert "no second connection" in caplog.text
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None
    one.close()


def test_a_server_on_this_machine_is_reached_although_a_proxy_is_set(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    one = connections(sandbox)
    one.start()
    one.close()


def test_stopping_waits_for_work_and_tells_newcomers(sandbox: Sandbox, bot: Bot, gate: threading.Event) -> None:
    done: list[bool] = []
    bot.desk.do = lambda request: done.append(gate.wait(DEADLINE))
    sandbox.command("ada", "#ops", "/checkpoint list")
    bot.desk.wait()
    stopping = threading.Thread(target=bot.connections.stop, args=(10,))
    stopping.start()
    eventually(lambda: bot.intake.closed)
    assert sandbox.command("dev", "#ops", "/checkpoint list").error is None, "still acknowledged"
    assert "being stopped" in sandbox.wait_for(lambda: sandbox.ephemeral("dev"))[-1].seen
    gate.set()
    stopping.join(DEADLINE)
    assert done == [True]
    sandbox.wait_for_connections(0)


def test_stopping_does_not_wait_for_ever(sandbox: Sandbox, bot: Bot, gate: threading.Event) -> None:
    bot.desk.do = lambda request: hold(gate)
    sandbox.command("ada", "#ops", "/checkpoint list")
    bot.desk.wait()
    assert bot.connections.stop(0.1) is False
    sandbox.wait_for_connections(0)


def test_tries_to_connect_get_rarer_and_those_for_a_spare_rarer_still() -> None:
    pauses = [pause(tries, random.Random(tries), spare=False) for tries in range(40)]
    assert pauses[0] < 0.5
    assert 15 <= pauses[-1] <= 45
    assert 150 <= pause(40, random.Random(0), spare=True) <= 450
    assert pause(3, random.Random(1), spare=False) != pause(3, random.Random(2), spare=False)
