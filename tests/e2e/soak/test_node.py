"""Pods of all shapes come and go while kubelets and containerd are killed at random: in the end every node has exactly
what the API says, and nothing of what is gone.

`make e2e-soak MINUTES=60`, on a lab that nothing else uses. PODLAB_SOAK_SEED repeats what an earlier run did.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from podlab_testing import soak_pods
from podlab_testing.deployed import Cli, nodes_ready, wait_until
from podlab_testing.leftovers import until_nothing_is_left

from podlab.lab.lab import Lab

MINUTES = float(os.environ.get("PODLAB_SOAK_MINUTES", "2"))
SEED = int(os.environ.get("PODLAB_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
UNITS = ("podlab-kubelet", "podlab-kubelet", "containerd")
KILLED_EVERY_S = (4.0, 12.0)
PODS_AT_ONCE = 24
STEP_S = (0.1, 0.8)
SETTLED_WITHIN_S = 120
SMALL_DISK_MIB = 8


def _nodes(cli: Cli) -> list[str]:
    return [str(node["metadata"]["name"]) for node in cli.items("nodes")]


@pytest.fixture
def small_disks(lab: Lab, cli: Cli) -> Iterator[None]:
    path, nodes = soak_pods.SMALL_DISK, _nodes(cli)
    for node in nodes:
        done = lab.run(node, ["sh", "-ec", f"mkdir -p {path}; mount -t tmpfs -o size={SMALL_DISK_MIB}M soak {path}"])
        assert done.returncode == 0, done.stderr
    yield
    for node in nodes:
        lab.run(node, ["sh", "-c", f"umount {path}; rmdir {path}"])


def _kill_at_random(lab: Lab, nodes: list[str], stop: threading.Event, kills: Counter[str]) -> None:
    chance = random.Random(f"{SEED} kills")
    while not stop.wait(chance.uniform(*KILLED_EVERY_S)):
        host, unit = chance.choice(nodes), chance.choice(UNITS)
        if lab.run(host, ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit]).returncode == 0:
            kills[unit] += 1


def _come_and_go(cli: Cli, namespace: str, until: float) -> Counter[str]:
    """Makes pods and deletes them; how many there were of each shape."""
    chance, there, made = random.Random(f"{SEED} pods"), list[str](), Counter[str]()
    cli("apply", "-n", namespace, "-f", "-", stdin=soak_pods.shared())
    shapes = list(soak_pods.SHAPES)
    while time.monotonic() < until:
        if len(there) < PODS_AT_ONCE and chance.random() < 0.6:
            number = sum(made.values())
            shape = shapes[number] if number < len(shapes) else chance.choice(shapes)
            body = soak_pods.manifest(shape, f"{shape}-{number}", chance)
            body["metadata"]["namespace"] = namespace
            cli.rest.apply(body)
            there.append(str(body["metadata"]["name"]))
            made[shape] += 1
        elif there:
            cli.rest.delete("pod", there.pop(chance.randrange(len(there))), "-n", namespace)
        time.sleep(chance.uniform(*STEP_S))
    return made


def _running_by_api(cli: Cli, node: str) -> set[str]:
    """The containers that run, as pods' statuses say."""
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    return {
        str(each["containerID"]).removeprefix("containerd://")
        for pod in cli.items("pods", "-A", "--field-selector", f"spec.nodeName={node}")
        for kind in kinds
        for each in pod["status"].get(kind, ())
        if "running" in each["state"]
    }


def _running_by_node(lab: Lab, node: str) -> set[str]:
    """The containers that run, as containerd says; its sandboxes are none."""
    script = (
        "ctr -n k8s.io tasks ls | awk '$3 == \"RUNNING\" {print $1}' | sort > /tmp/soak.tasks;"
        "ctr -n k8s.io containers ls -q 'labels.\"io.cri-containerd.kind\"==container' | sort"
        " | comm -12 - /tmp/soak.tasks;"
        "rm /tmp/soak.tasks"
    )
    done = lab.run(node, ["sh", "-c", script])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def _differences(lab: Lab, cli: Cli) -> list[str]:
    found = []
    for node in _nodes(cli):
        told, there = _running_by_api(cli, node), _running_by_node(lab, node)
        found += [f"{node}: {each} runs, and the API does not say so" for each in sorted(there - told)]
        found += [f"{node}: {each} does not run, as the API says" for each in sorted(told - there)]
    return found


def _steady(cli: Cli, namespace: str) -> list[dict[str, Any]]:
    """Deletes what starts anew for ever; what is left."""
    for shape in ("probes", "crashes", "oom"):
        for each in cli.items("pods", "-n", namespace, "-l", f"shape={shape}"):
            cli.rest.delete("pod", each["metadata"]["name"], "-n", namespace)
    return cli.items("pods", "-n", namespace)


def test_in_the_end_nodes_have_exactly_what_the_api_says(
    lab: Lab, cli: Cli, namespace: str, small_disks: None, all_ready: None
) -> None:
    print(f"PODLAB_SOAK_SEED={SEED}, {MINUTES:g} minutes")
    stop, kills = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill_at_random, args=(lab, _nodes(cli), stop, kills), daemon=True)
    killer.start()
    try:
        made = _come_and_go(cli, namespace, time.monotonic() + 60 * MINUTES)
    finally:
        stop.set()
        killer.join(90)
    print(f"pods made {dict(made)}; killed {dict(kills)}")
    assert not killer.is_alive(), "the killer does not end"
    assert made.keys() == soak_pods.SHAPES.keys()
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    left = _steady(cli, namespace)
    print(f"left to stay: {len(left)}")
    wait_until(lambda: not _differences(lab, cli), "nodes run what the API says", SETTLED_WITHIN_S, 1)
    until_nothing_is_left(lab, cli)
    cli.rest.delete_namespace(namespace)
    wait_until(lambda: not cli.rest.exists("namespace", namespace), "all are gone", 180)
    until_nothing_is_left(lab, cli)
