"""Three members of etcd, each in a network namespace on one bridge, and two servers' stores that can reach all of them.

Run by `unshare --net --mount`, with which all goes. Members are cut off from each other, and from the stores, while the
stores count.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
from podlab_testing.counting import Counting
from podlab_testing.etcd import EtcdCluster, EtcdMember, members

from master.store.contract import Put
from master.store.etcd.access import access
from master.store.etcd.member import Member
from master.store.etcd.store import EtcdStore
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

NAMES = ("m0", "m1", "m2")
ADDRESSES = {name: f"10.9.0.{number}" for number, name in enumerate(NAMES, 1)}
STALE_S = 3.0


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def at(place: str, *command: str) -> None:
    run("ip", "netns", "exec", place, *command)


def make_segment() -> None:
    run("mount", "-t", "tmpfs", "tmpfs", "/run")  # where namespaces get their names
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "address", "add", "10.9.0.254/24", "dev", "br0")
    run("ip", "link", "set", "br0", "up")
    for name, address in ADDRESSES.items():
        run("ip", "netns", "add", name)
        at(name, "ip", "link", "set", "lo", "up")
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "eth0", "netns", name)
        run("ip", "link", "set", f"to-{name}", "master", "br0", "up")
        at(name, "ip", "link", "set", "eth0", "up")
        at(name, "ip", "address", "add", f"{address}/24", "dev", "eth0")


def cut_from_members(member: EtcdMember) -> None:
    """The others do not hear it, nor it them. The stores do."""
    for other in NAMES:
        if other != member.name:
            for chain, direction in (("INPUT", "-s"), ("OUTPUT", "-d")):
                at(member.name, "iptables", "-A", chain, direction, ADDRESSES[other], "-j", "DROP")


def join(member: EtcdMember) -> None:
    at(member.name, "iptables", "-F")


def cut_from_all(member: EtcdMember) -> None:
    run("ip", "link", "set", f"to-{member.name}", "down")


def plug_in(member: EtcdMember) -> None:
    run("ip", "link", "set", f"to-{member.name}", "up")


async def stale_leader_is_silent(leader: EtcdMember, store: EtcdStore) -> None:
    """A leader that was cut off answers no linearizable read: it would not know what others have written since."""
    await store.commit([Put("/after", b"the cut", None)])
    asked = Member(leader.endpoint, None)
    request = rpc.RangeRequest(key=b"/podlab/data/after")
    try:
        answer = await asked.ask(lambda to: to.kv.Range, request, metadata=(), timeout_s=STALE_S)
    except grpc.aio.AioRpcError as error:
        print(f"a leader that was cut off says: {error.code().name} {error.details()}")
    else:
        raise AssertionError(f"a leader that was cut off answers {answer}")
    finally:
        await asked.close()


async def count(cluster: EtcdCluster) -> Counting:
    async with AsyncExitStack() as stack:
        stores = []
        for turned in range(2):
            endpoints = cluster.endpoints[turned:] + cluster.endpoints[:turned]
            stores.append(await EtcdStore.open(access(endpoints)))
            stack.push_async_callback(stores[-1].close)
        counting = Counting(stores)
        async with counting.running():
            for _ in range(2):
                await break_and_mend(cluster, counting, stores[0])
        await counting.check()
    return counting


async def break_and_mend(cluster: EtcdCluster, counting: Counting, store: EtcdStore) -> None:
    leader = await asyncio.to_thread(cluster.leader)
    cut_from_members(leader)
    await counting.until_all_go_on()
    await stale_leader_is_silent(leader, store)
    join(leader)
    await counting.until_all_go_on()
    leader = await asyncio.to_thread(cluster.leader)
    follower = next(member for member in cluster.members if member is not leader)
    cut_from_members(follower)
    await counting.until_all_go_on()
    join(follower)
    for member in (follower, leader):
        cut_from_all(member)
        await counting.until_all_go_on()
        plug_in(member)
        await counting.until_all_go_on()


def main() -> None:
    directory = Path(sys.argv[1])
    make_segment()
    clients, peers = ([f"{address}:{port}" for address in ADDRESSES.values()] for port in (2379, 2380))
    cluster = EtcdCluster(members(directory, clients, peers))
    for member in cluster.members:
        member.command = ("ip", "netns", "exec", member.name)
    try:
        for member in cluster.members:
            member.start()
        cluster.wait()
        counting = asyncio.run(count(cluster))
    finally:
        cluster.end()
    acknowledged = sum(sum(told.values()) for told in counting.told.values())
    print(
        f"{acknowledged} commits acknowledged, {counting.undecided.total()} in doubt, {counting.refused} refused; "
        f"longest without any: {counting.silent_s:.1f} s, of one store {counting.silent_of_one_s:.1f} s"
    )


if __name__ == "__main__":
    main()
