"""Who runs, who waits and who is refused: the flows of one level take turns. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Ticket = TypeVar("Ticket")


class Dispatch(Enum):
    """On a request that comes in."""

    RUN = "run"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(slots=True)
class QueueSet(Generic[Ticket]):
    """So many `seats`; `most_of_flow` requests of a flow wait, and `most` of all flows."""

    seats: int
    most_of_flow: int
    most: int
    taken: int = 0
    waiting: int = 0
    _flows: OrderedDict[str, deque[Ticket]] = field(default_factory=OrderedDict)

    def arrive(self, flow: str, ticket: Ticket) -> tuple[Dispatch, Ticket | None]:
        """What becomes of a request, and whose place it takes: the last of the longest flow gives way to a shorter."""
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

    def leave(self) -> Ticket | None:
        """A seat is free: the oldest request of the flow whose turn it is takes it."""
        if not self._flows:
            self.taken -= 1
            return None
        flow, line = self._flows.popitem(last=False)
        ticket = line.popleft()
        self.waiting -= 1
        if line:
            self._flows[flow] = line
        return ticket

    def give_up(self, flow: str, ticket: Ticket) -> None:
        """A request that waits does so no longer; nothing happens when it does not wait."""
        line = self._flows.get(flow)
        if line is None or ticket not in line:
            return
        line.remove(ticket)
        self.waiting -= 1
        if not line:
            del self._flows[flow]
