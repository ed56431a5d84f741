"""The nodes of a cluster, followed as they come and go, each at its own endpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from backends.base import BackendError, Cluster, ClusteredBackend, ClusterNode, Unreachable, name

log = logging.getLogger(__name__)

T = TypeVar("T")

Connect = Callable[[str], ClusteredBackend]
"""Gives the backend of a node by its name; nothing is sent yet."""


class Nodes:
    """Safe to use from many threads."""

    def __init__(self, cluster: str, entrance: ClusteredBackend, connect: Connect, listed: Sequence[str] = ()) -> None:
        """`entrance` stands at the cluster's own address, and is asked only who the nodes are. `listed` are nodes to go
        by where no endpoint can see the cluster."""
        self._name = cluster
        self._entrance = entrance
        self._connect = connect
        self._listed = tuple(one.lower() for one in listed)
        self._backends: dict[str, ClusteredBackend] = {}
        self._left: list[ClusteredBackend] = []
        self._told_last = ""
        self._lock = Lock()
        self.blind = ""
        """Why the cluster could not be seen, where the listed nodes stand in; empty where it was."""

    def backend(self, node: str) -> ClusteredBackend:
        """The way to a node."""
        with self._lock:
            if node not in self._backends:
                self._backends[node] = self._connect(node)
            return self._backends[node]

    def read(self) -> Cluster:
        """The cluster as it is now, as one of its nodes tells it. Raises `BackendError` where none does."""
        problem: BackendError | None = None
        for node, backend in self._sources():
            try:
                found = backend.cluster()
            except Unreachable as error:
                problem = problem or error
            except BackendError as error:
                problem = error if problem is None or isinstance(problem, Unreachable) else problem
            else:
                if found.nodes:
                    self._told_last, self.blind = node, ""
                    self._forget_others(found)
                    return found
        if self._listed and (problem is None or not isinstance(problem, Unreachable)):
            return self._as_listed(problem)
        raise problem or Unreachable(f"No node of {name(self._name)} told of the cluster.", f"{self._name}: no nodes")

    def ask(self, nodes: Sequence[str], question: Callable[[str, ClusteredBackend], T]) -> dict[str, T | BackendError]:
        """What each of these nodes answers, asked at the same time, or the error in its place."""

        def put(node: str) -> T | BackendError:
            try:
                return question(node, self.backend(node))
            except BackendError as error:
                return error

        with ThreadPoolExecutor(max(1, len(nodes)), thread_name_prefix="nodes") as pool:
            return dict(zip(nodes, pool.map(put, nodes), strict=True))

    def end_lost_calls(self) -> None:
        """On every node that runs, whether it was asked already or not: a program that died before this one may have
        lost something there. One that is down has nothing left to begin. Raises `Unreachable`."""
        for node in self.read().nodes:
            if not node.is_down:
                self.backend(node.name).end_lost_calls()

    def close(self) -> None:
        with self._lock:
            every = [self._entrance, *self._backends.values(), *self._left]
        for one in every:
            one.close()

    def _sources(self) -> Iterator[tuple[str, ClusteredBackend]]:
        """Who may tell: known nodes, the one that told last first, and the cluster's own address."""
        with self._lock:
            known = sorted(self._backends, key=lambda node: node != self._told_last)
        yield from ((node, self.backend(node)) for node in known)
        yield "", self._entrance
        yield from ((node, self.backend(node)) for node in self._listed if node not in known)

    def _forget_others(self, found: Cluster) -> None:
        """Nodes that are gone are asked no more. What goes on there ends with the program."""
        here = {one.name for one in found.nodes}
        with self._lock:
            for node in [one for one in self._backends if one not in here]:
                log.info("%s is no node of %s any more", node, self._name)
                self._left.append(self._backends.pop(node))

    def _as_listed(self, problem: BackendError | None) -> Cluster:
        self.blind = problem.sentence if problem else "No endpoint shows the cluster."
        if problem:
            log.warning("%s goes by the nodes of the settings: %s", self._name, problem.cause)
        return Cluster(tuple(map(ClusterNode, self._listed)))
