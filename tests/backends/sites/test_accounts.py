"""The accounts of the README: what a worker's may see of the database is the calls."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from backends.simulator.fleets.seed import add_vm
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller
from backends.sites.signing import Key
from backends.sites.worker import Worker
from bot.demo.postgres import Postgres
from tests.backends.hyperv.hosts import in_process, instant_host, powershell
from tests.backends.sites.conftest import HASTY, SECRET
from tests.support.waiting import wait_until

README = Path(__file__).parents[3] / "README.md"


def test_a_worker_needs_no_right_to_anything_but_the_calls(postgres: Postgres) -> None:
    (statements,) = re.findall(r"```sql\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    before, _, inside = statements.partition("\\c checkpointbot\n")
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        for one in filter(str.strip, before.split(";")):
            admin.execute(one.encode())
    with psycopg.connect(postgres.url("checkpointbot"), autocommit=True) as admin:
        for one in filter(str.strip, inside.split(";")):
            admin.execute(one.encode())
        admin.execute("CREATE SCHEMA dbos AUTHORIZATION checkpointbot_bot")
    urls = {
        role: make_url(postgres.url("checkpointbot")).set(username=role, password="…").render_as_string(False)
        for role in ("checkpointbot_bot", "checkpointbot_worker")
    }
    host = instant_host()
    add_vm(host, "web01")
    key = Key("nice", SECRET)
    with in_process(powershell(host)) as reach:
        worker = Worker(key, urls["checkpointbot_worker"], {"hv01": reach}, worker_id="w", seldom=0.5)
        caller = Caller(urls["checkpointbot_bot"], {"nice": key}, patience=HASTY)
        worker.start()
        wait_until(lambda: caller.present("nice"))
        seen = SiteBackend("hv01", "nice", caller).inventory()
        caller.close()
        worker.stop()

    assert [one.vm.name for one in seen.vms] == ["web01"]
    with psycopg.connect(urls["checkpointbot_worker"]) as database, pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("CREATE TABLE dbos.mine (id int)")
