"""Fair queues: which request of a priority level runs, waits or is refused. Flows take turns. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Ticket = TypeVar("Ticket")


class Dispatch(Enum):
    """What happens to a request that arrives."""

    RUN = "run"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(slots=True)
class QueueSet(Generic[Ticket]):
    """The queues of one level. At most `most_of_flow` requests of a flow wait, and `most` of all flows."""

    seats: int
    most_of_flow: int
    most: int
    taken: int = 0
    waiting: int = 0
    _flows: OrderedDict[Hashable, deque[Ticket]] = field(default_factory=OrderedDict)

    def arrive(self, flow: Hashable, ticket: Ticket) -> tuple[Dispatch, Ticket | None]:
        """What happens to a request, and which waiting one it displaces: the last of the longest flow."""
        if self.taken < self.seats and not self.waiting:
            self.taken += 1
            return Dispatch.RUN, None
        line = self._flows.get(flow, ())
        if len(line) >= self.most_of_flow:
            return Dispatch.REFUSE, None
        displaced = None
        if self.waiting >= self.most:
            longest = max(self._flows, key=lambda name: len(self._flows[name]))
            if len(self._flows[longest]) <= len(line) + 1:
                return Dispatch.REFUSE, None
            displaced = self._flows[longest].pop()
            self.waiting -= 1
        self._flows.setdefault(flow, deque()).append(ticket)
        self.waiting += 1
        return Dispatch.WAIT, displaced

    def leave(self) -> None:
        """Free a seat."""
        self.taken -= 1

    def next(self) -> Ticket | None:
        """The request that takes a seat now, if there is one: the oldest of the flow whose turn it is."""
        if not self._flows or self.taken >= self.seats:
            return None
        flow, line = self._flows.popitem(last=False)
        ticket = line.popleft()
        self.waiting -= 1
        self.taken += 1
        if line:
            self._flows[flow] = line
        return ticket

    def give_up(self, flow: Hashable, ticket: Ticket) -> None:
        """Take a waiting request out of its queue. A request that does not wait is left alone."""
        line = self._flows.get(flow)
        if line is None or ticket not in line:
            return
        line.remove(ticket)
        self.waiting -= 1
        if not line:
            del self._flows[flow]
