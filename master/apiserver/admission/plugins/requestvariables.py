"""What expressions about requests see: the variables of policies, and of webhooks' conditions."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from master.apiserver.admission.options import options_of
from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.rules.matching import AdmissionTarget
from master.apiserver.admission.seen import SeenWrite
from master.apiserver.authentication.claims import USER_PREFIX
from master.apiserver.authentication.user import AUTHENTICATED, User
from master.apiserver.authorization import Attributes, Authorizer
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.cel.admission import expressions as names
from podlab.cel.libraries.authorization import AuthorizerDecision, AuthorizerValue, Check, ResourceCheck
from podlab.cel.times import parse_instant
from podlab.core.v1.namespace_pb2 import Namespace


def of_request(
    request: AdmissionRequest,
    write_seen: SeenWrite,
    kind: Kind,
    target: AdmissionTarget,
    namespace: Namespace | None,
    authorizer: Authorizer,
) -> dict[str, object]:
    """The variables, without parameters. `kind` is the version in which the objects are shown."""
    write = request.write

    def decide(check: Check) -> AuthorizerDecision:
        return _decided(authorizer, write.context.user, check)

    own = Check(
        group=kind.group,
        resource=kind.plural,
        subresource=write.subresource,
        namespace=write.namespace,
        name=target.name,
    )
    return {
        names.OBJECT: _json(write_seen.new_as(kind)),
        names.OLD_OBJECT: _json(write_seen.old_as(kind)),
        names.REQUEST: attributes(request, write_seen, kind, target.name),
        names.NAMESPACE: _namespace(namespace) if namespace is not None else None,
        names.AUTHORIZER: AuthorizerValue(decide),
        names.REQUEST_RESOURCE: ResourceCheck(decide, own),
    }


def _json(message: Message | None) -> Mapping[str, object] | None:
    return codec.to_dict(message) if message is not None else None


def attributes(request: AdmissionRequest, write_seen: SeenWrite, kind: Kind, name: str) -> dict[str, object]:
    """Kubernetes' AdmissionRequest."""
    write = request.write
    gvk = _gvk(write_seen.kind or kind)
    gvr = {"group": kind.group, "version": kind.version, "resource": kind.plural}
    stored = write.version or write.kind
    user = write.context.user
    return {
        "kind": gvk,
        "resource": gvr,
        "subResource": write.subresource,
        "requestKind": _gvk(write_seen.kind or stored),
        "requestResource": {"group": stored.group, "version": stored.version, "resource": stored.plural},
        "requestSubResource": write.subresource,
        "name": name,
        "namespace": write.namespace,
        "operation": write_seen.operation.value,
        "userInfo": {
            "username": user.name,
            "uid": user.uid,
            "groups": sorted(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
        },
        "dryRun": write.context.dry_run,
        "options": options_of(write, write_seen.operation),
    }


def _gvk(kind: Kind) -> dict[str, object]:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}


def _namespace(namespace: Namespace) -> dict[str, object]:
    """What of a Namespace expressions may read."""
    shown = codec.to_dict(namespace)
    metadata = dict(shown["metadata"])
    if "uid" in metadata:
        metadata["UID"] = metadata.pop("uid")
    for name in ("creationTimestamp", "deletionTimestamp"):
        if metadata.get(name):
            metadata[name] = parse_instant(metadata[name])
    return {"metadata": metadata, "spec": shown.get("spec", {}), "status": shown.get("status", {})}


def _service_account(namespace: str, name: str) -> User:
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED}
    return User(f"{USER_PREFIX}{namespace}:{name}", frozenset(groups))


def _decided(authorizer: Authorizer, user: User, check: Check) -> AuthorizerDecision:
    if check.account is not None:
        user = _service_account(*check.account)
    wanted = (
        Attributes(check.verb, path=check.path)
        if check.path
        else Attributes(
            check.verb,
            group=check.group,
            resource=check.resource,
            namespace=check.namespace,
            name=check.name,
            subresource=check.subresource,
        )
    )
    decision = authorizer.decide(user, wanted)
    return AuthorizerDecision(decision.allowed, decision.reason, decision.errors)
