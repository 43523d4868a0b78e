"""The thread that hears and answers on the node's segments.

A thread of its own, so that it is on time also while the proxy writes ten thousand rules. When the process ends, nobody
answers: there is nothing on the host to take away.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from node.loadbalancer.decide import Verdict
from node.loadbalancer.links import Link, link_for, read_links
from node.loadbalancer.memory import Memory
from node.loadbalancer.segment import Move, Segment
from node.loadbalancer.wanted import WantedAddress
from node.loadbalancer.wire import Wire, received
from podlab.api.values.addresspool import AddressPool

log = logging.getLogger(__name__)

TURN_S: Final = 0.1
LINKS_S: Final = 5.0
"""How soon an interface that comes or changes is noticed."""
KUBELET_ASKED_S: Final = 1.0
KUBELET_GONE_S: Final = 3.0
"""A kubelet that does not listen for so long is gone, and not just started again."""
_CONNECT_WITHIN_S: Final = 0.3


@dataclass(frozen=True)
class Identity:
    """This node: its name and address, the marks of its cluster's heartbeats, and where its kubelet listens."""

    node: str
    node_ip: str
    marks: Callable[[], tuple[bytes, ...]]
    kubelet_port: int


class Responder:
    """`run` in a thread until `stop`. `tell` is called there for each move; it must not block."""

    def __init__(self, identity: Identity, pool: AddressPool, memory: Memory, tell: Callable[[Move], None]) -> None:
        self._identity = identity
        self._pool = pool
        self._memory = memory
        self._tell = tell
        self._wanted: Mapping[str, WantedAddress] | None = None
        self._nodes: frozenset[str] = frozenset()
        self._stopping = False
        self._segments: dict[int, tuple[Wire, Segment]] = {}
        self._remembered: frozenset[str] = frozenset()
        self._links: tuple[Link, ...] = ()
        self._links_read_s = float("-inf")
        self._selector = selectors.DefaultSelector()
        self._kubelet = _Kubelet(identity.node_ip, identity.kubelet_port)

    def want(self, wanted: Mapping[str, WantedAddress], nodes: frozenset[str]) -> None:
        """From any thread: what is to be answered for from now on, and the addresses of all nodes."""
        if nodes != self._nodes:
            self._nodes = nodes
            self._links_read_s = float("-inf")
        self._wanted = wanted

    def stop(self) -> None:
        """From any thread."""
        self._stopping = True

    def verdicts(self) -> dict[str, Verdict]:
        """From any thread: who answers for each wanted address, as seen here, and why."""
        return {
            address: verdict
            for _, segment in [*self._segments.values()]
            for address, verdict in segment.verdicts.items()
        }

    def run(self) -> None:
        self._remembered = self._memory.read()
        try:
            while not self._stopping:
                self._turn(time.monotonic())
        finally:
            for wire, _ in self._segments.values():
                wire.close()
            self._selector.close()

    def _turn(self, now_s: float) -> None:
        if now_s - self._links_read_s >= LINKS_S:
            self._links_read_s = now_s
            self._follow_links(now_s)
        self._receive_until(now_s + TURN_S)
        now_s = time.monotonic()
        fit = self._kubelet.is_there(now_s)
        for index, (wire, segment) in [*self._segments.items()]:
            try:
                for frame in segment.turn(now_s, self._wanted_at(wire.link), fit=fit):
                    wire.send(frame)
                wire.listen_for(segment.holds)
            except OSError as error:
                self._drop(index, error)
            for move in segment.moves:
                self._tell(move)
            segment.moves.clear()
        segments = [segment for _, segment in self._segments.values()]
        if segments and all(segment.decided for segment in segments):
            self._memory.write([each for segment in segments for each in segment.holds])

    def _receive_until(self, next_turn_s: float) -> None:
        """Takes in what others send."""
        while (left_s := next_turn_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(left_s):
                index, source = key.data
                if index in self._segments:
                    try:
                        self._take(*self._segments[index], source)
                    except OSError as error:
                        self._drop(index, error)

    @staticmethod
    def _take(wire: Wire, segment: Segment, source: socket.socket) -> None:
        if source is wire.beats:
            for frame in received(source):
                segment.heard(frame, time.monotonic())
            return
        for frame in received(source):
            for answer in segment.asked(frame, time.monotonic()):
                wire.send(answer)

    def _wanted_at(self, link: Link) -> Mapping[str, WantedAddress] | None:
        wanted = self._wanted
        if wanted is None or len(self._segments) == 1:
            return wanted
        return {each: about for each, about in wanted.items() if _is(self._link_for(each), link)}

    def _link_for(self, address: str) -> Link | None:
        return link_for(address, self._links, self._identity.node_ip, self._nodes)

    def _follow_links(self, now_s: float) -> None:
        self._links = read_links()
        links = [link for each in self._pool.ranges if (link := self._link_for(str(each.first))) is not None]
        needed = {link.identity: link for link in links}
        for index, (wire, _) in [*self._segments.items()]:
            if wire.link.identity not in needed:
                self._drop(index, None)
        for link in needed.values():
            if link.index in self._segments:
                continue
            try:
                wire = Wire(link, self._pool.families)
            except OSError as error:
                log.error("%s: not listened at: %s; again in %.0f s", link.name, error, LINKS_S)
                continue
            segment = Segment(self._identity.node, self._identity.marks, link.mac, self._remembered, now_s)
            self._segments[link.index] = wire, segment
            for source in (*wire.neighbours, wire.beats):
                self._selector.register(source, selectors.EVENT_READ, (link.index, source))
            log.info("answers for load balancers' addresses on %s", link.name)
        if self._wanted is not None and self._segments:
            self._remembered = frozenset()  # an interface that comes back has seen others answer

    def _drop(self, index: int, error: OSError | None) -> None:
        wire, _ = self._segments.pop(index)
        log.warning("%s: no longer listened at: %s", wire.link.name, error or "it went or changed")
        for each in (*wire.neighbours, wire.beats):
            self._selector.unregister(each)
        wire.close()


def _is(found: Link | None, link: Link) -> bool:
    return found is not None and found.identity == link.identity


class _Kubelet:
    """Whether the node's kubelet is there: others answer for addresses rather than a node whose pods nobody tends."""

    def __init__(self, address: str, port: int) -> None:
        self._at = (address, port)
        self._asked_s = float("-inf")
        self._seen_s = float("-inf")

    def is_there(self, now_s: float) -> bool:
        if self._seen_s == float("-inf"):
            self._seen_s = now_s  # it has its time to begin, too
        if now_s - self._asked_s >= KUBELET_ASKED_S:
            self._asked_s = now_s
            with suppress(OSError), socket.create_connection(self._at, _CONNECT_WITHIN_S):
                self._seen_s = now_s
        return now_s - self._seen_s < KUBELET_GONE_S
