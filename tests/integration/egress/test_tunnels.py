"""Sockets to pods: nothing of them stays open."""

from __future__ import annotations

import asyncio
import socket

from podlab_testing.cluster import Cluster
from podlab_testing.pod_servers import PodServers, echo
from podlab_testing.waiting import WITHIN_S, until

from master.apiserver.egress.destinations import PodPort
from master.apiserver.egress.kubelets import Kubelets
from master.apiserver.egress.tunnels import Tunnels


async def received(end: socket.socket) -> bytes:
    with end:
        async with asyncio.timeout(WITHIN_S):
            return await asyncio.get_running_loop().sock_recv(end, 1)


async def test_a_socket_that_was_just_opened_is_cut_with_all_others(pods: PodServers, cluster: Cluster) -> None:
    assert cluster.parts is not None
    port = await pods.serve("web", echo)
    tunnels = Tunnels(Kubelets(cluster.parts.cache, cluster.parts.outward.dialer))
    carrying = await tunnels.open(PodPort("default", "web", port))
    await asyncio.sleep(0)
    opened = await tunnels.open(PodPort("default", "web", port))
    await tunnels.close()
    assert [await received(end) for end in (carrying, opened)] == [b"", b""]
    assert len(tunnels) == 0
    await until(lambda: not pods.kubelet.open["web"], "the kubelet carries nothing more")
