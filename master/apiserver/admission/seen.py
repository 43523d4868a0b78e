"""How a write looks to those whom users have configured: policies and webhooks.

Below an object, what is written is often of another kind: an eviction is created, which deletes a pod; a Scale is
updated, which changes a Deployment. Source: https://kubernetes.io/docs/reference/access-authn-authz/webhook/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.write import Deletion, Operation
from podlab.api import kinds, objects
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.objects import typed
from podlab.authentication.v1.token_pb2 import TokenRequest
from podlab.autoscaling.v1.scale_pb2 import Scale
from podlab.core.v1.binding_pb2 import Binding
from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.resource import Resource
from podlab.kinds.scaling import scale_of
from podlab.policy.v1.eviction_pb2 import Eviction

OPERATIONS_SEEN: Mapping[str, Operation] = {"eviction": Operation.CREATE}
"""By subresource, where another operation is seen than is carried out."""


@dataclass(frozen=True, slots=True)
class SeenWrite:
    """The operation, and the objects that it is about: `new` is None of a deletion, `old` of what is created.

    `kind` is theirs where it is another than that of the object below which they stand; else None: they have all its
    versions.
    """

    operation: Operation
    new: Message | None
    old: Message | None
    kind: Kind | None = None

    def new_as(self, kind: Kind) -> Message | None:
        """The new object in that version."""
        return self._shown(self.new, kind)

    def old_as(self, kind: Kind) -> Message | None:
        """The old object in that version."""
        return self._shown(self.old, kind)

    def _shown(self, message: Message | None, kind: Kind) -> Message | None:
        return message if message is None or self.kind is not None else versions.shown(message, kind)


def seen(request: AdmissionRequest, resource: Resource) -> SeenWrite:
    """What they see of the request; `resource` is the object's."""
    write = request.write
    if (of_other_kind := _OF_OTHER_KINDS.get(write.subresource)) is not None:
        return of_other_kind(request, resource)
    if write.operation is Operation.CONNECT:
        return SeenWrite(write.operation, request.new, None, kinds.of(request.new))
    deletes = write.operation is Operation.DELETE
    return SeenWrite(write.operation, None if deletes else request.new, request.old)


def _evicting(request: AdmissionRequest, _: Resource) -> SeenWrite:
    deletion = request.write.deletion
    assert deletion is not None
    eviction = Eviction()
    eviction.metadata.name, eviction.metadata.namespace = deletion.name, deletion.namespace
    _describe(deletion, eviction, dry_run=request.write.dry_run)
    return SeenWrite(Operation.CREATE, eviction, None, kinds.of(Eviction))


def _describe(deletion: Deletion, eviction: Eviction, *, dry_run: bool) -> None:
    options = eviction.deleteOptions
    if deletion.grace_period_s is not None:
        options.gracePeriodSeconds = deletion.grace_period_s
    if deletion.uid:
        options.preconditions.uid = deletion.uid
    if deletion.resource_version:
        options.preconditions.resourceVersion = deletion.resource_version
    if deletion.propagation is not None:
        options.propagationPolicy = deletion.propagation.value
    if dry_run:
        options.dryRun.append("All")


def _binding(request: AdmissionRequest, _: Resource) -> SeenWrite:
    pod = typed(request.new, Pod)
    binding = Binding()
    binding.metadata.name, binding.metadata.namespace = pod.metadata.name, pod.metadata.namespace
    binding.target.kind, binding.target.name = "Node", pod.spec.nodeName
    return SeenWrite(Operation.CREATE, binding, None, kinds.of(Binding))


def _scaling(request: AdmissionRequest, resource: Resource) -> SeenWrite:
    old = request.old
    shown = scale_of(old, resource.scaling) if old is not None else None
    return SeenWrite(Operation.UPDATE, scale_of(request.new, resource.scaling), shown, kinds.of(Scale))


def _asking_for_token(request: AdmissionRequest, _: Resource) -> SeenWrite:
    return SeenWrite(Operation.CREATE, typed(request.new, TokenRequest), None, kinds.of(TokenRequest))


_OF_OTHER_KINDS: Mapping[str, Callable[[AdmissionRequest, Resource], SeenWrite]] = {
    "eviction": _evicting,
    "binding": _binding,
    "scale": _scaling,
    "token": _asking_for_token,
}


def labels_of(message: Message | None) -> Mapping[str, str] | None:
    """Those by which selectors choose objects; None for what has no metadata."""
    if message is None or "metadata" not in message.DESCRIPTOR.fields_by_name:
        return None
    return objects.metadata(message).labels


def taken_over(request: AdmissionRequest, changed: Message, resource: Resource) -> Message:
    """What the request's new object becomes when what was seen of it has become `changed`."""
    if request.write.subresource != "scale":
        return changed
    scaled = type(request.new)()
    scaled.CopyFrom(request.new)
    resource.scaling.set_replicas(scaled, typed(changed, Scale).spec.replicas)
    return scaled
