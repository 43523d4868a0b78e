"""What one request of at most 3 MiB can cost: the largest answer, the longest hold of the event loop, the memory.

Requests are of many shapes, each as large as it may be, at every verb that takes a body. While one is answered, another
client asks for /livez again and again: the longest that it waits is the hold.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from apiserver import ApiServer, started

from podlab.api.serializer.weight import MOST

LARGEST = (3 << 20) - 1024
NAMESPACE = "/api/v1/namespaces/default"
JSON, MERGE, STRATEGIC, PATCH = (
    "application/json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
)
POLL_S = 0.002


@dataclass(frozen=True)
class Shape:
    """`fill` makes a body of `count` parts, each of so many bytes and such a weight (`serializer.weight`)."""

    name: str
    resource: str
    fill: Callable[[int], Any]
    part_bytes: int
    weight: int

    def counts(self) -> tuple[int, int]:
        """As much as a body may hold, and as much as is not refused for its weight alone."""
        most = LARGEST // self.part_bytes
        return most, min(most, (MOST - 1000) // self.weight)


def config_map(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", **more.pop("metadata", {})}, **more}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large"}, "spec": spec}


ONE = {"name": "a", "image": "a"}
SHAPES = [
    Shape("containers without image", "pods", lambda n: pod(containers=[{"name": "A"}] * n), 13, 6),
    Shape("containers alike", "pods", lambda n: pod(containers=[ONE] * n), 25, 6),
    Shape(
        "containers all right", "pods", lambda n: pod(containers=[{**ONE, "name": f"a{i}"} for i in range(n)]), 32, 12
    ),
    Shape("environment", "pods", lambda n: pod(containers=[{**ONE, "env": [{"name": "A"}] * n}]), 13, 6),
    Shape("volumes", "pods", lambda n: pod(containers=[ONE], volumes=[{}] * n), 3, 6),
    Shape("tolerations", "pods", lambda n: pod(containers=[ONE], tolerations=[{}] * n), 3, 6),
    Shape("owners", "configmaps", lambda n: config_map(metadata={"ownerReferences": [{}] * n}), 3, 6),
    Shape("finalizers", "configmaps", lambda n: config_map(metadata={"finalizers": [""] * n}), 3, 1),
    Shape("labels", "configmaps", lambda n: config_map(metadata={"labels": {f"_{i}": "_" for i in range(n)}}), 14, 1),
    Shape("data", "configmaps", lambda n: config_map(data={f"{i}": "" for i in range(n)}), 12, 1),
    Shape("bad data", "configmaps", lambda n: config_map(data={f"/{i}": "" for i in range(n)}), 13, 1),
    Shape("unknown fields", "configmaps", lambda n: config_map(**{f"x{i}": 1 for i in range(n)}), 12, 1),
    Shape("wrong types", "configmaps", lambda n: config_map(data={f"{i}": 1 for i in range(n)}), 11, 1),
    Shape("one long name", "configmaps", lambda n: config_map(metadata={"name": "A" * n}), 1, 1),
    Shape("one long label", "configmaps", lambda n: config_map(metadata={"labels": {"A" * n: "_"}}), 1, 1),
    Shape("ports", "services", lambda n: {"metadata": {"name": "large"}, "spec": {"ports": [{}] * n}}, 3, 6),
    Shape(
        "addresses", "endpoints", lambda n: {"metadata": {"name": "large"}, "subsets": [{"addresses": [{}] * n}]}, 3, 11
    ),
    Shape("nothing", "configmaps", lambda n: config_map(nothing=[[]] * n), 3, 2),
]


async def measure() -> None:
    """One line for each shape and verb."""
    async with started() as server:
        busy, other = await server.session(1), await server.session(1)
        for resource, body in (("configmaps", config_map()), ("pods", pod(containers=[ONE]))):
            body["metadata"]["name"] = "there"
            await _sent(busy, "POST", f"{NAMESPACE}/{resource}", JSON, json.dumps(body))
        for shape in SHAPES:
            largest, heaviest = shape.counts()
            path = f"{NAMESPACE}/{shape.resource}"
            await _report(
                server, busy, other, f"largest POST, {shape.name}", ("POST", path, JSON, _text(shape.fill(largest)))
            )
            whole = shape.fill(min(heaviest, largest - 20))
            await _report(server, busy, other, f"POST, {shape.name}", ("POST", path, JSON, _text(whole)))
            if shape.name != "one long name":
                whole["metadata"]["name"] = "there"
            for form in (JSON, MERGE, STRATEGIC):
                verb = "PUT" if form == JSON else "PATCH"
                title = f"{verb} {form.split('/')[1]}, {shape.name}"
                await _report(server, busy, other, title, (verb, f"{path}/there", form, _text(whole)))
            await _report(server, busy, other, f"DELETE, {shape.name}", ("DELETE", f"{path}/none", JSON, _text(whole)))
        operations = [{"op": "add", "path": "/data", "value": {}}] * (MOST // 15)
        await _report(
            server,
            busy,
            other,
            "PATCH operations",
            ("PATCH", f"{NAMESPACE}/configmaps/there", PATCH, _text(operations)),
        )
        print(f"memory at the end: {server.memory_mib():,.0f} MiB", flush=True)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


async def _sent(session: aiohttp.ClientSession, method: str, path: str, form: str, body: str) -> tuple[int, int, int]:
    """The code, and the bytes of the answer: of its head, and of its body."""
    limits = {"max_line_size": 1 << 20, "max_field_size": 1 << 26}
    async with session.request(method, path, data=body, headers={"Content-Type": form}, **limits) as answer:  # type: ignore[arg-type]
        head = sum(len(name) + len(value) for name, value in answer.raw_headers)
        return answer.status, head, len(await answer.read())


async def _report(
    server: ApiServer, busy: aiohttp.ClientSession, other: aiohttp.ClientSession, title: str, request: tuple[str, ...]
) -> None:
    asked = asyncio.create_task(_sent(busy, *request))
    begun, worst, most = time.perf_counter(), 0.0, 0.0
    while not asked.done():
        started_at = time.perf_counter()
        async with other.get("/livez") as answer:
            await answer.read()
        worst = max(worst, time.perf_counter() - started_at)
        most = max(most, server.process.memory_info().rss / (1 << 20))
        await asyncio.sleep(POLL_S)
    took = time.perf_counter() - begun
    try:
        code, head, size = asked.result()
    except (aiohttp.ClientError, ValueError) as error:
        print(f"{title:<60} {type(error).__name__} {str(error)[:60]}", flush=True)
        return
    print(
        f"{title:<60} {code} head {head:>8,} B body {size:>12,} B took {took * 1e3:7,.0f} ms "
        f"hold {worst * 1e3:7,.0f} ms memory {most:6,.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(measure())
