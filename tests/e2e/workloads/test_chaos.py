"""The control plane and kubelets are killed again and again while workloads come, change and go: in the end all is as
asked for, and on the way nothing was that may never be.

PODLAB_CHAOS_S=600 makes it last ten minutes.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter

import pytest
from podlab_testing.churn import Churn
from podlab_testing.deployed import Cli
from podlab_testing.invariants import Observer, differences
from podlab_testing.leftovers import until_nothing_is_left

from podlab.lab.lab import Lab

CHAOS_S = float(os.environ.get("PODLAB_CHAOS_S", "45"))
MASTER = (("m1", "podlab-scheduler"), ("m1", "podlab-controllers"), ("m1", "podlab-apiserver"))
NODES = (("n1", "podlab-kubelet"), ("n2", "podlab-kubelet"))
KILLED_EVERY_S = (2.0, 6.0)
AT_ONCE = (1, 1, 1, 2, 3)
SETTLED_WITHIN_S = 120
QUIET_FOR_S = 5


def kill_at_random(lab: Lab, chance: random.Random, stop: threading.Event, kills: Counter[str]) -> None:
    """Each round kills all of them in another order, some at the same moment."""
    while not stop.is_set():
        left = chance.sample(MASTER + NODES, len(MASTER + NODES))
        while left and not stop.wait(chance.uniform(*KILLED_EVERY_S)):
            count = chance.choice(AT_ONCE)
            for host, unit in left[:count]:
                if lab.run(host, ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit]).returncode == 0:
                    kills[f"{unit} on {host}"] += 1
            left = left[count:]


@pytest.mark.alone
def test_what_was_asked_for_is_there_in_the_end(lab: Lab, cli: Cli, namespace: str, all_ready: None) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    churn, stop, kills = Churn(cli, namespace, seed), threading.Event(), Counter[str]()
    killer = threading.Thread(target=kill_at_random, args=(lab, random.Random(seed + 1), stop, kills), daemon=True)
    with Observer(cli) as observer:
        killer.start()
        try:
            churn.run(CHAOS_S)
        finally:
            stop.set()
            killer.join(30)
        assert not killer.is_alive(), "the killer does not end"
        print(f"killed {dict(kills)}; asked for {dict(churn.steps)}; looked {observer.looks} times")
        assert kills.keys() >= {f"{unit} on {host}" for host, unit in MASTER}
        settles(cli, namespace, churn)
        before = {each["metadata"]["uid"] for each in cli.items("pods", "-n", namespace)}
        time.sleep(QUIET_FOR_S)
        assert differences(cli, namespace, churn.wanted) == []
        assert {each["metadata"]["uid"] for each in cli.items("pods", "-n", namespace)} == before, "pods still change"
    assert not observer.broken
    until_nothing_is_left(lab, cli)


def settles(cli: Cli, namespace: str, churn: Churn) -> None:
    """Fails with what is still not as it was asked for."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while left := differences(cli, namespace, churn.wanted):
        assert time.monotonic() < deadline, "\n".join(left)
        time.sleep(1)
