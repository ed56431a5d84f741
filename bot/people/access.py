"""Who may do what to which VM: allow, deny, confirm, approve. Functions of values, and nothing is allowed that no grant
allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Literal, Protocol

from bot.messages import Origin
from bot.settings import AccessSettings, ApprovalSettings, ConfirmationSettings, GrantSettings
from bot.settings.kinds import EVERYONE
from commands.base import Grant, Person, Plan
from commands.kit import patterns
from commands.kit.rights import CHANGE
from commands.kit.words import say_names, typed, which_role

MANY = 3
"""A change of more VMs than this is always asked about."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Not allowed: `sentence` for the person, `why` for the ledger."""

    sentence: str
    why: str
    rest: tuple[str, ...] = ()
    """The names of those VMs that it would be allowed for."""
    lacks_grant: bool = False
    """A further grant would allow it."""


@dataclass(frozen=True, slots=True)
class Go:
    """Allowed at once."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Allowed when the person who asked says yes."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Allowed when a second person says yes. `groups` are the user ids and user group ids that may."""

    groups: tuple[str, ...]


Decision = Denied | Go | Confirm | Approve


def may(access: AccessSettings, person: Person, action: str, vm_name: str, channel: str, *, host: str = "") -> bool:
    """Whether any grant lets `person` do `action` to this VM in `channel`. `host` is its host or cluster: without it no
    grant for one of them holds."""
    return any(
        action in access.roles[grant.role] and patterns.grants(grant.vms, vm_name, host)
        for grant in _grants(access, person, channel)
    )


def who_may(access: AccessSettings, action: str, vm_name: str, channel: str, *, host: str = "") -> tuple[str, ...]:
    """The user ids and user group ids whom a grant lets do `action` to this VM in `channel`, and perhaps `everyone`."""
    found = (
        one
        for grant in access.grants
        if action in access.roles[grant.role]
        and (not grant.channels or channel in grant.channels)
        and patterns.grants(grant.vms, vm_name, host)
        for one in grant.to
    )
    return tuple(dict.fromkeys(found))


def allowed(access: AccessSettings, person: Person, channel: str) -> Callable[[str, str, str], bool]:
    """The same as `may` for many VMs: whether an action is allowed on the VM of that name and host."""
    held = [(frozenset(access.roles[grant.role]), tuple(grant.vms)) for grant in _grants(access, person, channel)]

    @cache
    def covering(action: str) -> tuple[str, ...]:
        return tuple(pattern for actions, vms in held if action in actions for pattern in vms)

    return lambda action, vm_name, host: _covers(covering(action), vm_name, host)


@lru_cache(maxsize=65_536)
def _covers(vms: tuple[str, ...], vm_name: str, host: str) -> bool:
    return patterns.grants(vms, vm_name, host)


def decide(
    access: AccessSettings,
    confirmation: ConfirmationSettings,
    person: Person,
    plan: Plan,
    channel: str,
    *,
    doing: str,
    destructive: bool = False,
) -> Decision:
    """What must happen before `plan` is carried out. Every one of its VMs must be allowed, or nothing is.

    `doing` is what a refusal calls its verb: `take checkpoints of`. What is `destructive` is asked about where the
    settings do not say what is.
    """
    vms = list(dict.fromkeys((target.vm_name, target.host) for target in plan.targets))
    can = {(vm, host): may(access, person, plan.action.right, vm, channel, host=host) for vm, host in vms}
    if not vms or not all(can.values()):
        refused, rest = (list(dict.fromkeys(vm for vm, host in vms if can[vm, host] is w)) for w in (False, True))
        denied = _denied(access, plan.action.right, doing, refused, rest)
        return replace(denied, why=f"{denied.why} in {channel}")
    if rules := approvals(access, plan):
        return Approve(tuple(dict.fromkeys(one for rule in rules for one in rule.by)))
    many = len({target.vm_id for target in plan.targets}) > MANY
    unsaid = "actions" not in confirmation.model_fields_set
    asked = plan.ask or plan.action.right in confirmation.actions or (destructive and unsaid)
    return Confirm() if many or asked else Go()


def approvals(access: AccessSettings, plan: Plan) -> tuple[ApprovalSettings, ...]:
    """The rules that ask for a second person's approval of `plan`; that person must satisfy all of them."""
    return tuple(
        rule
        for rule in access.approvals
        if plan.action.right in rule.actions
        and any(patterns.protects(rule.vms, target.vm_name, target.host) for target in plan.targets)
    )


def needed(access: AccessSettings, plan: Plan) -> int:
    """How many different people must approve `plan` by the rules; 0 where none ask for it."""
    return max((rule.count for rule in approvals(access, plan)), default=0)


class Asked(Protocol):
    """A request that waits for an answer, as it was recorded."""

    @property
    def person_id(self) -> str: ...

    @property
    def asked_by(self) -> str: ...

    @property
    def origin(self) -> Origin: ...

    @property
    def plan(self) -> Plan | None: ...


def may_answer(
    access: AccessSettings,
    asked: Asked,
    presser: Person,
    word: Literal["confirm", "approve", "refuse", "cancel"],
    *,
    braked: bool = False,
) -> str | None:
    """Why `presser` may not answer with `word`, as a sentence for them; None when they may.

    Whose it is may cancel, and confirms what needs no approval. What needs one is approved or refused by somebody else
    whom every rule names and who may see all the VMs. The rules are those of now: one that came since the request
    counts. What is `braked` needs an approval without any rule, by somebody who may do the same.
    """
    if asked.plan is None:
        return "This request was refused when it was made, so there is nothing to answer."
    own = presser.id == asked.person_id
    rules = approvals(access, asked.plan)
    match word:
        case "confirm" | "cancel" if not own:
            return f"Only the person who asked may {word} this."
        case "confirm" if rules or braked:
            return "This needs the approval of a second person."
        case "approve" | "refuse":
            own = own or presser.id == asked.asked_by
            channel = asked.origin.channel
            return _may_approve(access, asked.plan, presser, channel, word, own=own, rules=rules, braked=braked)
    return None


