"""The Home tab: what waits for somebody, what they have, and what they may do. Made of what was last seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from threading import Lock

from cachetools import LRUCache

from backends.base import Checkpoint, VMInventory
from bot.changes import approvals
from bot.changes.card import danger, second_question, summary
from bot.changes.workflow import Word
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.people import access
from bot.settings import AccessSettings
from commands.base import (
    Actions,
    Button,
    CheckpointNote,
    Context,
    Footnote,
    Grant,
    Heading,
    Held,
    Item,
    Paragraph,
    Part,
    Person,
    Plan,
    Reply,
    Table,
    name,
)
from commands.base.health import ORDER, Verdict
from commands.kit.kinds import UNKNOWN
from commands.kit.telling import age, how_long, is_stale
from commands.kit.words import say_count, say_names, say_time, typed

MOST_WAITING, MOST_MINE, MOST_STALE, MOST_VMS, MOST_UNCLAIMED, MOST_HOSTS = 8, 8, 6, 15, 4, 8
"""Lines of each part; a footnote says how many there are more."""

MOST_LOOKED_UP = 500
"""Checkpoints of which it is looked up whether somebody owns them, the oldest first: a fleet has thousands."""

GRAVITY = {verdict: place for place, verdict in enumerate(ORDER)}

TAKE = Actions((Button("Take a checkpoint", "form-create", "", "primary"),))


KINDS_OF_SIGHT = 64
"""How many different sets of grants the fleet is kept in order for."""


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The gravest of somebody's VMs, by these verdicts."""

    verdicts: Mapping[str, Verdict]
    gravest: Sequence[VMInventory]
    fine: int


@dataclass(slots=True)
class _Sight:
    """The fleet as people with the same grants see it: thousands of VMs, which change with an answer of a host and not
    for each who looks."""

    edition: int
    """What was seen of the fleet."""
    ids: frozenset[str]
    """Of all VMs."""
    creatable: Sequence[VMInventory]
    """Those that a checkpoint may be taken of, by name."""
    oldest: Sequence[tuple[VMInventory, Checkpoint]]
    """People's checkpoints among the oldest that may be kept."""
    _ranking: _Ranking | None = None

    def ranking(self, verdicts: Mapping[str, Verdict]) -> _Ranking:
        """Made anew when there are others."""
        made = self._ranking
        if made is None or made.verdicts is not verdicts:
            told = [verdicts.get(one.vm.id, Verdict.CANNOT_TELL) for one in self.creatable]
            places = nsmallest(MOST_VMS, range(len(told)), key=lambda place: GRAVITY[told[place]])  # else by name
            gravest = [self.creatable[place] for place in places]
            made = self._ranking = _Ranking(verdicts, gravest, told.count(Verdict.FINE))
        return made


