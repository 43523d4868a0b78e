"""One small request does not cost a lot: not memory, not a large answer, not everybody's time."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
import pytest

from podlab.api.serializer.weight import MOST
from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import Invalid, RequestTooLarge

NAMESPACE = "/api/v1/namespaces/default"
ANSWER_BYTES = 256 << 10


def body(kind: str, **parts: Any) -> dict[str, Any]:
    metadata = {"name": "large", **parts.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **parts}


def owners(count: int) -> dict[str, Any]:
    return body("ConfigMap", metadata={"ownerReferences": [{}] * count})


def containers(count: int) -> dict[str, Any]:
    return body("Pod", spec={"containers": [{"name": "A"}] * count})


def unknown(count: int) -> dict[str, Any]:
    return body("ConfigMap", **{f"field{number}": 1 for number in range(count)})


async def sent(http: aiohttp.ClientSession, method: str, path: str, said: Any, form: str = "application/json") -> Any:
    data = json.dumps(said, separators=(",", ":"))
    async with http.request(
        method, f"{NAMESPACE}/{path}", data=io.BytesIO(data.encode()), headers={"Content-Type": form}
    ) as answer:
        text = await answer.read()
        assert len(text) < ANSWER_BYTES
        assert sum(len(name) + len(value) for name, value in answer.raw_headers) < 8 << 10
        return answer.status, json.loads(text), answer.headers.getall("Warning", [])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("configmaps", owners(700_000)),
        ("pods", containers(180_000)),
        ("configmaps", body("ConfigMap", data={str(number): "" for number in range(200_000)})),
    ],
)
async def test_what_is_made_of_too_much_is_refused_before_it_is_read(
    http: aiohttp.ClientSession, path: str, said: Any
) -> None:
    code, status, _ = await sent(http, "POST", path, said)
    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
    assert f"more than {MOST} values" in status["message"]
    code, _, _ = await sent(http, "PATCH", f"{path}/x", said, "application/merge-patch+json")
    assert code == 413


@pytest.mark.parametrize(("path", "said"), [("configmaps", owners(2_000)), ("pods", containers(2_000))])
async def test_of_many_faults_the_first_are_told_and_how_many_there_are_besides(
    http: aiohttp.ClientSession, path: str, said: Any
) -> None:
    code, status, _ = await sent(http, "POST", path, said)
    causes = status["details"]["causes"]
    assert (code, len(causes)) == (422, 101)
    assert causes[-1]["message"].startswith("and ")
    assert causes[-1]["message"].endswith(" more")


async def test_of_many_unknown_fields_a_client_is_warned_within_what_it_reads(http: aiohttp.ClientSession) -> None:
    code, _, warnings = await sent(http, "POST", "configmaps", unknown(20_000))
    assert code == 201
    assert warnings[0] == '299 - "unknown field \\"field0\\""'
    assert sum(map(len, warnings)) < 6 << 10
    code, status, _ = await sent(http, "PUT", "configmaps/large?fieldValidation=Strict", unknown(20_000))
    assert code == 400
    assert 'unknown field "field99"' in status["message"]
    assert 'unknown field "field100"' not in status["message"]


async def test_what_comes_over_grpc_is_bounded_too(admin: Client) -> None:
    large = config_pb2.ConfigMap()
    large.metadata.name, large.metadata.namespace = "large", "default"
    for _ in range(2_000):
        large.metadata.ownerReferences.add()
    with pytest.raises(Invalid) as told:
        await admin.create(large)
    assert len(told.value.causes) <= 101
    for _ in range(20_000):
        large.metadata.ownerReferences.add()
    with pytest.raises(RequestTooLarge):
        await admin.create(large)