def grants_of(access: AccessSettings, person: Person, channel: str) -> tuple[Grant, ...]:
    """The grants that hold for `person` in `channel`, in the order of the settings."""
    return tuple(grant for grant in _numbered(access, person) if not grant.channels or channel in grant.channels)


def grants_elsewhere(access: AccessSettings, person: Person, channel: str) -> tuple[Grant, ...]:
    """Those that hold for `person` in other channels only."""
    return tuple(grant for grant in _numbered(access, person) if grant.channels and channel not in grant.channels)


def _holds(held: Collection[str], action: str) -> bool:
    return bool(set(held) - {"view"}) if action == CHANGE else action in held


def roles_with(access: AccessSettings, *actions: str) -> tuple[str, ...]:
    """The roles that hold all of `actions`, the one that holds least first."""
    roles = (role for role, held in access.roles.items() if all(_holds(held, action) for action in actions))
    return tuple(sorted(roles, key=lambda role: len(access.roles[role])))


def channels_of(access: AccessSettings, person: Person) -> tuple[str, ...]:
    """The channels that grants for `person` name."""
    named = (channel for grant in access.grants if _is_for(grant.to, person) for channel in grant.channels)
    return tuple(dict.fromkeys(named))


def _numbered(access: AccessSettings, person: Person) -> Iterable[Grant]:
    for number, grant in enumerate(access.grants, 1):
        given = [one for one in grant.to if _is_for((one,), person)]
        if given:
            yield Grant(grant.role, access.roles[grant.role], grant.vms, grant.channels, number, given[0])


def has_any(access: AccessSettings, person: Person) -> bool:
    """Whether there is a grant for `person` in any channel at all."""
    return any(_is_for(grant.to, person) for grant in access.grants)


def may_act(access: AccessSettings, person: Person) -> bool:
    """Whether a grant for `person`, in any channel, lets them do more than look."""
    return any(set(access.roles[grant.role]) - {"view"} for grant in access.grants if _is_for(grant.to, person))


def names_channel(access: AccessSettings, person: Person, channel: str) -> bool:
    """Whether a grant for `person` names this very channel, rather than holding everywhere."""
    return any(channel in grant.channels for grant in _grants(access, person, channel))


def _grants(access: AccessSettings, person: Person, channel: str) -> Iterable[GrantSettings]:
    return (
        grant
        for grant in access.grants
        if _is_for(grant.to, person) and (not grant.channels or channel in grant.channels)
    )


def _is_for(ids: Iterable[str], person: Person) -> bool:
    return any(one in (EVERYONE, person.id) or one in person.groups for one in ids)


def _may_approve(
    access: AccessSettings,
    plan: Plan,
    presser: Person,
    channel: str,
    word: Literal["approve", "refuse"],
    *,
    own: bool,
    rules: tuple[ApprovalSettings, ...],
    braked: bool,
) -> str | None:
    if own:
        return f"You asked for this, so somebody else must {word} it."
    if braked and not rules:
        right = plan.action.right
        lacking = [t for t in plan.targets if not may(access, presser, right, t.vm_name, channel, host=t.host)]
        return f"Somebody may {word} this who may do the same themselves, and you may not." if lacking else None
    if not rules:
        return "This needs no approval: only the person who asked may confirm it."
    if not all(_is_for(rule.by, presser) for rule in rules):
        return f"You are not among those who may {word} this."
    hidden = [t for t in plan.targets if not may(access, presser, "view", t.vm_name, channel, host=t.host)]
    return f"You may not see every VM that this is about, so you cannot {word} it." if hidden else None


def _denied(access: AccessSettings, action: str, doing: str, refused: list[str], allowed: list[str]) -> Denied:
    if not refused:
        return Denied("This names no VM.", "the plan has no targets")
    sentence = f"No grant lets you {doing} {say_names(refused)} in this channel."
    but = f" It lets you for {say_names(allowed)}: name only those." if allowed else ""
    role = which_role(roles_with(access, action))
    return Denied(
        f"{sentence}{but} {role} Type {typed('whoami')} to see what you may do.",
        f"no grant for {action} on {', '.join(refused)}",
        tuple(allowed),
        lacks_grant=True,
    )


def described(access: AccessSettings) -> str:
    """Who may do what by these settings, in the order in which they stand there."""

    def where(channels: tuple[str, ...]) -> str:
        return f" in {', '.join(channels)}" if channels else ""

    granted = [
        f"{', '.join(grant.to)} {'are' if len(grant.to) > 1 else 'is'} {grant.role} "
        f"({', '.join(access.roles[grant.role])}) of {', '.join(grant.vms)}{where(grant.channels)}"
        for grant in access.grants
    ]
    approved = [
        f"{', '.join(rule.actions)} of {', '.join(rule.vms)} needs the approval of "
        f"{f'{rule.count} of ' if rule.count > 1 else ''}{' or '.join(rule.by)}"
        for rule in access.approvals
    ]
    return f"{'; '.join([*granted, *approved]) or 'Nobody may do anything'}."
