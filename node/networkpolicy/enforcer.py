"""The loop of one node's NetworkPolicies: on any change the rules are made, and what differs is written.

While it is away, the rules of before stay. Started again, it puts its whole table in their place in one transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from node.command import CommandError, NotInstalled
from node.networkpolicy.cluster import Cluster
from node.networkpolicy.compiled import compile_policy
from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.pods import PolicyPod, policy_pod, trimmed
from node.networkpolicy.script import FAMILY, TABLE, Ruleset, difference, render, replacement
from node.networkpolicy.table import PolicyTable, only_lets_more
from node.networkpolicy.verdict import Policies
from node.nftables import Nft
from podlab.api.values.ipfamilies import FAMILIES, family_of
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

log = logging.getLogger(__name__)

VERIFY_PERIOD_S = 10.0  # how soon rules that another program removed are put back
RETRY_S = 2.0
_NEVER = -1


class Enforcer:
    """`run` for ever. `table` has the rules as last written."""

    def __init__(
        self,
        client: Client,
        node_name: str,
        nft: Nft,
        flows: FlowCutter,
        *,
        verify_period_s: float = VERIFY_PERIOD_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.table = PolicyTable()
        self.synced = asyncio.Event()
        self._verify_period_s = verify_period_s
        self._retry_s = retry_s
        self._nft = nft
        self._flows = flows
        self._cluster = Cluster(node_name)
        self._node_name = node_name
        self._policies = Informer(client, NetworkPolicy)
        self._namespaces = Informer(client, Namespace)
        self._pods = Informer(client, Pod, trim=trimmed)
        self._dirty = asyncio.Event()
        self._written: Ruleset | None = None  # None: the present rules are not known
        # The kernel's number of changes at which our table was as written for certain, and how it showed it then.
        self._trusted, self._digest = _NEVER, ""
        self._policies.on_change(self._policy_changed)
        self._namespaces.on_change(self._namespace_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in (self._policies, self._namespaces, self._pods):
                group.create_task(informer.run())
            for informer in (self._policies, self._namespaces, self._pods):
                await informer.synced.wait()
            await self._sync_forever()

    def pod_at(self, address: str) -> PolicyPod | None:
        """The pod that has the address; of several, the one created last."""
        family = family_of(address)
        found = (pod for each in self._pods.list() if (pod := policy_pod(each, family)) and pod.address == address)
        return max(found, key=lambda pod: pod.age, default=None)

    def policies(self, addresses: Iterable[str]) -> Policies:
        """What they say by their definition. `addresses` are this node's own."""
        namespaces = {each.metadata.name: dict(each.metadata.labels) for each in self._namespaces.list()}
        each = ((pod, family) for pod in self._pods.list() for family in FAMILIES)
        pods = [found for pod, family in each if (found := policy_pod(pod, family)) is not None]
        nodes = dict.fromkeys(addresses, self._node_name)
        return Policies(self._policies.list(), namespaces, pods, nodes)

    async def _sync_forever(self) -> None:
        self._dirty.set()
        verify_at_s = time.monotonic() + self._verify_period_s
        while True:
            # A deadline and not a pause, so that the table is looked at also in a cluster that always changes.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dirty.wait(), max(0.0, verify_at_s - time.monotonic()))
            self._dirty.clear()
            try:
                await self._sync()
                self.synced.set()
                if time.monotonic() >= verify_at_s:
                    verify_at_s = time.monotonic() + self._verify_period_s
                    await self._verify()
            except (CommandError, OSError) as error:
                log.error("network policies not written: %s; again in %.0f s", error, self._retry_s)
                self._written = None
                self._dirty.set()
                await asyncio.sleep(self._retry_s)

    async def _sync(self) -> None:
        """Writes the rules that differ from those written last. Raises CommandError, OSError."""
        began_s = time.monotonic()
        table = self._cluster.table()
        wanted = render(table)
        script = replacement(wanted) if self._written is None else difference(self._written, wanted)
        if not script:
            return
        lets_more = self._written is not None and only_lets_more(self.table, table)
        before = await self._nft.generation()
        is_known = self._written is None or before == self._trusted
        self._written, self._digest = None, ""
        await self._nft.apply(script)
        after = await self._nft.generation()
        self._trusted = after if is_known and after == before + 1 else _NEVER
        self._written, self.table = wanted, table
        ended = 0 if lets_more else await self._flows.cut(table)
        log.info(
            "network policies written in %.0f ms: %d pods isolated, %d flows cut",
            (time.monotonic() - began_s) * 1000,
            len(table.isolated),
            ended,
        )

    async def _verify(self) -> None:
        """Writes the table again where another program may have changed it. Raises CommandError, OSError."""
        if self._written is None or not self._written.chains:
            return
        generation = await self._nft.generation()
        if generation == self._trusted:
            if not self._digest and (shown := await self._show()) and await self._nft.generation() == generation:
                self._digest = shown
            return
        shown = await self._show()
        if not self._digest or shown != self._digest:
            await self._nft.apply(replacement(self._written))
            if self._digest:
                ended = await self._flows.cut(self.table)
                log.warning("network policies: another program changed %s; written again, %d flows cut", TABLE, ended)
            generation, shown = await self._nft.generation(), await self._show()
        self._trusted, self._digest = generation, shown

    async def _show(self) -> str:
        """Our table as the kernel shows it, as a digest; empty when there is none."""
        try:
            listing = await self._nft.listing(FAMILY, TABLE)
        except CommandError as error:
            log.debug("network policies: %s", error)
            return ""
        return hashlib.sha256(listing.encode()).hexdigest()

    def _policy_changed(self, change: Change[NetworkPolicy]) -> None:
        compiled = None
        if change.new is not None:
            try:
                compiled = compile_policy(change.new)
            except (BadRequest, ValueError) as error:
                log.error("%s is left out: %s", change.key, error)
        self._cluster.set_policy(change.key.namespace, change.key.name, compiled)
        self._dirty.set()

    def _namespace_changed(self, change: Change[Namespace]) -> None:
        labels = dict(change.new.metadata.labels) if change.new is not None else None
        self._cluster.set_namespace(change.key.name, labels)
        self._dirty.set()

    def _pod_changed(self, change: Change[Pod]) -> None:
        """A pod's status changes often; the rules are made anew only when something of it matters to them."""
        for family in FAMILIES:
            found = policy_pod(change.new, family) if change.new is not None else None
            if self._cluster.set_pod(change.key.namespace, change.key.name, found, family):
                self._dirty.set()


async def remove_table(nft: Nft) -> bool:
    """Removes all rules of NetworkPolicies; False where there can be none, without nft. Raises CommandError."""
    try:
        await nft.apply(replacement(Ruleset()))
    except NotInstalled:
        return False
    return True
