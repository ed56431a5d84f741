"""What must hold after every kill and restart; each that does not is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.changes.card import SIGNS
from bot.changes.outcome import OUTCOME, outcomes
from bot.ledger import ChangeRow, ChangeState, Event
from bot.sandbox import Message
from commands.kit.words import short_id
from tests.crash.hosts import effects, pictures
from tests.crash.scenarios import BEFORE, Scenario
from tests.crash.world import World, is_the_card, live_buttons


def violations(world: World, scenario: Scenario) -> Iterator[str]:
    """Looked for when the bot is stopped."""
    rows = world.rows()
    yield from _ledger(world, scenario, rows)
    yield from _host(world, scenario)
    for row in rows:
        yield from told_wrong(world, row)
    if scenario.run:
        yield from _run(world, scenario.run)
    if scenario.notice:
        yield from _notice(world, scenario.notice)
    yield from (f"a job is left: {job}" for job in world.jobs_left())
    yield from (f"a job met a defect: {job}" for job in world.jobs_broken())


def told_wrong(world: World, row: ChangeRow) -> Iterator[str]:
    """What is wrong with what the record and the channel say of a change that is over."""
    if row.verb != "schedule":
        yield from _events(world.events(row), row)
    if row.plan is not None and not row.plan.clock:
        yield from _channel(world, row)


def extra_messages(world: World) -> int:
    """Messages beyond the one that a change has."""
    return sum(max(0, len(_of(world, row)) - 1) for row in world.rows())


def _ledger(world: World, scenario: Scenario, rows: tuple[ChangeRow, ...]) -> Iterator[str]:
    verdict = world.audit()
    if not verdict.whole:
        yield f"the ledger is broken: {verdict.broken}"
    if len(rows) != scenario.changes:
        yield f"{scenario.changes} changes were to be made, and the ledger has {len(rows)}"
    for row in rows:
        if row.state != ChangeState.SUCCEEDED:
            yield f"{row.summary} is {row.state}: {row.result or row.reason}"


def _host(world: World, scenario: Scenario) -> Iterator[str]:
    wanted, found = Counter(scenario.effects), Counter(effects(world.host))
    for effect in wanted | found:
        if wanted[effect] != found[effect]:
            yield f"{effect} took effect {found[effect]} times, not {wanted[effect]}"
    for name, picture in pictures(world.host).items():
        if picture != scenario.after.get(name, BEFORE):
            yield f"{name} is {picture}, not {scenario.after.get(name, BEFORE)}"


def _events(events: tuple[Event, ...], row: ChangeRow) -> Iterator[str]:
    told = Counter((e.event, str(e.detail.get("vm_id")), str(e.detail.get("step")), e.why) for e in events)
    yield from (f"{times} events of {event[:3]}" for event, times in told.items() if times > 1)
    vms = Counter(outcome.vm_id for outcome in outcomes(events))
    if vms != Counter(vm.id for vm in row.vms):
        yield f"the outcomes are of {vms}"
    if any(e.event == OUTCOME and not e.why for e in events):
        yield "an outcome says nothing"


def _channel(world: World, row: ChangeRow) -> Iterator[str]:
    """The message that the ledger knows tells the end, with nothing left to answer. A kill between a post and its
    record leaves a copy, whose buttons do nothing: they have been pressed."""
    about = _of(world, row)
    cards = [message for message in about if is_the_card(message, row)]
    if len(cards) != 1:
        yield f"{row.summary} has {len(cards)} messages that the ledger knows"
    for card in cards:
        if not card.seen.startswith(SIGNS[row.state]):
            yield f"its message does not tell the end: {card.seen!r}"
        if live_buttons(card, row):
            yield f"its message has live buttons: {card.seen!r}"
    if len(about) > 1 + world.kills:
        yield f"{len(about)} messages after {world.kills} kills"


def _run(world: World, end: str) -> Iterator[str]:
    """The one message of a run tells its end; a kill between its post and its record leaves a copy."""
    run = world.run()
    about = [message for message in world.messages() if "nightly: " in message.seen]
    known = [m for m in about if run is not None and run.message is not None and m.ts == run.message.ts]
    if len(known) != 1:
        yield f"the run has {len(known)} messages that the ledger knows: {run}"
    for message in known:
        if end not in message.seen:
            yield f"the message of the run does not tell the end: {message.seen!r}"
    if len(about) > 1 + world.kills:
        yield f"{len(about)} messages of the run after {world.kills} kills"


def _notice(world: World, notice: str) -> Iterator[str]:
    """Told once; not at all only where the bot died after it had claimed it: it may have been told."""
    times = sum(notice in told for told in world.told_alone())
    if times > 1 or (times == 0 and not world.died_at("expiry / look")):
        yield f"{notice!r} was told {times} times"


def _of(world: World, row: ChangeRow) -> list[Message]:
    return [m for m in world.messages() if f"change {short_id(row.id)}" in m.seen]
