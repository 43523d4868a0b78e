"""OpenAPI documents tell of custom kinds as soon as these are served, and of their changes."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

from podlab_testing.custom_kinds import DEFINITIONS, VERSION, WITHIN_S, Rest

from podlab.foreign.openapi.v2 import openapi_pb2

NAME = f"{DEFINITIONS}/crontabs.example.com"
PLACE = "apis/example.com/v1"
MODEL = "com.example.v1.CronTab"
V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


async def document(rest: Rest, *, described: str) -> dict[str, Any]:
    """The document of the kind's group and version, once it has these words."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            places = (await rest("GET", "/openapi/v3"))["paths"]
            if PLACE in places:
                found = await rest("GET", places[PLACE]["serverRelativeURL"])
                if found["components"]["schemas"][MODEL].get("description", "") == described:
                    return found
            await asyncio.sleep(0.02)


def described(text: str) -> dict[str, Any]:
    version = deepcopy(VERSION)
    version["schema"]["openAPIV3Schema"]["description"] = text
    return {"spec": {"versions": [version]}}


async def test_a_document_tells_of_the_kind(crontabs: Rest) -> None:
    found = await document(crontabs, described="")
    model = found["components"]["schemas"][MODEL]
    assert model["properties"]["spec"] == VERSION["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert {"apiVersion", "kind", "metadata"} <= model["properties"].keys()
    assert model["x-kubernetes-group-version-kind"] == [{"group": "example.com", "version": "v1", "kind": "CronTab"}]
    assert f"{MODEL}List" in found["components"]["schemas"]
    paths = {path.removeprefix(f"/{PLACE}/namespaces/{{namespace}}/crontabs/{{name}}") for path in found["paths"]}
    assert {"", "/status", "/scale"} <= paths


async def test_a_document_tells_of_changes(crontabs: Rest) -> None:
    await document(crontabs, described="")
    before = (await crontabs("GET", "/openapi/v3"))["paths"]
    await crontabs.patch(NAME, described("When something runs."))
    await document(crontabs, described="When something runs.")
    after = (await crontabs("GET", "/openapi/v3"))["paths"]
    assert {place for place in after if before[place] != after[place]} == {PLACE}


async def test_v2_tells_of_the_kind_in_both_forms(crontabs: Rest) -> None:
    await document(crontabs, described="")
    definitions = (await crontabs("GET", "/openapi/v2"))["definitions"]
    assert definitions[MODEL]["properties"]["spec"]["properties"]["config"] == {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
    }
    async with crontabs.http.get("/openapi/v2", headers={"Accept": V2_PROTOBUF}) as answer:
        told = openapi_pb2.Document.FromString(await answer.read())
    assert MODEL in {one.name for one in told.definitions.additional_properties}
