"""What kubectl does with kinds whose schemas are strict, open, or none, as Kubernetes' conformance tests try it.

https://github.com/kubernetes/kubernetes/blob/master/test/e2e/apimachinery/crd_publish_openapi.go
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab, definition
from podlab_testing.kubectl import Kubectl
from podlab_testing.waiting import WITHIN_S

BARS = {
    "type": "array",
    "description": "List of Bars and their specs.",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "description": "Name of Bar."},
            "age": {"type": "string", "description": "Age of Bar."},
            "feeling": {"type": "string", "description": "Whether Bar is feeling great.", "enum": ["Great", "Down"]},
        },
    },
}
STRICT = {
    "type": "object",
    "description": "Foo CRD for Testing",
    "properties": {
        "spec": {
            "type": "object",
            "description": "Specification of Foo",
            "properties": {"bars": BARS},
        },
        "status": {"type": "object", "description": "Status of Foo"},
    },
}
OPEN_ROOT = {
    "type": "object",
    "description": "preserve-unknown-properties at root for Testing",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {"spec": {"type": "object", "description": "Specification of Waldo"}},
}
OPEN_BELOW = {
    "type": "object",
    "description": "preserve-unknown-properties in nested field for Testing",
    "properties": {
        "spec": {
            "type": "object",
            "description": "Specification of Waldo",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        }
    },
}
NONE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
GREAT = {"bars": [{"name": "one", "feeling": "Great"}]}
INNER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inner"}, "any": [1]}


def foo(spec: Any, **more: Any) -> str:
    kind = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "test-foo"}}
    return json.dumps({**kind, "spec": spec, **more})


async def defined(http: aiohttp.ClientSession, schema: dict[str, Any]) -> None:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    await Rest(http).define(definition("foos", "Foo", versions=[version]))


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        pytest.param(
            STRICT,
            [foo(GREAT)],
            {
                foo({"bars": [{"name": "one", "feeling": "Meh"}]}): "Unsupported value",
                foo({"foo": True}): 'unknown field "spec.foo"',
                foo({"bars": [{"age": "10"}]}): "spec.bars[0].name: Required value",
            },
            id="a schema",
        ),
        pytest.param(OPEN_ROOT, [foo({}, a={"b": [{"c": "d"}]})], {}, id="open at the root"),
        pytest.param(
            OPEN_BELOW,
            [foo(INNER)],
            {foo(INNER, other=1): 'unknown field "other"'},
            id="open below",
        ),
        pytest.param(NONE, [foo({"any": ["thing"]}), foo("x")], {}, id="no schema"),
    ],
)
async def test_good_objects_are_made_and_bad_ones_refused_by_name(
    http: aiohttp.ClientSession, kubectl: Kubectl, schema: dict[str, Any], good: list[str], bad: dict[str, str]
) -> None:
    await defined(http, schema)
    for text in good:
        for command in ("create", "delete", "apply", "delete"):
            await asyncio.to_thread(kubectl, command, "-f", "-", stdin=text)
    for text, told in bad.items():
        for command in ("create", "apply"):
            done = await asyncio.to_thread(kubectl, command, "-f", "-", stdin=text, check=False)
            assert (done.returncode, told in done.stderr) == (1, True), done


@pytest.mark.parametrize(
    ("schema", "path", "told"),
    [
        (STRICT, "foos", ("Foo CRD for Testing", "Specification of Foo", "apiVersion", "metadata")),
        (STRICT, "foos.metadata", ("FIELDS:", "creationTimestamp", "uid")),
        (STRICT, "foos.spec", ("List of Bars and their specs.", "bars\t<[]Object>")),
        (STRICT, "foos.spec.bars", ("age\t<string>", "Name of Bar.", "-required-", "enum: Great, Down")),
        (OPEN_ROOT, "foos", ("preserve-unknown-properties at root for Testing",)),
        (OPEN_BELOW, "foos", ("preserve-unknown-properties in nested field for Testing",)),
        (NONE, "foos", ("<empty>",)),
    ],
)
async def test_kinds_are_explained(
    http: aiohttp.ClientSession, kubectl: Kubectl, schema: dict[str, Any], path: str, told: tuple[str, ...]
) -> None:
    await defined(http, schema)
    async with asyncio.timeout(WITHIN_S):
        while True:
            done = await asyncio.to_thread(kubectl, "explain", path, check=False)
            if done.returncode == 0:
                break
            await asyncio.sleep(0.2)
    assert [one for one in told if one not in done.stdout] == []
    missing = await asyncio.to_thread(kubectl, "explain", "foos.spec.missing", check=False)
    assert (missing.returncode, "does not exist" in missing.stderr) == (1, True)


async def test_a_subresource_is_printed(http: aiohttp.ClientSession, kubectl: Kubectl) -> None:
    rest = Rest(http)
    await rest.define(definition())
    await rest("POST", CRONTABS, crontab(), code=201)
    for subresource, header, row in (
        ("scale", ["NAME", "DESIRED", "AVAILABLE", "AGE"], ["my", "1", "0"]),
        ("status", ["NAME", "SPEC", "REPLICAS", "AGE"], ["my", "*", "*", "*", "*", "*/5", "1"]),
    ):
        done = await asyncio.to_thread(kubectl, "get", "ct", "my", f"--subresource={subresource}")
        first, second = done.stdout.splitlines()
        assert (first.split(), second.split()[: len(row)]) == (header, row)
