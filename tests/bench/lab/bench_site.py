"""What site.yml costs with 2, 4 and 8 nodes (one master beside): bare hosts, a second run, and how that grows.

Each on a lab of its own, one after another. What was downloaded and packed is in the caches by then: a first, small lab
sees to that. `make bench-site SIZES="2 4"` for others.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
import time
from dataclasses import dataclass

from podlab_testing.own_clusters import MakeCluster, cluster_maker
from podlab_testing.own_labs import own_lab

from podlab.lab.spec import LabSpec

SIZES = (2, 4, 8)
LETTER = "b"
PLAY = re.compile(r"^ {0,7}(\d+\.\d)  (\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """A run of the playbook: its seconds, and those of each play."""

    seconds: float
    plays: dict[str, float]


def main(sizes: tuple[int, ...]) -> None:
    os.environ |= {"ANSIBLE_CALLBACKS_ENABLED": "podlab_profile", "PODLAB_PROFILE_LEAST_S": "1000"}
    measured: dict[int, tuple[Run, Run]] = {}
    for make in cluster_maker(LETTER):
        measure(make, 1)
        for nodes in sizes:
            measured[nodes] = measure(make, nodes)
            print(line(nodes, measured[nodes]), flush=True)
    for what, index in (("bare hosts", 0), ("second run", 1)):
        print(f"{what}: {growth({nodes: runs[index].seconds for nodes, runs in measured.items()})}")
        for play in measured[sizes[0]][index].plays:
            found = (f"{runs[index].plays.get(play, 0):.1f}" for runs in measured.values())
            print(f"  {' / '.join(found)} s  {play}")


def measure(make: MakeCluster, nodes: int) -> tuple[Run, Run]:
    cluster = make(LabSpec(name=own_lab(LETTER).name, masters=1, nodes=nodes), {})

    def run() -> Run:
        began = time.monotonic()
        outcome = cluster.play("site.yml")
        seconds = time.monotonic() - began
        if outcome.code != 0:
            sys.exit(outcome.text[-4000:])
        told = outcome.text.rpartition("SECONDS")[2]
        return Run(seconds, {name: float(each) for each, name in PLAY.findall(told) if name != "in all"})

    return run(), run()


def line(nodes: int, runs: tuple[Run, Run]) -> str:
    bare, again = (run.seconds for run in runs)
    return f"{nodes} nodes: bare hosts {bare:.1f} s ({bare / (nodes + 1):.1f} a host), second run {again:.1f} s"


def growth(seconds: dict[int, float]) -> str:
    """What each further node costs, from each size to the next, in seconds."""
    sizes = sorted(seconds)
    steps = itertools.pairwise(sizes)
    told = (f"{few} to {many}: {(seconds[many] - seconds[few]) / (many - few):.1f}" for few, many in steps)
    return f"seconds for each further node, {', '.join(told)}"


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
