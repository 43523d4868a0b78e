"""A user who asks for more than there is does not take it from others.

What others wait is compared with what the greedy user waits, so that it holds on a busy machine as well.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from podlab_testing.cluster import Cluster
from podlab_testing.http_clients import SessionOf

MAPS = "/api/v1/namespaces/default/configmaps"
CONNECTIONS = 500
GREEDY_S = 1.5
JSON, MERGE = ({"Content-Type": f"application/{form}"} for form in ("json", "merge-patch+json"))


async def test_a_greedy_user_holds_up_neither_others_nor_the_cluster(
    cluster: Cluster, base: str, session_of: SessionOf
) -> None:
    http = session_of("kubernetes-admin")
    await everybody_may_edit(http)
    tls = cluster.authority.tls("greedy")
    command = [Path(__file__).with_name("greedy.py"), base, tls.ca, tls.cert, tls.key, CONNECTIONS, GREEDY_S]
    pipe = asyncio.subprocess.PIPE
    greedy = await asyncio.create_subprocess_exec(sys.executable, *map(str, command), stdin=pipe, stdout=pipe)
    assert await greedy.stdout.readline() == b"ready\n"
    jane, node = session_of("jane"), session_of("system:node:n1")
    ended = asyncio.create_task(greedy.communicate(b"begin\n"))
    others = await asyncio.gather(
        seconds_of(jane, f"{MAPS}/none", ended),
        seconds_of(node, "/api/v1/nodes/n1", ended),
        seconds_of(http, MAPS, ended),
    )
    told = json.loads((await ended)[0])
    assert (told["codes"]["429"] > 0, told["retry_after"]) == (True, ["1"])
    served = told["served"]
    for took in others:
        assert part(took, 0.5) < part(served, 0.5) / 10
        assert part(took, 0.9) < part(served, 0.5) / 2
        assert part(took, 0.99) < part(served, 0.99), "not even the first rush"


async def everybody_may_edit(http: aiohttp.ClientSession) -> None:
    binding = {
        "metadata": {"name": "everybody"},
        "roleRef": {"kind": "ClusterRole", "name": "edit", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "User", "name": name} for name in ("greedy", "jane")],
    }
    async with http.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", json=binding) as response:
        assert response.status == 201


def part(seconds: list[float], share: float) -> float:
    """What that share of them does not exceed."""
    return sorted(seconds)[int(len(seconds) * share)]


async def seconds_of(session: aiohttp.ClientSession, path: str, until: asyncio.Task[Any]) -> list[float]:
    """How long each request takes, one after the other."""
    took = []
    while not until.done():
        started = time.perf_counter()
        async with session.get(path) as response:
            await response.read()
            assert response.status in (200, 404)
        took.append(time.perf_counter() - started)
    return took


async def test_who_fills_the_disk_by_small_patches_of_a_large_object_is_held_back_alone(
    cluster: Cluster, session_of: SessionOf
) -> None:
    http, greedy, jane = map(session_of, ("kubernetes-admin", "greedy", "jane"))
    await everybody_may_edit(http)
    large = {"metadata": {"name": "large"}, "data": {"x": "x" * (1 << 20)}}
    async with greedy.post(MAPS, data=io.BytesIO(json.dumps(large).encode()), headers=JSON) as response:
        assert response.status == 201
    for number in range(400):
        patch = json.dumps({"metadata": {"labels": {"a": str(number)}}})
        async with greedy.patch(f"{MAPS}/large", data=patch, headers=MERGE) as response:
            if response.status != 200:
                break
    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    assert number > 30
    async with jane.patch(f"{MAPS}/large", data=patch, headers=MERGE) as response:
        assert response.status == 200


FLOWS = "/apis/flowcontrol.apiserver.k8s.io/v1"
SCHEMA_UID, LEVEL_UID = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"


async def made(http: aiohttp.ClientSession, plural: str, spec: dict[str, Any]) -> str:
    """The UID of the object "mine"."""
    async with http.post(f"{FLOWS}/{plural}", json={"metadata": {"name": "mine"}, "spec": spec}) as response:
        assert response.status == 201, await response.text()
        return str((await response.json())["metadata"]["uid"])


async def test_flow_schemas_and_priority_levels_are_obeyed(session_of: SessionOf) -> None:
    http, jane = map(session_of, ("kubernetes-admin", "jane"))
    await everybody_may_edit(http)
    limited = {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}
    level = await made(http, "prioritylevelconfigurations", {"type": "Limited", "limited": limited})
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "jane"}}],
        "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "namespaces": ["*"]}],
    }
    spec = {"priorityLevelConfiguration": {"name": "mine"}, "matchingPrecedence": 1000, "rules": [rule]}
    schema = await made(http, "flowschemas", spec)
    async with jane.get(f"{MAPS}/none") as response:
        assert response.status == 404
        assert (response.headers[SCHEMA_UID], response.headers[LEVEL_UID]) == (schema, level)
    async with jane.get(MAPS) as response:  # the schema is about single ones
        assert (response.status, response.headers[SCHEMA_UID] == schema) == (200, False)
    limited["nominalConcurrencyShares"] = 0
    level_path = f"{FLOWS}/prioritylevelconfigurations/mine"
    async with http.patch(level_path, data=json.dumps({"spec": {"limited": limited}}), headers=MERGE) as response:
        assert response.status == 200
    async with jane.get(f"{MAPS}/none") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "1")
    async with http.get("/metrics") as response:
        refused = 'flow_schema="mine",priority_level="mine",reason="concurrency-limit"'
        assert f"apiserver_flowcontrol_rejected_requests_total{{{refused}}} 1.0" in await response.text()
    async with http.delete(level_path) as response:
        assert response.status == 200
    async with jane.get(f"{MAPS}/none") as response:  # a schema whose level is gone does not count
        assert (response.status, response.headers[SCHEMA_UID] == schema) == (404, False)
