"""Run in a network namespace of its own: how long a change of policies or pods takes until it is in force."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from node.networkpolicy.cluster import Cluster
from node.networkpolicy.compiled import compile_policy
from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.pods import NamedPort, PolicyPod
from node.networkpolicy.script import Ruleset, difference, render, replacement
from node.networkpolicy.table import PolicyTable, only_lets_more
from node.nftables import Nft
from podlab.api.serializer import codec
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicySpec

POLICIES, LOCAL_PODS, OTHER_PODS, ROUNDS = 500, 50, 2000, 7
NAMESPACE = "bench"


def policy(number: int, port: int = 80) -> NetworkPolicy:
    """Selects all local pods, by a selector of its own; its peers are 40 pods and a block, its ports three."""
    spec = {
        "podSelector": {"matchExpressions": [{"key": "name", "operator": "NotIn", "values": [f"none-{number}"]}]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {}, "podSelector": {"matchLabels": {"group": f"g{number % 50}"}}},
                    {"ipBlock": {"cidr": "172.16.0.0/12", "except": ["172.16.8.0/24"]}},
                ],
                "ports": [
                    {"protocol": "TCP", "port": port},
                    {"protocol": "TCP", "port": "http"},
                    {"protocol": "UDP", "port": 5000, "endPort": 5100 + number},
                ],
            }
        ],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"only": f"{number}"}}}]}],
    }
    metadata = ObjectMeta(name=f"policy-{number}", namespace=NAMESPACE)
    return NetworkPolicy(metadata=metadata, spec=codec.part_from_dict(spec, NetworkPolicySpec))


def pod(number: int, *, local: bool) -> PolicyPod:
    namespace, node, net = (NAMESPACE, "n1", 1) if local else (f"other-{number % 20}", "n2", 2 + number // 200)
    labels = {"name": f"pod-{number}", "group": f"g{number % 50}"}
    name = f"pod-{number}"
    return PolicyPod(namespace, name, labels, f"10.244.{net}.{2 + number % 200}", node, (NamedPort("http", "tcp", 80),))


class Node:
    """What the agent does with a change, without the API server."""

    def __init__(self) -> None:
        self.cluster = Cluster("n1")
        self.nft = Nft()
        self.written = Ruleset()
        self.table = PolicyTable()

    async def sync(self) -> None:
        table = self.cluster.table()
        wanted = render(table)
        script = difference(self.written, wanted)
        lets_more = only_lets_more(self.table, table)
        await self.nft.apply(script)
        if not lets_more:
            await FlowCutter().cut(table)
        self.written, self.table = wanted, table

    def set_policy(self, number: int, port: int = 80) -> None:
        self.cluster.set_policy(NAMESPACE, f"policy-{number}", compile_policy(policy(number, port)))

    def forget_pod(self, number: int) -> None:
        self.cluster.set_pod(NAMESPACE, f"pod-{number}", None)

    def set_pod(self, found: PolicyPod) -> None:
        self.cluster.set_pod(found.namespace, found.name, found)


def pss_kib() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def told(what: str, took_s: list[float]) -> None:
    print(
        f"network policies, {POLICIES} policies x {LOCAL_PODS} pods: {what}:"
        f" median {statistics.median(took_s) * 1000:.0f} ms, worst {max(took_s) * 1000:.0f} ms"
    )


async def timed(what: str, node: Node, change: Callable[[int], None], sync: Callable[[], Awaitable[None]]) -> None:
    took_s = []
    for number in range(ROUNDS):
        began_s = time.perf_counter()
        change(number)
        await sync()
        took_s.append(time.perf_counter() - began_s)
    told(what, took_s)


async def main() -> None:
    before_kib = pss_kib()
    node = Node()
    node.cluster.set_namespace(NAMESPACE, {})
    for number in range(20):
        node.cluster.set_namespace(f"other-{number}", {})
    for number in range(OTHER_PODS):
        node.set_pod(pod(number, local=False))
    for number in range(LOCAL_PODS):
        node.set_pod(pod(number, local=True))
    for number in range(POLICIES):
        node.set_policy(number)
    began_s = time.perf_counter()
    await node.sync()
    told("all of it, from nothing", [time.perf_counter() - began_s])
    after_kib = pss_kib()
    print(f"network policies, as above with {OTHER_PODS} other pods: {(after_kib - before_kib) / 1024:.0f} MiB")
    await timed("one policy more", node, lambda number: node.set_policy(POLICIES + number), node.sync)
    await timed("one policy's port changes", node, lambda number: node.set_policy(number, 81), node.sync)
    await timed(
        "one policy less", node, lambda number: node.cluster.set_policy(NAMESPACE, f"policy-{number}", None), node.sync
    )
    await timed("one local pod more", node, lambda n: node.set_pod(pod(LOCAL_PODS + n, local=True)), node.sync)
    await timed(
        "one local pod less", node, lambda n: node.cluster.set_pod(NAMESPACE, f"pod-{n}", None) and None, node.sync
    )
    other = pod(0, local=False)
    labels = [{"name": "pod-0", "group": f"g{number + 1}"} for number in range(ROUNDS)]
    await timed("labels of a peer change", node, lambda n: node.set_pod(replace(other, labels=labels[n])), node.sync)
    await timed("the table written anew", node, lambda _: None, lambda: node.nft.apply(replacement(node.written)))


asyncio.run(main())
