"""Services, pods, policies and rollouts come, change and go while agents and containerd are restarted: in the end every
node has what the API says, and nobody lost anything who asked what was not touched.

A request can be lost on its way through a Service, or because the machine under the lab had no time for it. To tell
these apart, controls ask as often and from the same places, of pods on their nodes' own network: no rule of a Service
and no pod network leads there. A loss counts unless a control at the same place lost something in the same seconds.

`make e2e-churn MINUTES=30`, on a lab that nothing else uses. PODLAB_CHURN_SEED repeats what an earlier run did.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest
import yaml
from podlab_testing import network_truth, node_network
from podlab_testing.deployed import Cli, MakeNamespace, container, deployment, nodes_ready, service, wait_until
from podlab_testing.leftovers import until_nothing_is_left
from podlab_testing.network_churn import Churn
from podlab_testing.network_users import OUTSIDE, Users
from podlab_testing.node_network import NodeNetwork

from podlab.lab.lab import Lab

MINUTES = float(os.environ.get("PODLAB_CHURN_MINUTES", "2"))
SEED = int(os.environ.get("PODLAB_CHURN_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
DNS = "10.96.0.10"
CONTROL_PORT = 18400
# The proxy, the network and the policies look at what others may have changed as often as that.
VERIFIED_WITHIN_S = 12


@pytest.fixture
def untouched(cli: Cli, make_namespace: MakeNamespace) -> str:
    """The namespace of what nothing changes: a Service with pods on every node, and the controls' pods."""
    wait_until(lambda: nodes_ready(cli), "all nodes Ready", 120)
    name = make_namespace()
    objects = (deployment("web", 4), service("web", node_port=True), _on_each_nodes_own_network())
    cli("apply", "-n", name, "-f", "-", stdin="---\n".join(objects))
    for each in ("deployment/web", "daemonset/control"):
        cli("rollout", "status", each, "-n", name, timeout_s=90)
    return name


def _on_each_nodes_own_network() -> str:
    labels = {"app": "control"}
    probe = {"httpGet": {"path": "/healthz", "port": CONTROL_PORT}, "periodSeconds": 1}
    box = container(ports=[], env=[{"name": "PORT", "value": str(CONTROL_PORT)}], readinessProbe=probe)
    template = {"metadata": {"labels": labels}, "spec": {"containers": [box], "hostNetwork": True}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    made = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "control"}, "spec": spec}
    return yaml.safe_dump(made)


@pytest.fixture
def users(cli: Cli, lab: Lab, untouched: str, addresses: dict[str, str]) -> Users:
    spec = cli.get("service", "web", "-n", untouched)["spec"]
    nodes = [each["metadata"]["name"] for each in cli.items("nodes")]
    made = Users(lab, MINUTES * 60, [f"http://{addresses[node]}:{CONTROL_PORT}/" for node in nodes])
    for node in nodes:
        made.ask(OUTSIDE, f"http://{addresses[node]}:{spec['ports'][0]['nodePort']}/")
        made.ask(node, f"http://{spec['clusterIP']}/")
        made.ask_name(node, DNS, f"web.{untouched}.svc.cluster.local", spec["clusterIP"])
    return made


@pytest.fixture
def before(cli: Cli, lab: Lab, untouched: str) -> dict[str, NodeNetwork]:
    """What each node has with nothing but the untouched Service."""
    network_truth.until_at_rest(cli, lab)
    time.sleep(VERIFIED_WITHIN_S)
    return {each["metadata"]["name"]: node_network.look(lab, each["metadata"]["name"]) for each in cli.items("nodes")}


@pytest.fixture
def spaces(before: dict[str, NodeNetwork], make_namespace: MakeNamespace, cli: Cli) -> Iterator[list[str]]:
    made = [make_namespace() for _ in range(3)]
    yield made
    cli.rest.delete_namespace(f"{made[0]}-brief")


def test_churn_leaves_what_the_api_says_and_nothing_else(
    cli: Cli, lab: Lab, before: dict[str, NodeNetwork], spaces: list[str], users: Users
) -> None:
    churn = Churn(cli.rest, lab, spaces, SEED)
    print(f"PODLAB_CHURN_SEED={SEED}, {MINUTES:.0f} minutes")
    churn.run(MINUTES * 60)
    outcomes = users.outcomes()
    print(dict(churn.steps), *outcomes, sep="\n")
    print(*(f"{each.who}: {loss}" for each in outcomes for loss in each.lost), sep="\n")
    network_truth.until_at_rest(cli, lab)
    time.sleep(VERIFIED_WITHIN_S)
    wrong = list(churn.failures)
    wrong += [f"{each.who}: {loss}" for each in outcomes for loss in each.faults]
    wrong += network_truth.wrong_addresses_of_services(cli)
    for node in before:
        wrong += network_truth.untrue(cli, node, node_network.look(lab, node))
        wrong += network_truth.written_afresh(lab, node)
    wrong += _left_behind(cli, lab, [*spaces, f"{spaces[0]}-brief"], before)
    assert not wrong, f"PODLAB_CHURN_SEED={SEED}\n" + "\n".join(wrong)
    until_nothing_is_left(lab, cli)


def _left_behind(cli: Cli, lab: Lab, spaces: list[str], before: dict[str, NodeNetwork]) -> list[str]:
    """What is different from before once everything of the churn is deleted."""
    for name in spaces:
        cli.rest.delete_namespace(name)
    wait_until(lambda: not any(cli.rest.exists("namespace", name) for name in spaces), "the namespaces are gone", 120)
    time.sleep(VERIFIED_WITHIN_S)
    told = []
    for node, earlier in before.items():
        found = node_network.differences(earlier, node_network.look(lab, node))
        told += [f"{node}, before <> when all is deleted again: {each}" for each in found]
    return told