@dataclass(frozen=True, slots=True)
class Home:
    """Makes Home tabs. Safe to use from many threads."""

    rules: AccessSettings
    ledger: Ledger
    _sights: LRUCache[tuple[Grant, ...], _Sight] = field(default_factory=lambda: LRUCache(KINDS_OF_SIGHT))
    _lock: Lock = field(default_factory=Lock)

    def of(self, context: Context) -> Reply:
        """Somebody's own. The context is that of no channel: what a grant allows only in one is not offered here."""
        mine = context.holding(False).checkpoints
        sight = self._sight_of(context)
        in_sight = sorted((held for held in mine if held.seen.vm.id in sight.ids), key=_goes)
        stale: list[Held] = []
        fresh: list[Held] = []
        for held in in_sight:
            of_these = stale if is_stale(held.checkpoint, held.note, context.policy, context.now) else fresh
            of_these.append(held)
        return Reply(
            (
                *([TAKE] if any("create" in grant.actions for grant in context.grants) else []),
                *self._waiting(context.person),
                *_stale(context, stale),
                *_mine(context, fresh),
                *_vms(context, sight),
                *_unclaimed(context, sight.oldest),
                *_hosts(context),
                *self._allowed(context),
            )
        )

    def _sight_of(self, context: Context) -> _Sight:
        edition = context.fleet.edition
        with self._lock:
            kept = self._sights.get(context.grants)
        if kept is None or kept.edition != edition:
            kept = _seen_anew(context, edition)
            with self._lock:
                self._sights[context.grants] = kept
        return kept

    def _waiting(self, person: Person) -> Iterator[Part]:
        """What waits for this person's answer."""
        rows = [
            (row, plan, word)
            for row in self.ledger.changes.unfinished()
            if row.state is ChangeState.AWAITING and (plan := row.readable_plan) and (word := self._word(row, person))
        ]
        yield Heading("Waiting for your answer")
        if not rows:
            yield Footnote("Nothing is.")
        for row, plan, word in rows[:MOST_WAITING]:
            until = f" · open until {say_time(row.expires_at)}" if row.expires_at else ""
            who = "you" if row.person_id == person.id else name(row.person_name)
            yield Item(summary(row), f"asked by {who} · {say_time(row.created_at)}{until}", _buttons(row, plan, word))
        yield from _more(len(rows) - MOST_WAITING, "history")

    def _word(self, row: ChangeRow, person: Person) -> Word | None:
        """What they may say to what waits, and have not said; None for nothing."""
        events = self.ledger.events.of(row.id, approvals.TOLD)
        braked = bool(approvals.braked(events))
        if access.may_answer(self.rules, row, person, "confirm", braked=braked) is None:
            return "confirm"
        if person.id in approvals.approvers(row, events):
            return None
        return "approve" if access.may_answer(self.rules, row, person, "approve", braked=braked) is None else None

    def _allowed(self, context: Context) -> Iterator[Part]:
        yield Heading("What you may do")
        rows = [f"{grant.role} of {say_names(grant.vms)}: {', '.join(grant.actions)}" for grant in context.grants]
        yield from map(Paragraph, rows)
        if access.channels_of(self.rules, context.person):
            yield Footnote(f"More in some channels, and only there: {typed('whoami')} says it in each.")
        elif not rows:
            yield Footnote("Nothing.")
        yield Footnote(f"Everything can be typed too: {typed('help')}.")


def _seen_anew(context: Context, edition: int) -> _Sight:
    known = context.fleet.known()
    creatable = sorted((one for one in known if context.may("create", one.vm)), key=lambda one: one.vm.name.casefold())
    kept = (one for one in known if one.checkpoints and context.may("keep", one.vm))
    held = ((checkpoint, seen) for seen in kept for checkpoint in seen.checkpoints)
    oldest = nsmallest(MOST_LOOKED_UP, held, key=lambda one: (one[0].created, one[0].id))
    return _Sight(
        edition,
        frozenset(one.vm.id for one in known),
        creatable,
        tuple((seen, checkpoint) for checkpoint, seen in oldest if checkpoint.managed_by is None),
    )


def _buttons(row: ChangeRow, plan: Plan, word: Word) -> tuple[Button, ...]:
    """There is no card around them, so each says when it is pressed what is lost: the gravest first."""
    lost = danger(plan)
    cautions = [caution for caution in plan.cautions if caution != lost]
    sure = " ".join([second_question(plan) or lost, *cautions, *plan.consequences[:2]]).strip() or plan.summary
    yes = Button("Approve" if word == "approve" else plan.verb.capitalize(), word, row.id, "danger", sure)
    no = Button("Refuse", "refuse", row.id) if word == "approve" else Button("Cancel", "cancel", row.id)
    return yes, no


def _goes(held: Held) -> tuple[bool, float]:
    """What goes first, first."""
    until = held.note.keep_until
    return until is None or held.note.pinned, until.timestamp() if until else held.checkpoint.created.timestamp()


def _stale(context: Context, held: Sequence[Held]) -> Iterator[Part]:
    if held:
        yield Heading("Stale ones of yours")
        yield from (_item(context, one) for one in held[:MOST_STALE])
        yield from _more(len(held) - MOST_STALE, "list --stale --mine")


