"""The freeze: one person stops everything but questions, and two let it go on.

Whether it holds is looked up in the ledger wherever something would be changed (`Permission`, the clock's own), so it
holds over a restart and for what was asked for before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.changes.telling import Telling
from bot.ledger import Freeze, Ledger, LedgerError
from bot.messages import AnnouncerError, Origin
from bot.people import access
from bot.people.directory import LookupFailed
from bot.people.identity import RECENT, Gate, Refusal
from commands.base import Actions, Button, FreezePlan, Paragraph, Person, Reply, UsageError, name, say
from commands.kit.rights import CHANGE
from commands.kit.words import say_time, typed, which_role

log = logging.getLogger(__name__)

Acts = Sequence[Callable[[], object]]

LIFTED_WITHIN = timedelta(minutes=30)
"""How long a proposal to lift it stands."""


def sentence(freeze: Freeze | None) -> str:
    """That it holds, for whoever asks; empty where it does not."""
    if freeze is None:
        return ""
    why = f": {freeze.reason.rstrip('.')}" if freeze.reason else ""
    return (
        f"🧊 {name(freeze.by_name)} has frozen everything since {say_time(freeze.at)}{why}. "
        f"Questions are answered, and nothing is changed until two people lift it with {typed('freeze', '--lift')}."
    )


@dataclass(slots=True)
class Freezing:
    """Safe to use from many threads."""

    gate: Gate
    ledger: Ledger
    telling: Telling
    channels: Sequence[str]
    """Where it is told beside the channel that it was typed in: those of the digests."""
    stop: Callable[[Person], None]
    """Cancel what waits for its turn."""
    go_on: Acts = field(default=())
    """Take up what the clock should have done meanwhile."""

    def sentence(self) -> str:
        """That it holds, to be shown. Questions are answered also where the ledger cannot be read."""
        try:
            return sentence(self.ledger.freezes.current())
        except LedgerError as error:
            log.info("whether everything is frozen is not shown: %s", error.cause)
            return ""

    def carry_out(self, change_id: str, plan: FreezePlan, person: Person, origin: Origin) -> Reply:
        """Do what somebody wants of it, and say so. Raises `Refusal` and `UsageError`."""
        self._check(plan, person, origin)
        said, then = (
            self._freeze(change_id, plan, person, origin)
            if plan.what == "freeze"
            else self._lift(change_id, person, origin)
        )
        self._tell(said, origin)
        for act in then:
            try:
                act()
            except LedgerError as error:  # it holds, or is lifted, all the same: whoever acts looks it up
                log.error("not all was done that follows the freeze: %s", error.cause)
        return said

    def _check(self, plan: FreezePlan, person: Person, origin: Origin) -> None:
        """Whoever may change anything at all, by what the workspace says now. To stop is the safe side: where it says
        nothing right now, they freeze as they were let in."""
        try:
            now = self.gate.admit(person.id, self.gate.directory.team_id, origin.channel, max_age=RECENT)
        except Refusal as refusal:
            if plan.what != "freeze" or not refusal.passing:
                raise
            now = person
        if not access.may_act(self.gate.access, now):
            raise Refusal(
                "No grant lets you change anything, so you freeze and lift nothing. "
                f"{which_role(access.roles_with(self.gate.access, CHANGE))} Type {typed('whoami')} to see what "
                "you may do.",
                "no grant to change anything",
                lacks_grant=True,
            )

    def _freeze(self, change_id: str, plan: FreezePlan, person: Person, origin: Origin) -> tuple[Reply, Acts]:
        """What is said of it, and what follows."""
        if before := self.ledger.freezes.begin(change_id, person, origin, plan.reason):
            raise UsageError(sentence(before), "It is frozen already.")
        return Reply(say(sentence(self.ledger.freezes.current())).parts, shared=True), (partial(self.stop, person),)

    def _lift(self, change_id: str, person: Person, origin: Origin) -> tuple[Reply, Acts]:
        """The same."""
        doubted = self._doubted(self.ledger.freezes.current(), person, origin)
        came, freeze = self.ledger.freezes.lift(change_id, person, origin, LIFTED_WITHIN, doubted=doubted)
        if freeze is None:
            raise UsageError("Nothing is frozen.", f"{typed('freeze')} stops everything but questions.")
        if came == "own":
            raise UsageError("You have proposed to lift it already.", "Somebody else has to do it.")
        if came == "proposed":
            ask = (
                f"{name(person.name)} proposes to lift the freeze of {name(freeze.by_name)}. It needs one more who may "
            )
            void = f" {name(freeze.proposed_name)} may change nothing now, so their word is void." if doubted else ""
            said = Paragraph(f"🧊 {ask}change something, within {LIFTED_WITHIN.seconds // 60} minutes.{void}")
            return Reply((said, Actions((Button("Lift", "lift", change_id, "danger"),))), shared=True), ()
        both = f"{name(freeze.proposed_name)} and {name(person.name)}"
        told = say(f"✅ {both} have lifted the freeze. What was cancelled is to be asked for again.")
        return Reply(told.parts, shared=True), self.go_on

    def _doubted(self, freeze: Freeze | None, person: Person, origin: Origin) -> str:
        """The id of who proposed to lift it, where they may not any more: it may have been their stolen session. Raises
        `Refusal` where the workspace does not say so right now."""
        if freeze is None or freeze.proposed_by in ("", person.id):
            return ""
        try:
            now = self.gate.admit(freeze.proposed_by, self.gate.directory.team_id, origin.channel, max_age=RECENT)
        except Refusal as refusal:
            if refusal.passing:
                raise Refusal(
                    f"Slack did not tell me whether {name(freeze.proposed_name)}, who proposed it, may still change "
                    "something. Try again in a minute.",
                    refusal.cause,
                    passing=True,
                ) from refusal
            return freeze.proposed_by
        return "" if access.may_act(self.gate.access, now) else freeze.proposed_by

    def _tell(self, message: Reply, origin: Origin) -> None:
        for channel in dict.fromkeys(self.channels):
            if channel == origin.channel:
                continue
            try:
                if self.gate.may_post(channel):
                    self.telling.post(Origin(channel, ""), message)
            except (AnnouncerError, LookupFailed) as error:
                log.error("%s could not be told of the freeze: %s", channel, error)
