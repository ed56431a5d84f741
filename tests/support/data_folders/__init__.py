"""Data folders that earlier builds have written, kept as text, to start today's build on.

`first` is of the build whose jobs were pickled: an office at its work, killed while it carried a change out.

    web01    before-upgrade was taken with a note and kept for 30 days, and before-patches was applied, with an undo.
             running-when-killed is being taken: it was sent, and its host has not done it. queued-when-killed waits.
    web02    an apply was cancelled. The delete of nginx-1.27 awaits its confirmation, for a hundred years.
    web03    golden was deleted, and its disks are merged.
    sql01    The apply of before-migration awaits bob's approval, for a hundred years.
    old01    forgotten is 41 days old, and in the channel's digest, which was posted.
    app01    first was deleted, and its merge does not get on.

eve was refused, and bob's `/checkpoint list web*` was being looked into. `hosts.json` has the hosts as they were then.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

KEPT = Path(__file__).parent


def restore(name: str, folder: Path) -> Path:
    """Make the folder as that build left it."""
    for file in (KEPT / name).iterdir():
        if file.suffix == ".sql":
            with closing(sqlite3.connect(folder / f"{file.stem}.db")) as database:
                database.executescript(file.read_text("utf-8"))
        else:
            shutil.copy(file, folder)
    return folder
