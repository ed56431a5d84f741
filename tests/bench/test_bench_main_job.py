"""What the main job costs from end to end, beside the bare libraries in the same run. Only ratios are held to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median, quantiles

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from backends.base import HostConnection
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet
from backends.simulator.fleets.seed import DAY, Past
from bot.sandbox import Sandbox
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.office import Office

pytestmark = pytest.mark.bench

COMMANDS, APPLIES, PIPELINES = 200, 20, 300
LOOK = (Cmdlet("Get-VM", {"Name": "web01"}), Cmdlet("Select-Object", {"Property": ("Id",)}), Cmdlet("ConvertTo-Json"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("bench") / "data") as open_office:
        yield open_office


@pytest.fixture
def bare_app() -> Iterator[Sandbox]:
    """A workspace with a Bolt app that acknowledges and does nothing else."""
    with Sandbox() as sandbox:
        app = App(client=WebClient(sandbox.bot_token, base_url=sandbox.api_url))
        app.command("/checkpoint")(lambda ack: ack())
        handler = SocketModeHandler(app, sandbox.app_token)
        handler.connect()  # type: ignore[no-untyped-call]
        sandbox.wait_for_connections(1)
        yield sandbox
        handler.close()  # type: ignore[no-untyped-call]


def test_the_acknowledgement_is_no_later_than_that_of_an_app_that_does_nothing_else(
    office: Office, bare_app: Sandbox
) -> None:
    """In turns, so that both meet the same weather. The bot looks up a VM and its host after each."""
    office.ask("ada", "/checkpoint list web01")
    bare_app.command("ada", "#ops", "/checkpoint list web01")
    ours, bare = [], []
    for _ in range(COMMANDS):
        ours.append(milliseconds(office.type("ada", "/checkpoint list web01").ack_ms))
        bare.append(milliseconds(bare_app.command("ada", "#ops", "/checkpoint list web01").ack_ms))

    print(f"\nack: {spread(ours)}; bare Bolt: {spread(bare)}; ratio of medians {median(ours) / median(bare):.2f}")
    assert median(ours) <= 3 * median(bare)


def test_a_pressed_button_reaches_the_host_soon(office: Office) -> None:
    """From the click to the first cmdlet on the host, beside one pipeline over a session of the same kind."""
    connection = connection_to(office, "hv01")
    session = PsrpSession(connection)
    session.invoke(LOOK, deadline=10)
    one = median(seconds(lambda: session.invoke(LOOK, deadline=10)) * 1000 for _ in range(APPLIES))
    session.close()
    delays = []
    for number in range(APPLIES):
        vm = office.add_vm(f"bench{number}", Past("first", DAY))
        office.type("ada", f"/checkpoint apply bench{number} first --no-safety")
        office.wait_for_text(f"Apply first to bench{number}?")
        pressed = time.time()
        office.press("ada", "Apply", about=f"bench{number}?")
        office.wait_for_text(f"bench{number} is back at first")
        looks = [look.at for look in office.commands().seen("Get-VM") if vm.id in str(look.parameters)]
        delays.append((min(at for at in looks if at > pressed) - pressed) * 1000)

    print(f"\nbutton to first cmdlet: {spread(delays)}; one pipeline {one:.1f} ms, ratio {median(delays) / one:.1f}")
    assert median(delays) <= 100 * one


def test_a_warm_session_is_nearly_as_quick_as_pypsrp_alone(office: Office) -> None:
    connection = connection_to(office, "hv01")
    session = PsrpSession(connection)
    wsman = WSMan("127.0.0.1", port=connection.port, ssl=False, username=ACCOUNT, password=PASSWORD, auth="negotiate")
    with RunspacePool(wsman) as pool:

        def bare() -> None:
            shell = PowerShell(pool)
            shell.add_cmdlet("Get-VM").add_parameter("Name", "web01")
            shell.add_cmdlet("Select-Object").add_parameter("Property", ["Id"])
            shell.add_cmdlet("ConvertTo-Json")
            shell.invoke()
            shell.close()

        def ours() -> None:
            session.invoke(LOOK, deadline=10)

        repeat(bare, 3)
        repeat(ours, 3)
        rates = [PIPELINES / seconds(partial(repeat, work, PIPELINES)) for work in (ours, bare)]
    session.close()

    print(f"\npipelines a second: {rates[0]:.0f}; bare pypsrp {rates[1]:.0f}, ratio {rates[0] / rates[1]:.2f}")
    assert rates[0] >= rates[1] / 2


def connection_to(office: Office, host: str) -> HostConnection:
    port = office.servers[host].port
    return HostConnection(host, "127.0.0.1", port, ssl=False, username=ACCOUNT, password=PASSWORD)


def repeat(work: Callable[[], None], times: int) -> None:
    for _ in range(times):
        work()


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def milliseconds(ack_ms: float | None) -> float:
    assert ack_ms is not None, "not acknowledged in time"
    return ack_ms


def spread(figures: Sequence[float]) -> str:
    """Median and 95th percentile."""
    return f"p50 {median(figures):.1f} ms, p95 {quantiles(figures, n=20)[-1]:.1f} ms"
