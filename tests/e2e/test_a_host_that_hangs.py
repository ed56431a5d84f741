"""A host that hangs keeps those waiting who asked about it. Everything else is answered as ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from tests.support.office import Office

PROMPT = 30.0
"""Seconds in which a person has an answer that needs no host: half of what a host is given to answer."""


@contextmanager
def hanging(office: Office, host: str) -> Iterator[None]:
    faults = office.host(host).faults
    faults.arm(Fault(FaultKind.HANG, times=None))
    try:
        yield
    finally:
        faults.disarm()
        faults.release()


@pytest.mark.parametrize("questions", [17, 90])
def test_what_needs_no_host_and_another_host_are_answered_at_once(office: Office, questions: int) -> None:
    office.add_vm(f"slow{questions}", Past("first", DAY))
    office.add_vm(f"quick{questions}", Past("first", DAY), host="hv02")
    office.ask("ada", f"/checkpoint show slow{questions} first")
    office.ask("ada", f"/checkpoint show quick{questions} first")
    office.type("ada", f"/checkpoint delete slow{questions} first")
    office.wait_for_text(f"Delete first of slow{questions}?")

    with hanging(office, "hv01"):
        for _ in range(questions):
            assert office.type("ada", f"/checkpoint show slow{questions} first").acked
        began = time.monotonic()

        office.type("ada", "/checkpoint whoami")
        office.wait_for_text("(U0ADA0001)")
        office.type("viewer", "/checkpoint help")
        office.wait_for_text("/checkpoint", "history", who="viewer")
        office.press("ada", "Cancel")
        office.wait_for_text(f"Delete first of slow{questions}: cancelled")
        office.type("viewer", f"/checkpoint show quick{questions} first")
        office.wait_for_text(f"quick{questions}", "hv02", who="viewer")

        assert time.monotonic() - began < PROMPT
    if questions > 20:
        office.wait_for_text("slow to answer")
