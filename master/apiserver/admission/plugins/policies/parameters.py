"""What a binding gives its policy to work with."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from master.apiserver.admission.plugins.policies.in_force import Policy, PolicyBinding
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ParamRef
from podlab.api import objects
from podlab.api.kinds import Kind
from podlab.api.selection import selectors


class Misconfigured(Exception):
    """A policy or a binding that cannot be asked."""


class Parameters:
    """Looks them up."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def given(self, policy: Policy, binding: PolicyBinding, namespace: str) -> Iterator[object]:
        """Each parameter, as JSON; None where the policy has none. `namespace` is that of the object. Raises
        Misconfigured."""
        spec = policy.spec
        if not spec.HasField("paramKind") or not binding.spec.HasField("paramRef"):
            yield None
            return
        named = spec.paramKind
        kind = self._cache.catalog.of_api_version(named.apiVersion, named.kind)
        if kind is None:
            told = f"failed to find resource referenced by paramKind: '{named.apiVersion}, Kind={named.kind}'"
            raise Misconfigured(f"failed to configure policy: {told}")
        reference = binding.spec.paramRef
        found = list(self._referenced(kind, reference, _scope(kind, reference, namespace)))
        if not found and reference.parameterNotFoundAction == "Deny":
            told = "no params found for policy binding with `Deny` parameterNotFoundAction"
            raise Misconfigured(f"failed to configure binding: {told}")
        yield from found

    def _referenced(self, kind: Kind, reference: ParamRef, namespace: str) -> Iterator[object]:
        if reference.name:
            entry = self._cache.get(kind, keys.object_key(kind, namespace, reference.name))
            if entry is not None:
                yield orjson.loads(entry.json_as(kind))
            return
        selector = selectors.from_message(reference.selector)
        prefix = keys.scope_prefix(kind, namespace)
        for key, entry in sorted(self._cache.window(kind).entries.items()):
            if key.startswith(prefix) and selector.matches(objects.metadata(entry.message()).labels):
                yield orjson.loads(entry.json_as(kind))


def _scope(kind: Kind, reference: ParamRef, namespace: str) -> str:
    """Where parameters are. Raises Misconfigured."""
    if not kind.namespaced:
        if reference.namespace:
            told = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
            raise Misconfigured(f"failed to configure binding: {told}")
        return ""
    if not reference.namespace and not namespace:
        told = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        raise Misconfigured(f"failed to configure binding: {told}")
    return reference.namespace or namespace
