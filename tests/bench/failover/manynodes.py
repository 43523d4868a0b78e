"""`python manynodes.py SERVERS PKI FIRST COUNT TOLD`: so many nodes, each with a connection, a certificate and watches
of its own, as kubelets have them. What each notices is a line of the file TOLD: what, which node, from when to when, in
seconds of this machine's steady clock.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path
from typing import IO

import uvloop
from google.protobuf.message import Message

from podlab.api.values import times
from podlab.client.client import Client
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.errors import AlreadyExists, ApiError, Expired
from podlab.tls import Tls

HEARTBEAT_S, LEASE_S = 10.0, 40
AGAIN_S = 0.1
REGISTERED_AT_ONCE = 16
NAMESPACE = "kube-node-lease"


class FakeNode:
    """`run` for ever."""

    def __init__(self, name: str, client: Client, told: IO[str]) -> None:
        self.name = name
        self._client = client
        self._told = told

    async def register(self) -> None:
        """As often as it takes."""
        while True:
            try:
                await self._register()
            except ApiError:
                await asyncio.sleep(AGAIN_S)
            else:
                self._tell("registered", time.monotonic())
                return

    async def _register(self) -> None:
        node = Node()
        node.metadata.name = self.name
        node.metadata.labels["kubernetes.io/hostname"] = self.name
        for name, amount in (("cpu", "4"), ("memory", "32Gi"), ("pods", "110")):
            node.status.capacity[name].string = node.status.allocatable[name].string = amount
        node.status.conditions.add(type="Ready", status="True", reason="KubeletReady")
        try:
            made = await self._client.create(node)
        except AlreadyExists:  # the answer to an earlier try was lost
            made = await self._client.get(Node, self.name)
        made.status.CopyFrom(node.status)
        made.metadata.resourceVersion = ""
        await self._client.update_status(made)
        lease = Lease()
        lease.metadata.name, lease.metadata.namespace = self.name, NAMESPACE
        lease.spec.holderIdentity, lease.spec.leaseDurationSeconds = self.name, LEASE_S
        lease.spec.renewTime.CopyFrom(times.now_micro())
        try:
            self._lease = await self._client.create(lease)
        except AlreadyExists:
            self._lease = await self._client.get(Lease, self.name, NAMESPACE)

    async def run(self) -> None:
        own = f"metadata.name={self.name}"
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            group.create_task(self._watch(Pod, f"spec.nodeName={self.name}"))
            group.create_task(self._watch(Node, own))
            group.create_task(self._watch(Service, ""))

    async def _beat(self) -> None:
        """Each at a time of its own; one that fails is tried again at once."""
        await asyncio.sleep(random.uniform(0, HEARTBEAT_S))
        while True:
            began_s, tries = time.monotonic(), 0
            while True:
                tries += 1
                try:
                    self._lease.spec.renewTime.CopyFrom(times.now_micro())
                    self._lease.metadata.resourceVersion = ""
                    self._lease = await self._client.update(self._lease)
                    break
                except ApiError:
                    await asyncio.sleep(AGAIN_S)
            self._tell("beat" if tries == 1 else "late", began_s)
            await asyncio.sleep(HEARTBEAT_S)

    async def _watch(self, kind: type[Message], field_selector: str) -> None:
        """Tells each time for which there was none, and of those that had to be listed anew."""
        revision, ended_s, is_open = "", time.monotonic(), False

        def opened() -> None:
            nonlocal is_open
            is_open = True
            self._tell("watch", ended_s)

        while True:
            try:
                if not revision:
                    revision = (await self._client.list(kind, field_selector=field_selector)).resource_version
                watch = self._client.watch(kind, revision, field_selector=field_selector, on_open=opened)
                async for batch in watch:
                    revision = batch[-1].resource_version or revision
            except Expired:
                self._tell("listed", time.monotonic())
                revision = ""
            except ApiError:
                if not is_open:
                    await asyncio.sleep(AGAIN_S)
            if is_open:
                is_open, ended_s = False, time.monotonic()

    def _tell(self, what: str, began_s: float) -> None:
        self._told.write(f"{what} {self.name} {began_s:.3f} {time.monotonic():.3f}\n")


async def main(servers: str, pki: Path, first: int, count: int, told: Path) -> None:
    with told.open("w", buffering=1) as lines:
        nodes = []
        for number in range(first, first + count):
            tls = Tls(pki / "ca.crt", pki / f"n{number}.crt", pki / f"n{number}.key")
            client = Client(servers, tls, user_agent="podlab-kubelet")
            nodes.append(FakeNode(f"n{number}", client, lines))
        places = asyncio.Semaphore(REGISTERED_AT_ONCE)

        async def live(node: FakeNode) -> None:
            async with places:
                await node.register()
            await node.run()

        await asyncio.gather(*map(live, nodes))


if __name__ == "__main__":
    given, folder, begin, number, file = sys.argv[1:]
    uvloop.run(main(given, Path(folder), int(begin), int(number), Path(file)))
