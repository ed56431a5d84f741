from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from bot.ledger import LEGAL, ChangeState, IllegalMove, Ledger
from tests.support.clock import StoppedClock
from tests.support.ledger import ADA, BOB, ORIGIN, creation

STATES = st.sampled_from(ChangeState)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


class Lives(RuleBasedStateMachine):
    """Any requests, moves, notes, restarts and jumps of the clock, beside a model that is two dictionaries."""

    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = StoppedClock()
        self.states: dict[str, ChangeState] = {}
        self.lives: dict[str, list[str]] = {}
        self.ledger = self.open()

    def open(self) -> Ledger:
        return Ledger(Path(self.folder.name) / "ledger.db", clock=self.clock)

    @rule(target=ids, note=TEXT)
    def ask(self, note: str) -> object:
        id = f"c{len(self.states)}"
        assert self.ledger.changes.request(id, creation("x", "web01", note=note), ADA, ORIGIN)
        self.states[id], self.lives[id] = ChangeState.REQUESTED, ["requested"]
        return id

    @rule(id=ids)
    def ask_again(self, id: str) -> None:
        assert not self.ledger.changes.request(id, creation("y", "web02"), BOB, ORIGIN)

    @rule(id=ids, to=STATES, why=TEXT, result=st.none() | TEXT)
    def move(self, id: str, to: ChangeState, why: str, result: str | None) -> None:
        state = self.states[id]
        try:
            moved = self.ledger.changes.move(id, to, by=BOB.id, why=why, result=result)
        except IllegalMove as refused:
            assert to not in LEGAL[state]
            assert refused.state == state
            return
        assert moved is (to != state)
        if moved:
            assert to in LEGAL[state]
            self.states[id] = to
            self.lives[id].append(to)

    @rule(id=ids, why=TEXT)
    def note(self, id: str, why: str) -> None:
        self.ledger.changes.note(id, "progress", by="bot", why=why, detail={"percent": 50})
        self.lives[id].append("progress")

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = self.open()

    @rule(seconds=st.integers(-86400, 86400))
    def jump(self, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)

    @invariant()
    def the_ledger_tells_what_happened(self) -> None:
        if not hasattr(self, "ledger"):
            return
        assert self.ledger.audit.verify().whole
        assert {e.change_id: e.state for e in self.ledger.history.find(limit=1000)} == self.states
        assert [row.id for row in self.ledger.changes.unfinished()] == [
            i for i, s in self.states.items() if not s.final
        ]
        for id, life in self.lives.items():
            assert [e.event for e in self.ledger.events.of(id)] == life
            row = self.ledger.changes.get(id)
            assert row is not None
            assert row.state == self.states[id]

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
