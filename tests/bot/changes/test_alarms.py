from __future__ import annotations

from bot.changes.alarms import Alarms
from tests.support.waiting import wait_until


def test_what_is_due_is_done_in_its_order_and_what_was_called_off_is_not() -> None:
    alarms, done = Alarms(), list[str]()
    alarms.after(0.3, lambda: done.append("later"))
    alarms.after(0.01, lambda: done.append("called off")).cancel()
    alarms.after(0.01, lambda: done.append("sooner"))

    wait_until(lambda: len(done) == 2)

    assert done == ["sooner", "later"]
    alarms.after(0.0, lambda: done.append("again"))  # its thread had ended
    wait_until(lambda: done[-1] == "again")
