"""Admission policies over REST, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

API = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
CONFIG_MAPS = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["configmaps"],
}
Object = Mapping[str, Any]


def config_map(name: str, labels: Mapping[str, str] | None = None, **data: str) -> Object:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def _match(name: str, rules: Object, *, of_all: bool) -> Object:
    selector = {} if of_all else {"matchLabels": {"judged": name}}
    return {"resourceRules": [rules], "objectSelector": selector}


def _mutation(expression: str) -> Object:
    if expression.startswith("["):
        return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


class Policies:
    """Makes policies with bindings, about objects with the label `judged: NAME` or others, and removes them."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._made: list[str] = []

    async def put_in_force(
        self,
        name: str,
        spec: Object,
        binding: Object | None = None,
        *,
        rules: Object = CONFIG_MAPS,
        of_all: bool = False,
    ) -> None:
        """Validating ones."""
        await self._make(
            "validatingadmissionpolicies", name, {"matchConstraints": _match(name, rules, of_all=of_all), **spec}
        )
        await self.bind(name, {"policyName": name, "validationActions": ["Deny"], **(binding or {})})

    async def change(
        self,
        name: str,
        *mutations: str,
        binding: Object | None = None,
        rules: Object = CONFIG_MAPS,
        of_all: bool = False,
        **spec: object,
    ) -> None:
        """Mutating ones: each mutation is an expression, of a list where it begins with a bracket."""
        made = {
            "matchConstraints": _match(name, rules, of_all=of_all),
            "mutations": [_mutation(one) for one in mutations],
            "reinvocationPolicy": "Never",
            **spec,
        }
        await self._make("mutatingadmissionpolicies", name, made)
        await self._make("mutatingadmissionpolicybindings", name, {"policyName": name, **(binding or {})})

    async def bind(self, name: str, spec: Object) -> None:
        """Another binding of a validating policy."""
        await self._make("validatingadmissionpolicybindings", name, spec)

    async def _make(self, plural: str, name: str, spec: Object) -> None:
        body = {"metadata": {"name": name}, "spec": spec}
        async with self._http.post(f"{API}/{plural}", json=body) as response:
            assert response.status == 201, await response.text()
        self._made.append(f"{API}/{plural}/{name}")

    async def remove(self) -> None:
        """All that were made."""
        while self._made:
            path = self._made.pop()
            async with self._http.delete(path) as response:
                assert response.status == 200


async def sent(
    http: aiohttp.ClientSession, method: str, path: str, body: Object | None = None
) -> tuple[int, Any, list[str]]:
    """The status, the answer, and what it warns of."""
    async with http.request(method, path, json=body) as response:
        return response.status, await response.json(), response.headers.getall("Warning", [])
