"""CronTabs: the custom kind of the tests, and how to wait until a server serves it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from podlab_testing.waiting import WITHIN_S

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRONTABS = "/apis/example.com/v1/namespaces/default/crontabs"
MERGE = {"Content-Type": "application/merge-patch+json"}

SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "image": {"type": "string", "default": "busybox"},
        "replicas": {"type": "integer", "minimum": 0, "maximum": 10},
        "config": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "when": {"type": "string", "format": "date-time"},
    },
}
STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {"replicas": {"type": "integer"}, "labelSelector": {"type": "string"}},
}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
VERSION: dict[str, Any] = {
    "name": "v1",
    "served": True,
    "storage": True,
    "schema": {"openAPIV3Schema": SCHEMA},
    "subresources": {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.labelSelector",
        },
    },
    "additionalPrinterColumns": [
        {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec", "description": "When it runs"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ],
    "selectableFields": [{"jsonPath": ".spec.image"}],
}


def definition(plural: str = "crontabs", kind: str = "CronTab", **spec: Any) -> dict[str, Any]:
    """One of the group example.com; `spec` goes before what it has otherwise."""
    names = {"plural": plural, "kind": kind, "shortNames": ["ct"] if plural == "crontabs" else []}
    wanted = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [VERSION], **spec}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{wanted['group']}"},
        "spec": wanted,
    }


def crontab(name: str = "my", **more: Any) -> dict[str, Any]:
    """A small one."""
    spec = {"cronSpec": "* * * * */5", "replicas": 1}
    return {"apiVersion": "example.com/v1", "kind": "CronTab", "metadata": {"name": name}, "spec": spec, **more}


@dataclass(frozen=True, slots=True)
class Rest:
    """A session that speaks JSON."""

    http: aiohttp.ClientSession

    async def __call__(
        self, method: str, path: str, body: Any = None, *, code: int | None = None, **headers: str
    ) -> dict[str, Any]:
        """The answer, which must have the code; any that is no error when none is said."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, json=body, headers=named) as answer:
            found: dict[str, Any] = await answer.json()
            is_right = answer.status < 400 if code is None else answer.status == code
            assert is_right, (answer.status, found)
            return found

    async def patch(self, path: str, patch: Any, *, code: int | None = None) -> dict[str, Any]:
        """A merge patch."""
        return await self("PATCH", path, patch, code=code, Content_Type="application/merge-patch+json")

    async def define(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Create the definition, and return it as it is once it is established."""
        made = await self("POST", DEFINITIONS, wanted, code=201)
        return await self.condition(made["metadata"]["name"], "Established", "True")

    async def condition(self, name: str, condition: str, status: str) -> dict[str, Any]:
        """The definition, once it has the condition."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = await self("GET", f"{DEFINITIONS}/{name}")
                told = {one["type"]: one["status"] for one in found["status"]["conditions"] or ()}
                if told.get(condition) == status:
                    return found
                await asyncio.sleep(0.02)

    async def gone(self, path: str) -> None:
        """Returns once there is nothing."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with self.http.get(path) as answer:
                    if answer.status == 404:
                        return
                await asyncio.sleep(0.02)