def _mine(context: Context, held: Sequence[Held]) -> Iterator[Part]:
    yield Heading("Your checkpoints")
    if not held:
        yield Footnote("There are none that are not stale.")
    yield from (_item(context, one) for one in held[:MOST_MINE])
    yield from _more(len(held) - MOST_MINE, "list --mine")


def _item(context: Context, held: Held, *more: tuple[str, str, str]) -> Item:
    """A checkpoint, with when it goes and what may be done with it."""
    text = f"{name(held.checkpoint.name)} of {name(held.seen.vm.name)}"
    detail = f"{age(held.checkpoint, context.now)} old, {until(held.note)}"
    return Item(text, detail, choices=_choices(context, held, *more))


def until(note: CheckpointNote) -> str:
    """When it goes."""
    if told := how_long(note):
        return f"wanted {told}"
    if note.schedule:
        return f"it goes when its schedule {name(note.schedule)} says so"
    return "nobody said how long it is wanted"


def _choices(context: Context, held: Held, *more: tuple[str, str, str]) -> tuple[Button, ...]:
    """What may be done with it here: label, action and the right that it needs."""
    offered: tuple[tuple[str, str, str], ...] = (
        ("Show", "show", "view"),
        *more,
        ("Apply …", "form-apply", "apply"),
        ("Keep …", "form-keep", "keep"),
        ("Delete …", "form-delete", "delete"),
    )
    vm = held.seen.vm
    return tuple(
        Button(label, action, held.checkpoint.id) for label, action, right in offered if context.may(right, vm)
    )


def _vms(context: Context, sight: _Sight) -> Iterator[Part]:
    """Those that they may do more with than look, the gravest first."""
    count = len(sight.creatable)
    if not count:
        return
    ranking = sight.ranking(context.health.verdicts())
    yield Heading("Your VMs")
    yield Paragraph(f"{say_count(count, 'VM')}, {ranking.fine} of them fine.")
    rows = []
    for one in ranking.gravest:
        verdict = ranking.verdicts.get(one.vm.id, Verdict.CANNOT_TELL)
        rows.append((one.vm.name, f"{verdict.mark} {verdict}", one.vm.host, str(len(one.checkpoints))))
    yield Table(("VM", "Verdict", "Host", "Checkpoints"), tuple(rows))
    yield from _more(count - MOST_VMS, "list")


def _unclaimed(context: Context, held: Sequence[tuple[VMInventory, Checkpoint]]) -> Iterator[Part]:
    """What nobody looks after, of VMs of which they may take it over."""
    owned = context.record.checkpoints.owners([checkpoint.id for _, checkpoint in held])
    free = [one for one in held if one[1].id not in owned]
    if free:
        shown = free[:MOST_UNCLAIMED]
        notes = context.record.checkpoints.notes([checkpoint.id for _, checkpoint in shown])
        yield Heading("Nobody's, on VMs of yours")
        for seen, checkpoint in shown:
            one = Held(seen, checkpoint, notes.get(checkpoint.id, UNKNOWN), None)
            yield _item(context, one, ("Claim …", "form-claim", "keep"))
        yield from _more(len(free) - MOST_UNCLAIMED, "list --unclaimed")


def _hosts(context: Context) -> Iterator[Part]:
    silent = [host for host in context.fleet.hosts() if not host.reachable]
    if not silent:
        return
    yield Heading("Hosts that do not answer")
    for host in silent[:MOST_HOSTS]:
        seen = f" Last seen at {say_time(host.seen_at)}." if host.seen_at else ""
        yield Paragraph(f"{name(host.name)}: {host.problem}{seen}")
    yield from _more(len(silent) - MOST_HOSTS, "hosts")


def _more(count: int, every: str) -> Iterator[Footnote]:
    if count > 0:
        yield Footnote(f"… and {count} more: {typed(*every.split())}.")
