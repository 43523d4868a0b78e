"""Three masters, of which one at a time is broken in some way, while clients read and write through all API servers.

What these saw is explained by some order of it; nothing that was acknowledged is lost; watches leave nothing out; the
node's pods are left alone; `podlab doctor` names each fault while it lasts; and in the end all is as it was, without
help.

`make e2e-chaos MINUTES=15`. Each fault comes at least once, however few the minutes. PODLAB_CHAOS_SEED repeats the
order of an earlier run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import yaml
from podlab_testing.api_histories import Histories
from podlab_testing.deployed import Traffic, deployment, service, wait_until
from podlab_testing.master_faults import FAULTS, UNITS, Fault, prepare
from podlab_testing.own_clusters import MakeCluster, OwnCluster
from podlab_testing.own_labs import own_lab
from podlab_testing.source_code import PROJECT

from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.lab import inventory
from podlab.lab.spec import LabSpec

MINUTES = float(os.environ.get("PODLAB_CHAOS_MINUTES", "2"))
SEED = int(os.environ.get("PODLAB_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
MASTERS = ("m1", "m2", "m3")
FLOATING = 2
LASTS_S = (12.0, 40.0)
NAMED_WITHIN_S = 90.0
MENDED_WITHIN_S = 120.0
# All hosts share two processors with other tests.
SILENT_AT_MOST_S = 30.0


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> OwnCluster:
    made = make_cluster(LabSpec(name=own_lab("c").name, masters=3, nodes=1), {})
    prepare(made.lab, MASTERS)
    hosts = inventory.inventory_dir(made.lab.name, PROJECT) / "hosts.yml"
    content = yaml.safe_load(hosts.read_text())
    content["all"]["vars"]["preflight_disk_mib"] = 64  # the masters' disks are small ones
    hosts.write_text(inventory.HEADER + yaml.safe_dump(content, sort_keys=False))
    made.deploy()
    return made


@pytest.fixture
def web(cluster: OwnCluster) -> str:
    """The URL of an app on the node."""
    cluster.cli("apply", "-f", "-", stdin=f"{deployment('web', 1)}---\n{service('web', node_port=True)}")
    cluster.cli("rollout", "status", "deployment/web", timeout_s=120)
    assert cluster.ask_node_port("web", "n1")
    port = cluster.cli.get("service", "web")["spec"]["ports"][0]["nodePort"]
    return f"http://{cluster.addresses()['n1']}:{port}/"


def doctor(cluster: OwnCluster) -> list[dict[str, Any]]:
    """What it finds."""
    done = cluster.cli.run("doctor", "hosts", "-o", "json", timeout_s=180)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    assert done.returncode == any(each["severity"] == "error" for each in found)
    return found


def broken(cluster: OwnCluster) -> list[dict[str, Any]]:
    """Of what it finds; that something was started again some minutes ago is none of it."""
    return [each for each in doctor(cluster) if each["severity"] == "error"]


def named(cluster: OwnCluster, fault: Fault, host: str) -> str:
    """How the doctor names it; waits until it does, because some faults take time to be felt."""
    found: list[dict[str, Any]] = []

    def cause() -> str:
        found[:] = doctor(cluster)
        own = (each for each in found if each["host"] == host and each["check"] in fault.named)
        return str(next((each["cause"] for each in own), ""))

    try:
        return wait_until(cause, f"the doctor names that {host} is {fault}", NAMED_WITHIN_S, every_s=1)
    except AssertionError as error:
        raise AssertionError(f"{error}; it found {found}") from error


def plan(chance: random.Random) -> Iterator[Fault]:
    """Every fault once in some order, and again and again."""
    while True:
        yield from chance.sample(FAULTS, len(FAULTS))


def wrong_with(cluster: OwnCluster, host: str) -> str:
    """What of a master does not run, or answer; empty when it is as it should be."""
    done = cluster.lab.run(host, ["sh", "-c", f"systemctl is-active {UNITS}"], timeout_s=20)
    if done.stdout.split() != ["active"] * 4:
        return f"{host}: {done.stdout.split()}{done.stderr}"
    served = cluster.cli.items("endpointslices", "-l", "kubernetes.io/service-name=kubernetes")
    addresses = {address for each in served for endpoint in each["endpoints"] for address in endpoint["addresses"]}
    return "" if cluster.addresses()[host] in addresses else f"kubernetes leads to {addresses}"


def until_mended(cluster: OwnCluster, host: str) -> float:
    """How long it takes until the host takes part again, of itself."""
    began_s, said = time.monotonic(), [""]

    def is_mended() -> bool:
        try:
            said[0] = wrong_with(cluster, host)
        except (OSError, AssertionError) as error:
            said[0] = str(error)
        return not said[0]

    try:
        wait_until(is_mended, f"{host} takes part again", MENDED_WITHIN_S, every_s=0.5)
    except AssertionError as error:
        raise AssertionError(f"{error}: {said[0]}") from error
    return time.monotonic() - began_s


def break_one(cluster: OwnCluster, fault: Fault, host: str, lasts_s: float) -> None:
    began_s = time.monotonic()
    with fault.on(cluster, host):
        cause = named(cluster, fault, host)
        named_s = time.monotonic() - began_s
        time.sleep(max(0.0, lasts_s - named_s))
    lasted_s = time.monotonic() - began_s
    mended_s = until_mended(cluster, host)
    print(
        f"{time.strftime('%X')} {host} {fault}: {lasted_s:.0f} s, named after {named_s:.1f} s, mended {mended_s:.1f} s"
    )
    print(f"         {cause}", flush=True)


@asynccontextmanager
async def histories(cluster: OwnCluster, chance: random.Random) -> AsyncIterator[Histories]:
    config = load_client_config(cluster.lab.name)
    async with AsyncExitStack() as stack:

        async def client(server: str) -> Client:
            return await stack.enter_async_context(Client(server, config.tls, user_agent="podlab-chaos"))

        pinned = [await client(server) for server in config.server.split(",")]
        floating = [await client(config.server) for _ in range(FLOATING)]
        yield Histories(pinned, floating, "chaos", random.Random(chance.random()))


async def chaos(cluster: OwnCluster, chance: random.Random) -> tuple[Histories, list[str], Counter[str]]:
    ends_s, done = time.monotonic() + MINUTES * 60, Counter[str]()
    async with histories(cluster, chance) as seen:
        async with seen.running():
            for number, fault in enumerate(plan(chance)):
                if number >= len(FAULTS) and time.monotonic() > ends_s:
                    break
                host, lasts_s = chance.choice(MASTERS), chance.uniform(*LASTS_S)
                await asyncio.to_thread(break_one, cluster, fault, host, lasts_s)
                done[str(fault)] += 1
        return seen, await seen.wrong(), done


def pods(cluster: OwnCluster) -> list[tuple[str, int]]:
    return [
        (each["metadata"]["uid"], each["status"]["containerStatuses"][0]["restartCount"])
        for each in cluster.cli.items("pods", "-l", "app=web")
    ]


def test_nothing_that_happens_to_one_master_is_seen_by_anybody_but_its_doctor(cluster: OwnCluster, web: str) -> None:
    assert broken(cluster) == []
    before, chance = pods(cluster), random.Random(SEED)
    print(f"PODLAB_CHAOS_SEED={SEED}, {MINUTES:.0f} minutes", flush=True)
    with Traffic([web]) as traffic:
        seen, wrong, done = asyncio.run(chaos(cluster, chance))
    print(dict(done), seen, sep="\n")
    assert not wrong, f"PODLAB_CHAOS_SEED={SEED}\n" + "\n".join(wrong[:20])
    assert seen.silent_s < SILENT_AT_MOST_S
    assert not traffic.failures, f"{len(traffic.failures)} of {len(traffic.answers)}: {traffic.failures[:5]}"
    assert pods(cluster) == before, "pods were left alone"
    cluster.cli("scale", "deployment/web", "--replicas=2")
    cluster.cli("rollout", "status", "deployment/web", timeout_s=120)
    assert broken(cluster) == []
