"""What the nodes show becomes one inventory of the cluster: each VM once, shared volumes once. Functions of values."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from backends.base import (
    BackendError,
    Cluster,
    EventLog,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    LogReading,
    LogTrouble,
    NodeShown,
    Part,
    Refused,
    Unseen,
    VMInventory,
    Volume,
    unmarked,
)

SHARED = "c:\\clusterstorage\\"
"""Where shared volumes are mounted on every node."""


def belonging(one: VMInventory, cluster: str, node: str) -> VMInventory:
    """The VM as one of the cluster, on that node for now."""
    return replace(one, vm=replace(one.vm, host=cluster, node=node))


def of_nodes(
    host: str,
    cluster: Cluster,
    answers: Mapping[str, HostInventory | BackendError],
    known: Mapping[str, VMInventory],
    taken_at: datetime,
    *,
    disks: bool,
    blind: str,
    seen_at: Mapping[str, datetime],
) -> HostInventory:
    """One inventory of what the nodes answered. `known` is what was last seen of VMs: those of a node that does not
    answer stay as they were, and it is said that they could not be read. `seen_at` is when each node last answered."""
    seen = {node: one for node, one in answers.items() if isinstance(one, HostInventory)}
    vms = _each_once(host, cluster, seen)
    silent = {node: one for node, one in answers.items() if isinstance(one, BackendError)}
    lost = [one for vm_id, one in known.items() if vm_id not in vms and _may_be_there(one, cluster, seen)]
    unseen = [Unseen(Part.VMS, _why(one, cluster, silent), one.vm.id) for one in lost]
    unseen += [
        Unseen(Part.VMS, f"{owner} owns VM {vm_id} and did not show it", vm_id)
        for vm_id, owner in cluster.owners.items()
        if vm_id not in vms and vm_id not in known
    ]
    if not cluster.owners:
        unseen += [Unseen(Part.VMS, error.cause) for error in silent.values()]
    return HostInventory(
        host,
        taken_at,
        (*vms.values(), *lost),
        _volumes(cluster, seen) if disks else None,
        (*(u for one in seen.values() for u in one.unreadable), *unseen),
        tuple({(u.part, u.refused): u for one in seen.values() for u in one.cannot_show}.values()),
        tuple(_remarks(cluster, blind)),
        tuple(_shown(cluster, answers, [*vms.values(), *lost], blind, seen_at)),
    )


def of_facts(answers: Mapping[str, HostFacts | BackendError], told: Mapping[str, Cluster | BackendError]) -> HostFacts:
    """The oldest endpoint, the certificate that ends first and the clock that is furthest off; and which nodes may not
    see the cluster, or did not tell of it for another reason."""
    found = [one for one in answers.values() if isinstance(one, HostFacts)]
    greetings = [one.greeting for one in found]
    worst = replace(
        greetings[0],
        certificate_until=min((g.certificate_until for g in greetings if g.certificate_until), default=None),
        ahead=max((g.ahead for g in greetings if g.ahead is not None), key=abs, default=None),
    )
    oldest = min(found, key=lambda one: one.endpoint_version or sys.maxsize)
    lost = {node: one for node, one in told.items() if isinstance(one, BackendError)}
    refused = {node: one for node, one in lost.items() if isinstance(one, Refused)}
    return replace(
        oldest,
        greeting=worst,
        nodes=tuple(node for node in told if node not in lost),
        remarks=tuple(f"{node} tells nothing of the cluster. {unmarked(e.sentence)}" for node, e in refused.items()),
        silent=tuple((node, error.sentence) for node, error in lost.items() if node not in refused),
    )


def of_events(host: str, answers: Mapping[str, HostEvents | BackendError], down: Iterable[str]) -> HostEvents:
    """The events of all nodes, oldest first; how far back the logs of each were read. Those of a node that did not
    answer or is `down` were not."""
    found = [one for one in answers.values() if isinstance(one, HostEvents)]
    events = sorted((event for one in found for event in one.events), key=lambda event: event.at)
    silent = [*(node for node, one in answers.items() if isinstance(one, BackendError)), *down]
    unread = (LogReading(node, log, LogTrouble.NO_ANSWER) for node in silent for log in EventLog)
    return HostEvents(host, tuple(events), (*(reading for one in found for reading in one.readings), *unread))


def of_folders(host: str, found: Sequence[FolderFiles]) -> FolderFiles:
    """The files that any node showed; unread is what none could read."""
    files = {file.path.casefold(): file for one in found for file in one.files}
    unread = set.intersection(*(set(one.unread) for one in found)) if found else set()
    not_offered = all(one.not_offered for one in found)
    return FolderFiles(host, tuple(files.values()), tuple(sorted(unread)), not_offered)


def _each_once(host: str, cluster: Cluster, seen: Mapping[str, HostInventory]) -> dict[str, VMInventory]:
    """Of a VM that two nodes showed while it moved, what its owner showed."""
    vms: dict[str, VMInventory] = {}
    for node, inventory in seen.items():
        for one in inventory.vms:
            if one.vm.id not in vms or cluster.owners.get(one.vm.id) == node:
                vms[one.vm.id] = belonging(one, host, node)
    return vms


def _may_be_there(one: VMInventory, cluster: Cluster, seen: Mapping[str, HostInventory]) -> bool:
    """The cluster keeps it, or the node that it was on did not answer."""
    return one.vm.id in cluster.owners or (one.vm.node not in seen and cluster.node(one.vm.node) is not None)


def _why(one: VMInventory, cluster: Cluster, silent: Mapping[str, BackendError]) -> str:
    owner = cluster.owners.get(one.vm.id, one.vm.node)
    error = silent.get(owner)
    return f"{owner} does not show {one.vm.name}{f': {error.cause}' if error else ''}"


def _shown(
    cluster: Cluster,
    answers: Mapping[str, HostInventory | BackendError],
    vms: Sequence[VMInventory],
    blind: str,
    seen_at: Mapping[str, datetime],
) -> Iterable[NodeShown]:
    for node in cluster.nodes:
        here = [one for one in vms if one.vm.node == node.name]
        answer = answers.get(node.name)
        yield NodeShown(
            node.name,
            "unknown" if blind else node.word,
            isinstance(answer, HostInventory),
            seen_at.get(node.name),
            len(here),
            sum(len(one.checkpoints) for one in here),
            answer.sentence if isinstance(answer, BackendError) else "",
        )


def _volumes(cluster: Cluster, seen: Mapping[str, HostInventory]) -> tuple[Volume, ...] | None:
    """The shared ones once, and those of each node with its name before theirs. None where nobody shows any."""
    if not cluster.volumes and all(one.volumes is None for one in seen.values()):
        return None
    found = {one.path.casefold(): one for one in cluster.volumes}
    for node, inventory in seen.items():
        for volume in inventory.volumes or ():
            path = volume.path.casefold()
            if path.startswith(SHARED):
                found.setdefault(path, volume)
            else:
                found[f"{node} {path}"] = replace(volume, path=f"{node} {volume.path}")
    return tuple(found.values())


def _remarks(cluster: Cluster, blind: str) -> Iterable[str]:
    if blind:
        yield f"Its nodes are those of the settings, since none shows the cluster. {unmarked(blind)}"
    yield from (f"{one.name} {one.remark}." for one in cluster.nodes if one.remark)
    yield from cluster.trouble
