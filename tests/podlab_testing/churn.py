"""Workloads that come, change and go in a namespace while what runs them is killed."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import yaml

from podlab_testing.deployed import Cli, container, service, wait_until

TAKEN_WITHIN_S = 90
MOST_REPLICAS = 5
CPU = "100m"
# What there is at most, by kind.
NAMES = {
    "Deployment": ("app-0", "app-1", "app-2", "app-3"),
    "StatefulSet": ("ordered", "parallel"),
    "DaemonSet": ("agent",),
    "Job": ("job-0", "job-1", "job-2"),
}
SCALED = ("Deployment", "StatefulSet")
Thing = dict[str, Any]
Workload = tuple[str, str]
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Wanted:
    """What was last asked for of a workload; a Job's `replicas` are its completions."""

    replicas: int
    version: str


def manifest(kind: str, name: str, wanted: Wanted) -> str:
    changes: Thing = {"env": [{"name": "VERSION", "value": wanted.version}], "resources": {"requests": {"cpu": CPU}}}
    if kind == "Job":
        changes |= {"command": ["sh", "-c", "sleep 2"]}
    box = container(lifecycle=None, readinessProbe=None, **changes)
    pod: Thing = {"containers": [box], "terminationGracePeriodSeconds": 0}
    template: Thing = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec: Thing = {"template": template}
    if kind == "Job":
        pod["restartPolicy"] = "Never"
        spec |= {"completions": wanted.replicas, "parallelism": 2, "completionMode": "Indexed"}
    else:
        spec["selector"] = {"matchLabels": {"app": name}}
    if kind in SCALED:
        spec["replicas"] = wanted.replicas
    if kind == "StatefulSet":
        spec |= {"serviceName": name, "podManagementPolicy": "OrderedReady" if name == "ordered" else "Parallel"}
    group = "batch/v1" if kind == "Job" else "apps/v1"
    return yaml.safe_dump({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec})


class Churn:
    """Changes workloads, of each kind one after another; `wanted` is what was last asked for and acknowledged."""

    def __init__(self, cli: Cli, namespace: str, seed: int) -> None:
        self.wanted: dict[Workload, Wanted] = {}
        self.steps: Counter[str] = Counter()
        self._cli = cli
        self._namespace = namespace
        self._seed = seed

    def run(self, for_s: float) -> None:
        """Raises what a change failed with that was not taken in time."""
        for name in NAMES["Deployment"]:
            self._until_taken("apply", "-f", "-", stdin=service(name))
        with ThreadPoolExecutor(len(NAMES)) as pool:
            for done in [pool.submit(self._change, kind, time.monotonic() + for_s) for kind in NAMES]:
                done.result()

    def _change(self, kind: str, until: float) -> None:
        chance = random.Random(f"{self._seed} {kind}")
        while time.monotonic() < until:
            self._step(kind, chance)

    def _step(self, kind: str, chance: random.Random) -> None:
        workload = kind, chance.choice(NAMES[kind])
        there = workload in self.wanted
        # What a Job's pods are cannot be changed: another one of the name comes after it.
        if there and (kind == "Job" or chance.random() < 0.2):
            self._delete(workload)
        elif there and kind in SCALED and chance.random() < 0.5:
            self._scale(workload, chance.randint(0, MOST_REPLICAS))
        else:
            least = 1 if kind == "Job" else 0
            self._apply(workload, Wanted(chance.randint(least, MOST_REPLICAS), f"v{chance.randrange(100)}"))

    def _apply(self, workload: Workload, wanted: Wanted) -> None:
        self._until_taken("apply", "-f", "-", stdin=manifest(*workload, wanted))
        self.wanted[workload] = wanted

    def _scale(self, workload: Workload, replicas: int) -> None:
        self._until_taken("scale", "/".join(workload).lower(), f"--replicas={replicas}")
        self.wanted[workload] = replace(self.wanted[workload], replicas=replicas)

    def _delete(self, workload: Workload) -> None:
        # Gone is what is wanted: the answer to a deletion that was done may have been lost.
        self._until_taken("delete", *workload, is_done=lambda done: done.returncode == 0 or "not found" in done.stderr)
        del self.wanted[workload]

    def _until_taken(
        self,
        *arguments: str,
        stdin: str | None = None,
        is_done: Callable[[Done], bool] = lambda done: done.returncode == 0,
    ) -> None:
        """As a user would: again, until it is acknowledged."""
        self.steps[arguments[0]] += 1
        said = ""

        def taken() -> bool:
            nonlocal said
            done = self._cli.run(*arguments, "-n", self._namespace, stdin=stdin)
            said = done.stderr
            return is_done(done)

        try:
            wait_until(taken, f"podlab {' '.join(arguments)} is taken", TAKEN_WITHIN_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {said}") from error
