"""The control plane is killed again and again while workloads come, change and go: in the end all is as asked for.

PODLAB_CHAOS_S=600 makes it last ten minutes.
"""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable

import yaml
from deployed import Cli, condition_of, container, wait_until

from podlab.lab.lab import Lab

CHAOS_S = float(os.environ.get("PODLAB_CHAOS_S", "45"))
UNITS = ("podlab-scheduler", "podlab-controllers", "podlab-apiserver")
KILLED_EVERY_S = (2.0, 6.0)
APPS = 4
MOST_REPLICAS = 5
SETTLED_WITHIN_S = 120
Done = subprocess.CompletedProcess[str]


def manifest(name: str, replicas: int, version: str) -> str:
    labels = {"app": name}
    box = container(lifecycle=None, readinessProbe=None)
    box["env"] = [{"name": "VERSION", "value": version}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [box], "terminationGracePeriodSeconds": 0}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def succeeded(done: Done) -> bool:
    return done.returncode == 0


class Churn:
    """Changes Deployments one after another; `wanted` is what was last asked for and acknowledged."""

    def __init__(self, cli: Cli, namespace: str, chance: random.Random) -> None:
        self.wanted: dict[str, tuple[int, str]] = {}
        self._cli = cli
        self._namespace = namespace
        self._chance = chance

    def step(self) -> None:
        name = f"app-{self._chance.randrange(APPS)}"
        if name in self.wanted and self._chance.random() < 0.15:
            # Gone is what is wanted: the answer to a deletion that was done may have been lost.
            self._until_done(
                lambda: self._cli.run("delete", "deployment", name, "-n", self._namespace),
                lambda done: done.returncode == 0 or "not found" in done.stderr,
            )
            del self.wanted[name]
            return
        replicas, version = self._chance.randint(0, MOST_REPLICAS), f"v{self._chance.randrange(100)}"
        self._until_done(
            lambda: self._cli.run("apply", "-n", self._namespace, "-f", "-", stdin=manifest(name, replicas, version))
        )
        self.wanted[name] = (replicas, version)

    def _until_done(self, command: Callable[[], Done], is_done: Callable[[Done], bool] = succeeded) -> None:
        """As a user would: again, until it is acknowledged."""
        wait_until(lambda: is_done(command()), "a change is taken", 60)


def kill_at_random(lab: Lab, chance: random.Random, stop: threading.Event, kills: Counter[str]) -> None:
    while not stop.wait(chance.uniform(*KILLED_EVERY_S)):
        unit = chance.choice(UNITS)
        if lab.run("m1", ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit]).returncode == 0:
            kills[unit] += 1


def test_what_was_asked_for_is_there_in_the_end(lab: Lab, cli: Cli, namespace: str, all_ready: None) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    churn, stop, kills = Churn(cli, namespace, random.Random(seed)), threading.Event(), Counter[str]()
    killer = threading.Thread(target=kill_at_random, args=(lab, random.Random(seed + 1), stop, kills), daemon=True)
    killer.start()
    try:
        end = time.monotonic() + CHAOS_S
        while time.monotonic() < end:
            churn.step()
    finally:
        stop.set()
        killer.join(30)
    assert not killer.is_alive(), "the killer does not end"
    assert kills, "nothing was killed"
    wait_until(
        lambda: is_settled(cli, namespace, churn.wanted), f"all is as asked after {dict(kills)}", SETTLED_WITHIN_S
    )


def is_settled(cli: Cli, namespace: str, wanted: dict[str, tuple[int, str]]) -> bool:
    """Exactly the pods that were asked for run, each ready and on a node; nothing else is left."""
    done = cli.run("get", "deployments,replicasets,pods", "-n", namespace, "-o", "json")
    if done.returncode != 0:
        return False
    things = yaml.safe_load(done.stdout)["items"]
    by_kind = {kind: [each for each in things if each["kind"] == kind] for kind in ("Deployment", "ReplicaSet", "Pod")}
    pods = Counter(
        (pod["metadata"]["labels"]["app"], pod["spec"]["containers"][0]["env"][0]["value"]) for pod in by_kind["Pod"]
    )
    owners = {each["metadata"]["uid"] for each in things}
    orphans = [each for each in things if not {o["uid"] for o in each["metadata"].get("ownerReferences", [])} <= owners]
    return (
        {each["metadata"]["name"] for each in by_kind["Deployment"]} == wanted.keys()
        and pods == Counter({(name, version): count for name, (count, version) in wanted.items() if count})
        and all(condition_of(pod, "Ready") == "True" for pod in by_kind["Pod"])
        and not orphans
    )
