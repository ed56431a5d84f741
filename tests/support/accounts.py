"""Another account of this machine than the one that the tests run as, and a folder that both may enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534

CAN_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs another account to be")


def as_nobody(act: Callable[[], bool]) -> bool:
    """What `act` says when it runs in a process that may write nothing here."""
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os._exit(0 if act() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def open_to_all() -> Iterator[Path]:
    """For a fixture: a folder that other accounts may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)
