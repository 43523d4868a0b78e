"""Which NUMA nodes a container's resources are to come from, of what each of them says where it could. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from typing import TypeVar

T = TypeVar("T")
BEST_EFFORT, RESTRICTED, SINGLE_NODE = "best-effort", "restricted", "single-numa-node"


@dataclass(frozen=True)
class Hint:
    """Some nodes that have enough of a resource together; None: all the same to it. The fewest that could ever have
    enough are preferred."""

    nodes: frozenset[int] | None
    preferred: bool


ANYWHERE = Hint(None, preferred=True)


def sets(numbers: Collection[int]) -> list[frozenset[int]]:
    """All sets of these nodes but the empty one, small ones first."""
    every = sorted(numbers)
    return [frozenset(chosen) for size in range(1, len(every) + 1) for chosen in combinations(every, size)]


def of_counted(
    numbers: Collection[int],
    places: Mapping[T, Collection[int]],
    free: Collection[T],
    reused: Collection[T],
    count: int,
) -> list[Hint]:
    """Where so many of what can be counted could come from: of the free ones, and of all those that are used again.

    `places` are the nodes that each one of all is near to, in use or not.
    """
    found, fewest = [], len(numbers)
    for nodes in sets(numbers):
        here = {one for one, near in places.items() if not nodes.isdisjoint(near)}
        if len(here) >= count:
            fewest = min(fewest, len(nodes))
        if here.issuperset(reused) and len(here & {*free, *reused}) >= count:
            found.append(nodes)
    return [Hint(nodes, len(nodes) == fewest) for nodes in found]


def merge(policy: str, numbers: Collection[int], asked: Iterable[Sequence[Hint]]) -> tuple[frozenset[int], bool]:
    """The nodes that suit all resources best, and whether the policy lets a container run on them.

    `asked` are the hints of each resource that has a wish; none of them: it can come from nowhere as wished.
    """
    every = frozenset(numbers)
    offered = [list(hints) or [Hint(None, preferred=False)] for hints in asked]
    if policy == SINGLE_NODE:
        offered = [[each for each in hints if _is_single(each)] for hints in offered]
    most = max((min(_size(each, every) for each in hints) for hints in offered if hints), default=0)
    best: Hint | None = None
    for chosen in product(*offered):
        candidate = _merged(every, chosen)
        if candidate.nodes and (best is None or _is_better(candidate, best, most)):
            best = candidate
    if best is None:
        best = Hint(every, preferred=False)
    assert best.nodes is not None
    return best.nodes, best.preferred or policy == BEST_EFFORT


def _is_single(hint: Hint) -> bool:
    return hint.preferred and (hint.nodes is None or len(hint.nodes) == 1)


def _size(hint: Hint, every: frozenset[int]) -> int:
    return len(every if hint.nodes is None else hint.nodes)


def _merged(every: frozenset[int], chosen: Collection[Hint]) -> Hint:
    wishes = [each.nodes for each in chosen if each.nodes is not None]
    common = reduce(frozenset.intersection, wishes, every)
    return Hint(common, all(each.preferred for each in chosen) and len(set(wishes)) <= 1)


def _is_better(candidate: Hint, best: Hint, most: int) -> bool:
    """`most` nodes are what the least modest resource needs: of hints that nobody prefers, those of as many are best,
    as fewer of them would lead somebody astray."""
    if candidate.preferred != best.preferred:
        return candidate.preferred
    if candidate.preferred:
        return _rank(candidate) < _rank(best)
    return (_distance(candidate, most), _rank(candidate)) < (_distance(best, most), _rank(best))


def _rank(hint: Hint) -> tuple[int, list[int]]:
    """Fewer nodes first, then those of lower numbers."""
    assert hint.nodes is not None
    return len(hint.nodes), sorted(hint.nodes)


def _distance(hint: Hint, most: int) -> tuple[bool, int]:
    """Too few are better than too many, and the nearest of either."""
    assert hint.nodes is not None
    return len(hint.nodes) > most, abs(len(hint.nodes) - most)
