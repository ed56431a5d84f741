"""Looks at what every host has shown, and says of each cause once what mends it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import datetime, timedelta

from backends.base import (
    Backend,
    BackendError,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    LogTrouble,
    Part,
    Unseen,
    name,
    unmarked,
)
from bot.fleet.inventory import gaps_of
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.doctor.seen import MOST_AT_ONCE, Seen
from commands.kit.words import say_names, say_span

CERTIFICATE_SOON = timedelta(days=30)
MOST_SKEW = timedelta(seconds=60)
"""Kerberos takes five minutes at the most; the ages of checkpoints are wrong by as much before that."""

RIGHTS = (
    "Give the account the groups Hyper-V Administrators and Remote Management Users on the host, or set the bot's own "
    "endpoint up there, which needs neither: see the README."
)
CLUSTER_RIGHTS = (
    "Let the account read the cluster on every node (Grant-ClusterAccess -ReadOnly, or the bot's own endpoint, which "
    "registers on all nodes by one command), or list all nodes under the cluster: see the README."
)
MEANT = "See that this is meant, and mend it at the cluster where it is not."
AGAIN = "It may pass, as where a backup holds a file: look again in some minutes, and at the host where it stays."
MOST_QUOTED = 300
"""Characters of what a host says."""

REGISTER = "Run Register-CheckpointBotEndpoint.ps1 of this version on the host."


def look(
    seen: Seen, clock: Callable[[], datetime], clusters: Collection[str] = (), cut_off: Collection[str] = ()
) -> Iterator[Check]:
    """Of a host, or of one of the `clusters`. Those that are `cut_off` are at a site that cannot be asked, which is
    said there."""
    about = seen.about(clusters)
    if seen.spared_by:
        why = "so they were not tried here: many tries lock an account out"
        yield unseen(about, f"{name(seen.spared_by)} refused the same account and password, {why}.")
        return
    if seen.inventory is None or seen.facts is None:
        if seen.host in cut_off:
            yield unseen(about, "No worker of its site can be asked.")
        elif seen.error:
            yield _failed(about, seen.error.sentence)
        return
    found = [
        *_old_endpoint(about, seen),
        *_gaps(about, seen.inventory),
        *_logs(about, seen.events, seen.facts, _silent(seen)),
        *_folders(about, seen.folders, seen.facts),
        *_nodes(about, seen),
        *remarks(about, seen.facts, clock),
    ]
    yield from found or [works(about, described(seen))]


def listed_twice(seen: Sequence[Seen], clusters: Collection[str]) -> Iterator[Check]:
    """Hosts that show VMs of a cluster as their own. A replica has the GUID of its VM too, and is none."""
    shown = {one.host: {v.vm.id: v.vm for v in one.inventory.vms} for one in seen if one.inventory}
    kept = {vm.id: vm for host in clusters for vm in shown.get(host, {}).values() if not vm.is_replica}
    for one in seen:
        own = shown.get(one.host, {}) if one.host not in clusters else {}
        both = [kept[vm.id] for vm in own.values() if vm.id in kept and not vm.is_replica]
        if both:
            vm = both[0]
            said = f"{name(vm.name)} is on it, and on {name(vm.host)} ({name(vm.node)}). If it is that node, its VMs "
            mend = "Take it out of hosts: the bot finds the nodes of a cluster by itself."
            yield warning(one.about(), f"{said}are counted twice.", mend)


def remarks(about: str, facts: HostFacts, clock: Callable[[], datetime]) -> Iterator[Check]:
    """What is wrong with its certificate and its clock."""
    until, ahead = facts.greeting.certificate_until, facts.greeting.ahead
    if until is not None and until - clock() < CERTIFICATE_SOON:
        said = f"Its certificate ends on {until:%Y-%m-%d}, in {max(0, (until - clock()).days)} days."
        yield warning(about, said, "Give the host's HTTPS listener a new one: after that day nothing works there.")
    if ahead is not None and abs(ahead) > MOST_SKEW:
        direction = "ahead of" if ahead > timedelta() else "behind"
        said = f"Its clock is {say_span(abs(ahead))} {direction} this machine's."
        yield warning(about, said, "Let both take their time from one server: Kerberos refuses more than 5 minutes.")


def remarks_of(
    backends: Iterable[Backend], clock: Callable[[], datetime], clusters: Collection[str] = ()
) -> Iterator[tuple[str, tuple[Check, ...]]]:
    """The same of hosts that are asked now, at the same time: the name and the checks of each as it answers, and
    nothing of one that does not."""

    def asked(backend: Backend) -> tuple[str, tuple[Check, ...]] | None:
        try:
            facts = backend.facts()
        except BackendError:
            return None
        return backend.host, tuple(remarks(Seen(backend.host).about(clusters), facts, clock))

    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="doctor") as pool:
        for answer in as_completed([pool.submit(asked, one) for one in backends]):
            if found := answer.result():
                yield found


def described(seen: Seen) -> str:
    """What it is, in a sentence."""
    if seen.inventory is None or seen.facts is None:
        return "It was not seen."
    facts, greeting = seen.facts, seen.facts.greeting
    endpoint = "a full PowerShell" if facts.endpoint_version is None else f"the bot's endpoint {facts.endpoint_version}"
    nodes = [f"a cluster of {say_names(facts.nodes)}, all of which show it"] if facts.nodes else []
    parts = [
        *nodes,
        f"{len(seen.inventory.vms)} VMs by {endpoint}",
        f"PowerShell {greeting.powershell or 'of an unknown version'} on {facts.windows_name}",
        f"messages in {facts.language}" if facts.language else "a language that this endpoint does not tell",
    ]
    if greeting.certificate_until is not None:
        parts.append(f"a certificate until {greeting.certificate_until:%Y-%m-%d}")
    if greeting.ahead is not None:
        parts.append("a clock that agrees")
    return f"{', '.join(parts)}."


def _failed(about: str, sentence: str) -> Check:
    """The sentences of errors say what to do, after what is wrong."""
    said, _, mend = sentence.partition(". ")
    return broken(about, f"{said.rstrip('.')}.", mend or "Look at it there.")


def _old_endpoint(about: str, seen: Seen) -> Iterator[Check]:
    if seen.facts and seen.facts.is_old_endpoint:
        versions = f"of version {seen.facts.endpoint_version}, and this bot brings {seen.facts.endpoint_newest}"
        yield warning(about, f"Its endpoint is {versions}: it does not show all that the bot can use.", REGISTER)


def _nodes(about: str, seen: Seen) -> Iterator[Check]:
    """What is out of the ordinary with the nodes of a cluster, and which of them do not answer or may not see it."""
    nodes = seen.inventory.nodes if seen.inventory else ()
    silent = dict(seen.facts.silent if seen.facts else ()) | {one.name: one.problem for one in nodes if one.problem}
    for sentence in silent.values():
        yield _failed(about, sentence)
    for sentence in seen.inventory.remarks if seen.inventory else ():
        yield warning(about, sentence, MEANT)
    for sentence in seen.facts.remarks if seen.facts else ():
        yield warning(about, sentence, CLUSTER_RIGHTS)


def _gaps(about: str, inventory: HostInventory) -> Iterator[Check]:
    """An older endpoint is said by itself, and so is a node that does not answer and shows none of its VMs."""
    said = {Part.REPLICATION, Part.EVENTS, *(Part.VMS for node in inventory.nodes if node.problem)}
    partly, wholly = (
        [one for one in some if one.part not in said] for some in (inventory.unreadable, inventory.cannot_show)
    )
    refused = replace(
        inventory,
        unreadable=tuple(one for one in partly if one.refused),
        cannot_show=tuple(one for one in wholly if one.refused),
    )
    for sentence in gaps_of(refused):
        yield warning(about, sentence, RIGHTS)
    yield from _lost(about, inventory, [one for one in (*partly, *wholly) if not one.refused])


def _lost(about: str, inventory: HostInventory, lost: Sequence[Unseen]) -> Iterator[Check]:
    """What could not be read for another reason than a missing right, with the first such of each part."""
    names = {one.vm.id: one.vm.name for one in inventory.vms}
    for part in dict.fromkeys(one.part for one in lost):
        some = [one for one in lost if one.part is part]
        of = sorted({names[one.vm_id] for one in some if one.vm_id in names})
        why = " ".join(some[0].cause.split())[:MOST_QUOTED].rstrip(".")
        yield warning(about, f"Not all of its {part}{f' ({say_names(of)})' if of else ''} could be read: {why}.", AGAIN)


def _silent(seen: Seen) -> frozenset[str]:
    """The nodes that do not answer, or are down."""
    nodes = seen.inventory.nodes if seen.inventory else ()
    return frozenset(dict(seen.facts.silent if seen.facts else ())) | {one.name for one in nodes if not one.answers}


def _logs(about: str, events: HostEvents | None, facts: HostFacts, silent: Collection[str]) -> Iterator[Check]:
    """What is wrong with the logs of a host, or of each node. An older endpoint is said by itself, as a silent node
    is."""
    old = LogTrouble.NOT_OFFERED if facts.is_old_endpoint else None
    told = (one for one in events.readings if one.host not in silent) if events else ()
    readings = [one for one in told if one.trouble not in (None, old)]
    for host, trouble in dict.fromkeys((one.host, one.trouble) for one in readings):
        logs = sorted(str(one.log) for one in readings if (one.host, one.trouble) == (host, trouble))
        said = f"{name(host)} tells nothing of the event {'log' if len(logs) == 1 else 'logs'} {' and '.join(logs)}: "
        if trouble is LogTrouble.NO_ANSWER:
            yield unseen(about, f"{said}{trouble}.")
        else:
            yield warning(about, f"{said}{trouble}.", _mend_of(trouble, logs, facts))


def _mend_of(trouble: LogTrouble | None, logs: Sequence[str], facts: HostFacts) -> str:
    match trouble:
        case LogTrouble.DISABLED:
            return f"Type {' and '.join(f'wevtutil sl {log} /e:true' for log in logs)} there."
        case LogTrouble.NO_ACCESS if facts.endpoint_version is None:
            return "Add the account to Event Log Readers (S-1-5-32-573) there, which health needs."
        case LogTrouble.NO_ACCESS | LogTrouble.NOT_OFFERED:
            return REGISTER
        case LogTrouble.NO_LOG:
            return "Look whether Hyper-V is installed there."
        case _:
            return "Look whether the Event Viewer shows it there."


def _folders(about: str, found: FolderFiles | BackendError | None, facts: HostFacts) -> Iterator[Check]:
    """One folder that cannot be listed stands for those of all VMs."""
    if isinstance(found, BackendError):
        yield unseen(about, f"The folders of its VMs were not looked at: {unmarked(found.sentence)}")
    elif found is not None and found.unread and not (found.not_offered and facts.is_old_endpoint):
        mend = "Let the account list the folders of the disks (List folder), which health needs, on every volume."
        yield warning(about, f"Its folder {found.unread[0]} could not be listed.", mend)
