"""The way of one pod as steps in order, made of what components remember. Pure.

Times are nanoseconds since 1970 by the API server's clock: those of components whose clocks differ from it by more than
comparing them can be wrong are moved by the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from podlab.v1.timeline_pb2 import ComponentSpans, PodTimelineResponse, Span

OWNER_NS = 60_000_000_000
"""What its owner did longer before has nothing to do with a pod: it was made for another reason."""
READY, RULES, NAMES = "ready told", "rules", "names"
STORED, SEEN, CREATED, ENDPOINTS = "stored", "seen", "created", "endpoints"


@dataclass(frozen=True)
class WayStep:
    """`node` is empty on the master. `owner` says whose step it is when it is not the pod's own. Without `exact` it is
    told by the pod's status or by Events, which are as old as a second before they say so."""

    name: str
    component: str
    node: str
    began_ns: int
    ended_ns: int
    detail: str = ""
    owner: str = ""
    exact: bool = True
    caller: str = ""
    """The traceparent of who asked the API server for it."""

    @property
    def took_ns(self) -> int:
        return self.ended_ns - self.began_ns

    @property
    def where(self) -> str:
        """The component, and on which node."""
        return f"{self.component} on {self.node}" if self.node else self.component

    @property
    def title(self) -> str:
        """What was done, in words."""
        told = _TITLES.get((self.component, self.name), self.name)
        return " ".join(part for part in (self.owner, told, self.detail) if part)


_TITLES = {
    ("apiserver", STORED): "admitted and stored",
    ("controllers", "seen"): "seen by its controller",
    ("controllers", CREATED): "created",
    ("controllers", ENDPOINTS): "endpoint of Service",
    ("scheduler", "seen"): "seen by the scheduler",
    ("scheduler", "scheduled"): "scheduled to",
    ("scheduler", "bound"): "bound to",
    ("kubelet", "seen"): "seen by the kubelet",
    ("kubelet", "configuration"): "environment and mounts of",
    ("kubelet", "network"): "network (CNI)",
    ("kubelet", "create"): "container created:",
    ("kubelet", "start"): "container started:",
    ("kubelet", "probe"): "probes passed:",
    ("kubelet", READY): "ready, and the API server told",
    ("proxy", RULES): "rules in force for Service",
    ("dns", NAMES): "names in force for Service",
}


_SECOND_NS = 1_000_000_000
_CAUSES = {"scheduler": (STORED,), "kubelet": (STORED, "bound", "network", "sandbox")}


@dataclass(frozen=True)
class Clock:
    """How far a component's clock is ahead of the API server's, and how far at most that is off."""

    where: str
    skew_ns: int
    error_ns: int

    @property
    def differs(self) -> bool:
        return abs(self.skew_ns) > self.error_ns


@dataclass(frozen=True)
class Way:
    """`unanswered` are the components that could not be asked, each with the reason."""

    uid: str
    steps: tuple[WayStep, ...]
    clocks: tuple[Clock, ...] = ()
    unanswered: tuple[tuple[str, str], ...] = ()
    since_ns: dict[str, int] = field(default_factory=dict)
    """Since when each component has remembered, by component and node."""

    @property
    def began_ns(self) -> int:
        return min((each.began_ns for each in self.steps), default=0)

    @property
    def callers(self) -> tuple[str, ...]:
        """The traceparents of those who asked for the pod, or for what made it."""
        return tuple(dict.fromkeys(each.caller for each in self.steps if each.caller))

    @property
    def ready_ns(self) -> int | None:
        """When the API server knew that the pod is ready."""
        return _last(each for each in self.steps if each.name in (READY, "ready"))

    @property
    def reached_ns(self) -> int | None:
        """When the last node had rules and names of all Services; None of a pod that no Service leads to."""
        return _last(each for each in self.steps if each.name in (RULES, NAMES))


def _last(steps: Iterable[WayStep]) -> int | None:
    return max((each.ended_ns for each in steps), default=None)


def way(answer: PodTimelineResponse) -> Way:
    """What the answer tells."""
    clocks = [Clock(_where(each), each.skew_ns, each.skew_error_ns) for each in answer.components if not each.error]
    taken = [step for each in answer.components for step in _steps(answer, each)]
    made_ns = min((each.began_ns for each in taken if not each.owner and each.name not in (RULES, NAMES)), default=0)
    steps = [*_of_pod(taken, made_ns), *_of_owners(taken, made_ns)]
    return Way(
        answer.uid,
        tuple(sorted(steps, key=lambda each: (each.began_ns, -each.ended_ns))),
        tuple(clocks),
        tuple((_where(each), each.error) for each in answer.components if each.error),
        {_where(each): each.since_ns for each in answer.components if not each.error},
    )


def _where(each: ComponentSpans) -> str:
    return f"{each.component} on {each.node}" if each.node else each.component


def _steps(answer: PodTimelineResponse, told: ComponentSpans) -> list[WayStep]:
    owners = {each.uid: f"{each.kind} {each.name}" for each in answer.owners}
    ahead_ns = told.skew_ns if abs(told.skew_ns) > told.skew_error_ns else 0
    return [_step(told, each, owners.get(each.key, ""), ahead_ns) for each in told.spans]


