"""Offices for whoever tests the bot from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from tests.support.office import Office

hypothesis.register_profile("untimed", deadline=None)  # a machine with other work is no defect of what is tested
hypothesis.load_profile("untimed")


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for the tests of a module. It takes seconds to open, so they share it."""
    with Office(tmp_path_factory.mktemp("office") / "data") as office:
        yield office


@pytest.fixture
def office(shared_office: Office) -> Office:
    """The module's office, in a channel of this test's own. Each test changes VMs of its own (`add_vm`)."""
    shared_office.move_to_a_new_channel()
    return shared_office


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where an office of a test's own keeps its data: `with Office(data_dir) as office`."""
    return tmp_path / "data"
