"""Steps while the bot stops."""

from __future__ import annotations

from threading import Thread

from bot.durable import DBOSJournal, Stopped


def test_a_step_is_not_begun_while_the_bot_stops_and_ends_when_it_has() -> None:
    journal = DBOSJournal()
    begun: list[str] = []
    ended: list[str] = []

    def work() -> None:
        try:
            journal.step("send", lambda: begun.append("send"))
        except Stopped:
            ended.append("send")

    journal.drain(0.0)
    thread = Thread(target=work)
    thread.start()
    journal.end()
    thread.join(10)

    assert (begun, ended) == ([], ["send"])