def _step(told: ComponentSpans, span: Span, owner: str, ahead_ns: int) -> WayStep:
    detail = "" if span.name == STORED else span.detail
    began_ns, ended_ns = span.began_ns - ahead_ns, span.ended_ns - ahead_ns
    caller = span.detail if span.name == STORED else ""
    return WayStep(span.name, told.component, told.node, began_ns, ended_ns, detail, owner, caller=caller)


def _of_pod(taken: Sequence[WayStep], made_ns: int) -> list[WayStep]:
    """Of what a node did with an endpoint the first time counts; what it did for another pod of that address does not.

    A pod that is changed later is stored again, which is no part of its way.
    """
    kept: dict[tuple[str, ...], WayStep] = {}
    steps: list[WayStep] = []
    for each in taken:
        if each.owner or each.began_ns < made_ns:
            continue
        if each.name in (RULES, NAMES, STORED):
            kept.setdefault((each.component, each.node, each.name, each.detail), each)
        else:
            steps.append(each)
    return [*steps, *kept.values()]


def _of_owners(taken: Sequence[WayStep], made_ns: int) -> list[WayStep]:
    """The last of each before the pod was made, unless that is long ago. An owner's controller writes it as well: what
    it was stored for is what its controller has seen then."""
    last: dict[tuple[str, str], WayStep] = {}
    for each in taken:
        if each.owner and each.name != STORED and each.began_ns <= made_ns <= each.ended_ns + OWNER_NS:
            last[each.owner, each.name] = each
    for each in taken:
        seen = last.get((each.owner, SEEN))
        until_ns = seen.began_ns if seen is not None else made_ns
        if each.owner and each.name == STORED and each.began_ns <= until_ns <= each.ended_ns + OWNER_NS:
            last[each.owner, STORED] = each
    return [each for each in last.values() if not _is_superseded(each, last.get((each.owner, STORED)))]


def _is_superseded(step: WayStep, stored: WayStep | None) -> bool:
    """Whether an owner was made, and then changed for this pod: one that is scaled up again was not made for it."""
    return step.name == CREATED and stored is not None and step.ended_ns < stored.began_ns


@dataclass(frozen=True)
class Share:
    """Of the whole time, what a step took alone: while others ran within it, it is theirs. A wait is before a step."""

    step: WayStep
    own_ns: int
    is_wait: bool = False

    @property
    def began_ns(self) -> int:
        return self.step.began_ns - self.own_ns if self.is_wait else self.step.began_ns

    @property
    def took_ns(self) -> int:
        """Of a step the whole time, that of others within it included."""
        return self.own_ns if self.is_wait else self.step.took_ns

    @property
    def title(self) -> str:
        return f"waiting until {self.step.title}" if self.is_wait else self.step.title


def shares(found: Way) -> list[Share]:
    """Each step's part, waits included, the largest first. They add up to the time from the first to the last step."""
    own: dict[tuple[int, bool], int] = {}
    steps = found.steps
    marks = sorted({mark for each in steps for mark in (each.began_ns, each.ended_ns)})
    for low, high in pairwise(marks):
        running = [at for at, each in enumerate(steps) if each.began_ns <= low and each.ended_ns >= high]
        if running:
            key = min(running, key=lambda at: steps[at].took_ns), False
        else:
            key = next(at for at, each in enumerate(steps) if each.began_ns >= high), True
        own[key] = own.get(key, 0) + high - low
    made = [Share(steps[at], own_ns, is_wait) for (at, is_wait), own_ns in own.items()]
    return sorted(made, key=lambda each: (-each.own_ns, each.step.began_ns))


def with_waits(found: Way, least_ns: int) -> list[Share]:
    """All steps in order, and between them those waits that are at least so long."""
    parts = {(each.step, each.is_wait): each for each in shares(found)}
    made: list[Share] = []
    for each in found.steps:
        waited = parts.get((each, True))
        if waited is not None and waited.own_ns >= least_ns:
            made.append(waited)
        made.append(parts.get((each, False)) or Share(each, 0))
    return made


def _after_its_causes(moment: WayStep, exact: Iterable[WayStep]) -> WayStep:
    """A moment that is told by the second is at most that much later: what is known to come first comes first."""
    causes = (each.ended_ns for each in exact if not each.owner and each.name in _CAUSES.get(moment.component, ()))
    late_ns = max((each for each in causes if each < moment.began_ns + _SECOND_NS), default=0)
    at_ns = max(moment.began_ns, late_ns)
    return replace(moment, began_ns=at_ns, ended_ns=at_ns, exact=False)


def with_less_exact(found: Way, others: Iterable[WayStep]) -> Way:
    """The way with steps that nobody remembers, as far as something else tells them."""
    known = {(each.component, each.name, each.detail.partition(":")[0]) for each in found.steps if not each.owner}
    missing = [each for each in others if (each.component, each.name, each.detail) not in known]
    more = [_after_its_causes(each, found.steps) for each in missing]
    steps = sorted((*found.steps, *more), key=lambda each: (each.began_ns, -each.ended_ns))
    return replace(found, steps=tuple(steps))
