"""Which addresses the bot calls, and by which way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import pytest
from urllib3 import PoolManager, ProxyManager

from bot.slack.response_url import allowed
from bot.slack.web import connections, posting_client, reach_directly, reading_client, websocket_proxy

SLACK = "https://slack.com/api/"
LOCAL = "http://127.0.0.1:8080/api/"


@pytest.mark.parametrize(
    ("url", "api_url"),
    [
        ("https://hooks.slack.com/commands/T0/1/x", SLACK),
        ("https://hooks.slack.com:443/commands/T0/1/x", SLACK),
        ("https://hooks.slack-gov.com/commands/T0/1/x", "https://slack-gov.com/api/"),
        ("http://127.0.0.1:8080/hooks/x", LOCAL),
        ("http://localhost:9090/hooks/x", LOCAL),
        ("http://[::1]:9090/hooks/x", LOCAL),
        ("http://slack.test:1/hooks", "http://slack.test:2/api/"),
        ("https://hooks.slack.com/commands/T0/1/x", "https://gateway.example/slack/api/"),
    ],
)
def test_slacks_own_address_and_that_of_the_server_in_the_settings_are_called(url: str, api_url: str) -> None:
    assert allowed(url, api_url)


@pytest.mark.parametrize(
    ("url", "api_url"),
    [
        ("http://hooks.slack.com/commands/T0/1/x", SLACK),
        ("https://hooks.slack.com:8443/x", SLACK),
        ("https://hooks.slack.com.evil.example/x", SLACK),
        ("https://hooks.slack.com@evil.example/x", SLACK),
        ("https://evil.example/hooks.slack.com", SLACK),
        ("https://slack.com/api/chat.postMessage", SLACK),
        ("http://127.0.0.1:8080/hooks/x", SLACK),
        ("http://169.254.169.254/latest/meta-data", SLACK),
        ("http://169.254.169.254/latest/meta-data", LOCAL),
        ("https://hooks.slack.com/commands/T0/1/x", LOCAL),
        ("file:///etc/passwd", LOCAL),
        ("ftp://127.0.0.1/x", LOCAL),
        ("http://user:password@127.0.0.1/x", LOCAL),
        ("http://127.0.0.1:notaport/x", LOCAL),
        ("http://[::1", LOCAL),
        ("//127.0.0.1/x", LOCAL),
        ("", LOCAL),
    ],
)
def test_no_other_address_is_called(url: str, api_url: str) -> None:
    assert not allowed(url, api_url)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "intern.test")
    monkeypatch.setenv("no_proxy", "intern.test")
    yield


@pytest.mark.usefixtures("proxy")
def test_a_websocket_to_slack_takes_the_proxy_and_others_do_not() -> None:
    assert websocket_proxy("wss://wss-primary.slack.com/link/?ticket=x") == "http://proxy.test:3128"
    assert websocket_proxy("wss://intern.test/link") is None
    assert websocket_proxy("ws://127.0.0.1:8080/link") is None
    assert websocket_proxy("wss://localhost/link") is None


@pytest.mark.usefixtures("proxy")
def test_an_answer_to_slack_takes_the_proxy_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of(connections("https://hooks.slack.com/commands/T0/1/x")) == ("http://proxy.test:3128", {})
    assert proxy_of(connections("https://intern.test/x")) is None
    assert proxy_of(connections("http://127.0.0.1:8080/hooks/x")) is None
    monkeypatch.setenv("https_proxy", "proxy.test:3128")
    assert proxy_of(connections("https://hooks.slack.com/x")) == ("http://proxy.test:3128", {})
    monkeypatch.setenv("https_proxy", "http://ada:p%40ss@proxy.test:3128")
    login = {"proxy-authorization": "Basic YWRhOnBAc3M="}
    assert proxy_of(connections("https://hooks.slack.com/x")) == ("http://proxy.test:3128", login)


def proxy_of(kept: PoolManager) -> tuple[str, Mapping[str, str]] | None:
    return (str(kept.proxy), dict(kept.proxy_headers)) if isinstance(kept, ProxyManager) else None


@pytest.mark.usefixtures("proxy")
def test_only_hosts_of_this_machine_are_taken_out_of_the_proxys_way() -> None:
    reach_directly(SLACK)
    assert os.environ["NO_PROXY"] == "intern.test"
    reach_directly(LOCAL)
    reach_directly(LOCAL)
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "intern.test,127.0.0.1"


def test_posts_are_repeated_only_when_slack_says_that_nothing_was_shown() -> None:
    assert [type(h).__name__ for h in posting_client("t", SLACK).retry_handlers] == ["ShortRateLimit"]
    assert {type(h).__name__ for h in reading_client("t", SLACK).retry_handlers} == {
        "ConnectionErrorRetryHandler",
        "ServerErrorRetryHandler",
        "ShortRateLimit",
    }
