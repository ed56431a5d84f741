"""Socket Mode as seen from a bare WebSocket: tickets, greetings, who gets an envelope, and good-byes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.sandbox import Sandbox, SandboxError
from tests.support.clock import UnixClock

Opened = aiohttp.ClientWebSocketResponse


def ticket(sandbox: Sandbox) -> str:
    client = WebClient(sandbox.app_token, base_url=sandbox.api_url)
    return str(client.apps_connections_open(app_token=sandbox.app_token)["url"])


def talk(work: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    async def session() -> None:
        async with aiohttp.ClientSession() as made:
            await work(made)

    asyncio.run(session())


async def greeted(session: aiohttp.ClientSession, url: str) -> Opened:
    ws = await session.ws_connect(url)
    assert (await ws.receive_json())["type"] == "hello"
    return ws


def test_the_greeting_says_how_many_connections_there_are(sandbox: Sandbox) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        kept = []
        for count in (1, 2):
            kept.append(await session.ws_connect(ticket(sandbox)))
            hello = await kept[-1].receive_json()
            assert hello["num_connections"] == count
            assert hello["connection_info"] == {"app_id": "A0CHECKPT"}

    talk(work)


def test_a_ticket_is_good_once_and_for_half_a_minute(sandbox: Sandbox, clock: UnixClock) -> None:
    async def refused(session: aiohttp.ClientSession, url: str) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(url)
        return refusal.value.status

    async def work(session: aiohttp.ClientSession) -> None:
        used, old = ticket(sandbox), ticket(sandbox)
        await greeted(session, used)
        assert await refused(session, used) == 401
        clock.now += 31
        assert await refused(session, old) == 401
        sandbox.refuse_connections()
        assert await refused(session, ticket(sandbox)) == 503

    talk(work)


def test_an_eleventh_connection_is_sent_away(sandbox: Sandbox) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        kept = [await greeted(session, ticket(sandbox)) for _ in range(10)]
        ws = await session.ws_connect(ticket(sandbox))
        goodbye = await ws.receive_json()
        assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "too_many_websockets")
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        assert sandbox.connections == len(kept)

    talk(work)


def test_an_envelope_goes_to_one_connection_and_any_may_acknowledge_it(sandbox: Sandbox) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        first, second = [await greeted(session, ticket(sandbox)) for _ in range(2)]
        typed = asyncio.to_thread(sandbox.command, "ada", "#ops", "/checkpoint a & <b>")
        outcome = asyncio.create_task(typed)
        receiving = {asyncio.create_task(ws.receive_json()): ws for ws in (first, second)}
        done, waiting = await asyncio.wait(receiving, return_when=asyncio.FIRST_COMPLETED)
        envelope = done.pop().result()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert envelope["payload"]["text"] == "a &amp; &lt;b&gt;"
        (other,) = waiting
        await receiving[other].send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "seen"}})
        assert (await outcome).ack == {"text": "seen"}
        other.cancel()

    talk(work)
    assert sandbox.ephemeral("ada")[0].text == "seen"


def test_a_warning_leaves_the_connection_open_and_a_refresh_closes_it(sandbox: Sandbox) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        ws = await greeted(session, ticket(sandbox))
        await asyncio.to_thread(sandbox.disconnect, "warning")
        assert (await ws.receive_json())["reason"] == "warning"
        assert not ws.closed
        closing = asyncio.create_task(asyncio.to_thread(sandbox.disconnect, "refresh_requested"))
        assert (await ws.receive_json())["reason"] == "refresh_requested"
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        await closing

    talk(work)
    sandbox.wait_for_connections(0)
    with pytest.raises(SandboxError, match="no connection"):
        sandbox.disconnect()


def test_nonsense_on_the_wire_is_noted_and_harms_nothing(sandbox: Sandbox) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        ws = await greeted(session, ticket(sandbox))
        for text in ("hello", "[]", '{"envelope_id": "unknown"}', '{"envelope_id": ["x"]}'):
            await ws.send_str(text)
        await asyncio.to_thread(sandbox.wait_for, lambda: len(sandbox.log("ack")) == 4)
        assert all(line["late"] for line in sandbox.log("ack"))
        assert not ws.closed

    talk(work)


def test_any_payload_can_be_delivered(
    sandbox: Sandbox, new_app: Callable[[], App], connect: Callable[[App], object]
) -> None:
    app = new_app()

    @app.options("pick")
    def options(ack: Ack) -> None:
        ack(options=[{"text": {"type": "plain_text", "text": "web01"}, "value": "web01"}])

    connect(app)
    team, user = {"id": "T0CONTOSO"}, {"id": "U0ADA0001"}
    asked = {
        "type": "block_suggestion",
        "action_id": "pick",
        "block_id": "b",
        "value": "we",
        "team": team,
        "user": user,
    }
    outcome = sandbox.deliver("interactive", asked)
    assert outcome.ack is not None
    assert outcome.ack["options"][0]["value"] == "web01"
