"""In which order the hosts of a cluster are changed, and what that does to each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from podlab.deploy.release.jumps import Refusal, ReleaseVersion, too_new


@dataclass(frozen=True)
class Rolling:
    """What is asked for: the hosts of this run by group, and how many nodes are changed at a time."""

    masters: Sequence[str]
    nodes: Sequence[str]
    batch: int = 1
    drain: bool = False


def steps(asked: Rolling) -> list[tuple[str, ...]]:
    """Hosts that are changed together, one step after the other: each master alone, then nodes. A host that is both
    is a master. Raises ValueError for a batch of none.
    """
    if asked.batch < 1:
        raise ValueError(f"batch is {asked.batch}: give how many nodes are changed at a time, 1 or more")
    nodes = [name for name in asked.nodes if name not in asked.masters]
    batches = [tuple(nodes[start : start + asked.batch]) for start in range(0, len(nodes), asked.batch)]
    return [(name,) for name in asked.masters] + batches


def plan(asked: Rolling, running: Mapping[str, str], wanted: str) -> Iterator[str]:
    """A line for each step. `running` is what each host says that it runs, empty where it did not say."""
    for number, hosts in enumerate(steps(asked), start=1):
        told = [_told(name, running.get(name, ""), wanted, asked) for name in hosts]
        yield f"{number}. {'; '.join(told)}"


def refused(asked: Rolling, server: str, wanted: str) -> Refusal | None:
    """Of nodes alone: the API server stays at the release that it runs."""
    there, own = ReleaseVersion.shown(server), ReleaseVersion.shown(wanted)
    if asked.masters or there is None or own is None:
        return None
    return too_new(own, there)


def _told(name: str, running: str, wanted: str, asked: Rolling) -> str:
    if running == wanted:
        return f"{name} runs {wanted} already: only what is not right is changed"
    drained = ", drained first" if asked.drain and name not in asked.masters else ""
    return f"{name} goes from {running or 'a release that it does not tell'} to {wanted}{drained}"
