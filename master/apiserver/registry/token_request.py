"""Makes tokens of service accounts, as TokenRequest asks for them. Rules and words are Kubernetes'."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.admission.write import Operation, Write, WriteContext
from master.apiserver.authentication import jwt
from master.apiserver.authentication.claims import Claims, Reference
from master.apiserver.authentication.jwt import Keys
from master.apiserver.registry.registry import Registry
from podlab.api import kinds
from podlab.api.objects import metadata, typed
from podlab.authentication.v1 import token_pb2
from podlab.core.v1 import pod_pb2
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.errors import BadRequest, Conflict, NotFound
from podlab.kinds.subresource import TOKEN
from podlab.meta.v1 import meta_pb2

DEFAULT_S = 3600
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

    def __init__(self, name: str, keys: Callable[[], Keys], registry: Registry, clock: Callable[[], float]) -> None:
        self._name = name
        self._keys = keys
        self._registry = registry
        self._clock = clock

    async def issue(self, context: WriteContext, request: token_pb2.TokenRequest) -> token_pb2.TokenRequest:
        """The request with the token of the account that it is of in name and namespace, and with its defaults; a dry
        run makes no token. Raises NotFound, Invalid, BadRequest, Conflict, Forbidden."""
        if not request.spec.HasField("expirationSeconds"):
            request.spec.expirationSeconds = DEFAULT_S
        request.metadata.creationTimestamp.seconds = int(self._clock())
        request.ClearField("status")
        written = await self._registry.write(_write(context, request))
        answer = typed(written.new, token_pb2.TokenRequest)
        if not answer.spec.audiences:
            answer.spec.audiences.append(self._name)
        account = metadata(written.entry.message())
        answer.status.CopyFrom(await self._status(account, answer.spec, context))
        return answer

    async def _status(
        self, account: meta_pb2.ObjectMeta, spec: token_pb2.TokenRequestSpec, context: WriteContext
    ) -> token_pb2.TokenRequestStatus:
        namespace, name = account.namespace, account.name
        bound = await self._bound(namespace, name, spec)
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
            token="" if context.dry_run else jwt.sign(made.to_data(), self._keys()),
            expirationTimestamp=meta_pb2.Time(seconds=now + spec.expirationSeconds),
        )

    async def _bound(self, namespace: str, account: str, spec: token_pb2.TokenRequestSpec) -> _Bound:
        if not spec.HasField("boundObjectRef"):
            return _Bound()
        reference = spec.boundObjectRef
        if reference.kind not in _BOUND or reference.apiVersion not in ("", "v1"):
            named = f"{reference.apiVersion or 'v1'}, Kind={reference.kind}"
            raise BadRequest(f"cannot bind token to object of type {named}")
        kind = kinds.of(_BOUND[reference.kind])
        found = (await self._registry.get(kind, namespace if kind.namespaced else "", reference.name)).message()
        uid = metadata(found).uid
        if reference.uid and reference.uid != uid:
            raise Conflict.of(
                kind.resource,
                reference.name,
                f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. The object "
                "might have been deleted and then recreated",
            )
        at = Reference(reference.name, uid)
        if isinstance(found, pod_pb2.Pod):
            return await self._bound_to_pod(account, found, at)
        return _Bound(secret=at) if reference.kind == "Secret" else _Bound(node=at)

    async def _bound_to_pod(self, account: str, pod: pod_pb2.Pod, at: Reference) -> _Bound:
        if pod.spec.serviceAccountName != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        if not pod.spec.nodeName:
            return _Bound(pod=at)
        try:
            node = metadata((await self._registry.get(kinds.of(Node), "", pod.spec.nodeName)).message())
        except NotFound:
            return _Bound(pod=at, node=Reference(pod.spec.nodeName, ""))
        return _Bound(pod=at, node=Reference(node.name, node.uid))


def _write(context: WriteContext, request: token_pb2.TokenRequest) -> Write:
    """What asks for the token: nothing of the account changes."""
    return Write(
        context,
        Operation.CREATE,
        kinds.of(ServiceAccount),
        namespace=request.metadata.namespace,
        name=request.metadata.name,
        subresource=TOKEN.name,
        sent=request,
    )
