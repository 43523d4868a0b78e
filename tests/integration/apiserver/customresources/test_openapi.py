"""OpenAPI documents tell of custom kinds as soon as these are served, and of their changes."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

from podlab_testing.custom_kinds import DEFINITIONS, VERSION, WITHIN_S, Rest, definition

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


def model(group: str, version: str, kind: str) -> str:
    """What a document calls it."""
    return ".".join((*reversed(group.split(".")), version, kind))


async def published(rest: Rest, wanted: dict[str, bool]) -> dict[str, Any]:
    """The definitions of v2 once they have these models, and have not those."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found: dict[str, Any] = (await rest("GET", "/openapi/v2"))["definitions"]
            if all((name in found) is there for name, there in wanted.items()):
                return found
            await asyncio.sleep(0.02)


def version_of(name: str, *, stored: bool = False, served: bool = True) -> dict[str, Any]:
    return {**deepcopy(VERSION), "name": name, "storage": stored, "served": served}


async def test_kinds_of_several_groups_versions_and_names_stand_side_by_side(rest: Rest) -> None:
    """Groups that differ, versions of one group in two definitions, kinds of one group and version."""
    wanted = [
        ("first.example.com", "v1", "foos", "Foo"),
        ("second.example.com", "v1", "waldos", "Waldo"),
        ("shared.example.com", "v2", "foos", "Foo"),
        ("shared.example.com", "v3", "waldos", "Waldo"),
        ("shared.example.com", "v2", "bars", "Bar"),
    ]
    for group, version, plural, kind in wanted:
        made = definition(plural, kind, group=group, versions=[version_of(version, stored=True)])
        await rest.define(made)
    names = [model(group, version, kind) for group, version, _, kind in wanted]
    found = await published(rest, dict.fromkeys(names, True))
    for name, (group, version, _, kind) in zip(names, wanted, strict=True):
        assert found[name]["x-kubernetes-group-version-kind"] == [{"group": group, "version": version, "kind": kind}]


async def test_a_version_that_gets_another_name_is_told_of_by_that_one(rest: Rest) -> None:
    of_first = [version_of("v2", stored=True), version_of("v3")]
    await rest.define(definition(versions=of_first))
    before = await published(rest, {model("example.com", "v2", "CronTab"): True})
    of_first[1]["name"] = "v4"
    await rest.patch(NAME, {"spec": {"versions": of_first}})
    v2, v3, v4 = (model("example.com", version, "CronTab") for version in ("v2", "v3", "v4"))
    after = await published(rest, {v4: True, v3: False})
    assert after[v2] == before[v2]
    assert "apis/example.com/v3" not in (await rest("GET", "/openapi/v3"))["paths"]


async def test_a_version_that_is_served_no_more_is_told_of_no_more(rest: Rest) -> None:
    versions = [version_of("v5", stored=True), version_of("v6alpha1")]
    await rest.define(definition(versions=versions))
    v5, v6 = (model("example.com", version, "CronTab") for version in ("v5", "v6alpha1"))
    before = await published(rest, {v5: True, v6: True})
    versions[1]["served"] = False
    await rest.patch(NAME, {"spec": {"versions": versions}})
    after = await published(rest, {v5: True, v6: False})
    assert after[v5] == before[v5]


async def test_what_a_schema_leaves_open_is_told_as_open(rest: Rest) -> None:
    """No schema but that of anything; unknown fields at the root; in an object within."""
    open_root = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    embedded = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-embedded-resource": True, **open_root}},
    }
    for plural, kind, of in (("roots", "Root", open_root), ("nests", "Nest", embedded)):
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": of}}
        await rest.define(definition(plural, kind, versions=[version]))
    root, nest = (model("example.com", "v1", kind) for kind in ("Root", "Nest"))
    found = await published(rest, {root: True, nest: True})
    assert found[root]["x-kubernetes-preserve-unknown-fields"] is True
    assert found[nest]["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] is True
