"""Two workers of a site as programs of their own, one of which dies in mid-call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest

from backends.base import UnknownOutcome, Unreachable
from backends.simulator.fleets.seed import add_vm
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller, Patience
from backends.sites.signing import Key
from tests.crash.hosts import ARRIVED, WatchedPowerShell
from tests.support.hosts import ACCOUNT, AT_ONCE, PASSWORD, serve
from tests.support.program import BotProcess
from tests.support.waiting import DEADLINE, wait_until
from tests.support.watched import WatchedHost

KEY = "0123456789abcdef0123456789abcdef"


class Lyon:
    """A host behind WinRM, and workers that reach it."""

    def __init__(self, folder: Path, url: str, opened: ExitStack) -> None:
        self.host = WatchedHost("hv01", AT_ONCE)
        self.host.watch()
        self.arrived, self.hold = Event(), Event()
        self.server = opened.enter_context(serve(WatchedPowerShell(self.host, self._reached)))
        self.folder, self.url, self._opened = folder, url, opened
        patience = Patience(to_begin=DEADLINE, worker_gone=1.0, reader_gone=0.5, look=0.1)
        self.caller = Caller(url, {"lyon": Key("lyon", KEY)}, patience=patience)
        opened.callback(self.caller.close)
        self.backend = SiteBackend("hv01", "lyon", self.caller)

    def _reached(self, moment: str) -> None:
        if moment == f"Checkpoint-VM 1 / {ARRIVED}":
            self.arrived.set()
            assert self.hold.wait(DEADLINE)

    def worker(self, name: str) -> BotProcess:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        settings = {"hosts": [{"name": "hv01", "address": "127.0.0.1", "port": self.server.port, "ssl": False}]}
        secrets = {"DATABASE_URL": self.url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": PASSWORD}
        started = BotProcess(
            folder,
            {"host_defaults": {"username": ACCOUNT}, **settings},
            secrets,
            words=("worker", "--site", "lyon"),
        )
        return self._opened.enter_context(started)

    def wait_for(self, workers: int) -> None:
        wait_until(lambda: len(self.caller.present("lyon")) == workers)


@pytest.fixture
def lyon(tmp_path: Path, database_url: str) -> Iterator[Lyon]:
    with ExitStack() as opened:
        yield Lyon(tmp_path, database_url, opened)


def test_a_worker_that_dies_in_mid_call_leaves_an_unknown_outcome_and_another_covers_it(lyon: Lyon) -> None:
    vm = add_vm(lyon.host, "web01")
    first = lyon.worker("first")
    lyon.wait_for(1)
    others: list[BotProcess] = []

    def kill() -> None:
        assert lyon.arrived.wait(DEADLINE)
        others.append(lyon.worker("second"))
        lyon.wait_for(2)
        first.kill()
        lyon.hold.set()

    killing = Thread(target=kill, daemon=True)
    killing.start()
    with pytest.raises(UnknownOutcome, match="was lost while"):
        lyon.backend.create(vm.id, "once")
    killing.join(DEADLINE)

    wait_until(lambda: lyon.backend.vm(vm.id).checkpoints)
    with pytest.raises(Unreachable, match="that was at a change on"):
        lyon.backend.end_lost_calls()  # what the first one sent may still begin, as far as the second one knows
    assert [one.name for one in lyon.backend.vm(vm.id).checkpoints] == ["once"]

    (second,) = others
    assert second.interrupt() == 0
    assert "The worker of lyon is running for 1 host. Ctrl-C ends it." in second.output
    assert PASSWORD not in second.output
    assert KEY not in second.output
