"""Makes tokens of service accounts, as TokenRequest asks for them. Rules and words are Kubernetes'."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.message import Message

from master.apiserver.authentication import jwt
from master.apiserver.authentication.claims import Claims, Reference
from master.apiserver.authentication.jwt import Keys
from master.apiserver.authentication.user import User
from master.apiserver.authorization.node import node_of
from master.apiserver.registry.registry import Registry
from podlab.api import kinds
from podlab.api.objects import metadata
from podlab.authentication.v1 import token_pb2
from podlab.core.v1 import pod_pb2
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import BadRequest, Cause, Conflict, Forbidden, Invalid, NotFound
from podlab.meta.v1 import meta_pb2

DEFAULT_S, MIN_S, MAX_S = 3600, 600, 1 << 32
# Tokens that pods get unasked say they live for so long, and do for a year, as in Kubernetes: not every program reads
# its file again. They die with their pod all the same, and the kubelet replaces them as they say.
UNASKED_S, EXTENDED_S = 3607, 365 * 24 * 3600
_BOUND: Mapping[str, type[Message]] = {"Pod": pod_pb2.Pod, "Secret": Secret, "Node": Node}


@dataclass(frozen=True, slots=True)
class _Bound:
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None


class Issuer:
    """`name` is the issuer in its tokens, and the audience that stands for this server."""

    def __init__(self, name: str, keys: Keys, registry: Registry, clock: Callable[[], float]) -> None:
        self._name = name
        self._keys = keys
        self._registry = registry
        self._clock = clock

    async def issue(
        self, user: User, namespace: str, name: str, spec: token_pb2.TokenRequestSpec
    ) -> token_pb2.TokenRequestStatus:
        """A token of the account; fills in the defaults of `spec`. Raises NotFound, Invalid, BadRequest, Conflict."""
        account = await self._metadata(ServiceAccount, namespace, name)
        if not spec.audiences:
            spec.audiences.append(self._name)
        if not spec.HasField("expirationSeconds"):
            spec.expirationSeconds = DEFAULT_S
        if causes := _faults(spec):
            raise Invalid.of("TokenRequest.authentication.k8s.io", name, causes)
        bound = await self._bound(user, namespace, name, spec)
        now = int(self._clock())
        extended = bound.pod is not None and spec.expirationSeconds == UNASKED_S and self._name in spec.audiences
        made = Claims(
            issuer=self._name,
            audiences=tuple(spec.audiences),
            namespace=namespace,
            account=Reference(name, account.uid),
            issued_at=now,
            expires=now + (EXTENDED_S if extended else spec.expirationSeconds),
            id=str(uuid.uuid4()),
            pod=bound.pod,
            secret=bound.secret,
            node=bound.node,
            warn_after=now + UNASKED_S if extended else None,
        )
        return token_pb2.TokenRequestStatus(
            token=jwt.sign(made.to_data(), self._keys),
            expirationTimestamp=meta_pb2.Time(seconds=now + spec.expirationSeconds),
        )

    async def _bound(self, user: User, namespace: str, account: str, spec: token_pb2.TokenRequestSpec) -> _Bound:
        node_name = node_of(user)
        if not spec.HasField("boundObjectRef"):
            if node_name:
                raise _not_of_the_node(account, node_name)
            return _Bound()
        reference = spec.boundObjectRef
        if reference.kind not in _BOUND or reference.apiVersion not in ("", "v1"):
            named = f"{reference.apiVersion or 'v1'}, Kind={reference.kind}"
            raise BadRequest(f"cannot bind token to object of type {named}")
        if node_name and reference.kind != "Pod":
            raise _not_of_the_node(account, node_name)
        kind = kinds.of(_BOUND[reference.kind])
        found: Any = (await self._registry.get(kind, namespace if kind.namespaced else "", reference.name)).message()
        if reference.uid and reference.uid != found.metadata.uid:
            raise Conflict.of(
                kind.resource,
                reference.name,
                f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. The object "
                "might have been deleted and then recreated",
            )
        at = Reference(reference.name, found.metadata.uid)
        if reference.kind == "Secret":
            return _Bound(secret=at)
        if reference.kind == "Node":
            return _Bound(node=at)
        return await self._bound_to_pod(account, node_name, cast("pod_pb2.Pod", found), at)

    async def _bound_to_pod(self, account: str, node_name: str, pod: pod_pb2.Pod, at: Reference) -> _Bound:
        if pod.spec.serviceAccountName != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        if node_name and pod.spec.nodeName != node_name:
            raise _not_of_the_node(account, node_name)
        if not pod.spec.nodeName:
            return _Bound(pod=at)
        try:
            node = await self._metadata(Node, "", pod.spec.nodeName)
        except NotFound:
            return _Bound(pod=at, node=Reference(pod.spec.nodeName, ""))
        return _Bound(pod=at, node=Reference(node.name, node.uid))

    async def _metadata(self, of: type[Message], namespace: str, name: str) -> meta_pb2.ObjectMeta:
        return metadata((await self._registry.get(kinds.of(of), namespace, name)).message())


def _faults(spec: token_pb2.TokenRequestSpec) -> list[Cause]:
    seconds, rule = spec.expirationSeconds, ""
    if seconds < MIN_S:
        rule = "may not specify a duration less than 10 minutes"
    elif seconds > MAX_S:
        rule = "may not specify a duration larger than 2^32 seconds"
    return [Cause("spec.expirationSeconds", "FieldValueInvalid", f"Invalid value: {seconds}: {rule}")] if rule else []


def _not_of_the_node(account: str, node: str) -> Forbidden:
    return Forbidden(
        f'serviceaccounts "{account}" is forbidden: node "{node}" can only request tokens that are bound to pods '
        "which run on it",
        kind="serviceaccounts",
        name=account,
    )
