"""What the messages of RPCs ask to be written. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from master.apiserver.admission.rules import certificates
from master.apiserver.admission.write import Application, Deletion, Disruption, Propagation, Write, WriteContext
from master.apiserver.patching import document
from master.apiserver.patching import patch as patching
from master.apiserver.registry import binding
from master.apiserver.registry.delete_collection import CollectionDeletion
from master.apiserver.request import write_options
from master.apiserver.request.info import Exchange
from master.apiserver.watchcache.selection import ListOptions
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import unwrap
from podlab.api.values.jsonvalues import Json, described
from podlab.core.v1 import event_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, NotFound
from podlab.kinds.catalog import Catalog
from podlab.kinds.subresource import APPROVAL, EPHEMERAL_CONTAINERS, RESIZE, STATUS
from podlab.v1 import apiserver_pb2 as pb
from podlab.v1 import object_pb2

BY_SCHEDULER = "PreemptionByScheduler"
_POLICIES = {
    pb.PROPAGATION_POLICY_UNSPECIFIED: None,
    pb.PROPAGATION_POLICY_BACKGROUND: Propagation.BACKGROUND,
    pb.PROPAGATION_POLICY_FOREGROUND: Propagation.FOREGROUND,
    pb.PROPAGATION_POLICY_ORPHAN: Propagation.ORPHAN,
}


def context(
    by: Exchange, manager: str = "", *, dry_run: bool = False, applies: bool = False, force: bool = False
) -> WriteContext:
    """Of all that a request writes, which names its field manager or, unless it applies a configuration, leaves that to
    the user agent. Raises Invalid."""
    named = write_options.checked_manager(manager, applies=applies, force=force)
    return WriteContext(
        by.user,
        manager=named or write_options.manager_of(by.info.user_agent),
        named_manager=named,
        dry_run=dry_run,
        moment=by.moment,
        traceparent=by.info.traceparent,
        warnings=by.warnings,
        annotations=by.annotations,
    )


def create(request: pb.CreateRequest, by: Exchange, catalog: Catalog) -> Write:
    """Raises BadRequest for an envelope without an object, and NotFound for one of no kind, as all do that have one."""
    at = context(by, request.field_manager, dry_run=request.dry_run)
    message, kind, version = _known(request.object, catalog)
    return Write.create(at, message, kind, version=version)


def update(request: pb.UpdateRequest, by: Exchange, catalog: Catalog) -> Write:
    """Of all but the status."""
    at = context(by, request.field_manager, dry_run=request.dry_run)
    message, kind, version = _known(request.object, catalog)
    return Write.update(at, message, kind, version=version)


def update_status(request: pb.UpdateStatusRequest, by: Exchange, catalog: Catalog) -> Write:
    """Of nothing else."""
    return _status(context(by, request.field_manager), request.object, catalog)


def update_statuses(request: pb.UpdateStatusesRequest, by: Exchange, catalog: Catalog) -> list[Write]:
    """One for each object."""
    at = context(by, request.field_manager)
    return [_status(at, each, catalog) for each in request.objects]


def _status(at: WriteContext, envelope: object_pb2.Object, catalog: Catalog) -> Write:
    message, kind, version = _known(envelope, catalog)
    return Write.update_status(at, message, kind, version=version)


def patch(
    request: pb.PatchRequest, by: Exchange, catalog: Catalog, admit: Callable[[], Awaitable[None]] | None = None
) -> Write:
    """`admit` raises Forbidden when the caller may not create what is applied. Raises NotFound for a subresource that
    is not patched, and what is wrong with the patch itself."""
    kind, part = by.kind, request.subresource
    below = catalog.resource(kind).subresource(part) if part else None
    if part not in ("", STATUS.name) and below not in (APPROVAL, EPHEMERAL_CONTAINERS, RESIZE):
        raise NotFound(f"the server could not find the requested resource: {kind.plural}/{part}")
    applies = request.type == pb.PATCH_TYPE_APPLY
    at = context(by, request.field_manager, dry_run=request.dry_run, applies=applies, force=request.force)
    if applies:
        application = Application(_configuration(request.patch), force=request.force, admit_creation=admit)
        return Write.patch(at, kind, application, namespace=request.namespace, name=request.name, subresource=part)
    of_status = part in ("status", "approval")
    read = patching.parse(request.type, request.patch, kind, of_status=of_status)
    return Write.patch(
        at,
        kind,
        certificates.deciding(read.applied) if below is APPROVAL else read.applied,
        namespace=request.namespace,
        name=request.name,
        subresource=part,
        sees_managed_fields=read.sees_managed_fields,
    )


def _configuration(patch: bytes) -> dict[str, Json]:
    value = document.read(patch)
    if not isinstance(value, dict):
        raise BadRequest(f"error decoding patch: expected an object, found {described(value)}")
    return value


def delete(request: pb.DeleteRequest, by: Exchange) -> Write:
    """Raises BadRequest for a policy that is none."""
    deletion = Deletion(
        by.kind,
        request.namespace,
        request.name,
        uid=request.uid,
        resource_version=request.resource_version,
        grace_period_s=_grace_period_s(request),
        propagation=_propagation(request.propagation_policy),
    )
    return Write.delete(context(by, dry_run=request.dry_run), deletion)


def delete_collection(request: pb.DeleteCollectionRequest, catalog: Catalog) -> CollectionDeletion:
    """Raises BadRequest for a policy that is none."""
    return CollectionDeletion(
        ListOptions.of(request, catalog),
        grace_period_s=_grace_period_s(request),
        propagation=_propagation(request.propagation_policy),
    )


def evict(request: pb.EvictRequest, by: Exchange) -> Write:
    """A deletion of the pod that its disruption budget pays for."""
    deletion = Deletion(
        kinds.of(Pod),
        request.namespace,
        request.name,
        uid=request.uid,
        grace_period_s=_grace_period_s(request),
    )
    return Write.delete(context(by, request.field_manager, dry_run=request.dry_run), deletion, subresource="eviction")


def preempt(request: pb.PreemptRequest, by: Exchange) -> list[Write]:
    """A deletion for each victim, which says why it goes."""
    at = context(by, request.field_manager)
    return [Write.delete(at, _preemption(victim)) for victim in request.victims]


def bind(request: pb.BindRequest, by: Exchange) -> list[Write]:
    """One for each binding."""
    at = context(by, request.field_manager)
    return [binding.write(at, one.namespace, one.name, one.node_name, uid=one.uid) for one in request.bindings]


def record_events(request: pb.RecordEventsRequest, by: Exchange) -> list[Write]:
    """Each is created, or replaces the one of its name."""
    request.DiscardUnknownFields()  # type: ignore[no-untyped-call,unused-ignore]
    at = context(by, request.field_manager)
    return [_recorded(at, event) for event in request.events]


def _recorded(at: WriteContext, event: event_pb2.Event) -> Write:
    event.metadata.resourceVersion = ""
    return Write.update(at, event, creates_missing=True)


def _preemption(victim: pb.Victim) -> Deletion:
    disruption = Disruption(BY_SCHEDULER, victim.message)
    return Deletion(kinds.of(Pod), victim.namespace, victim.name, uid=victim.uid, disruption=disruption)


def _grace_period_s(request: Any) -> int | None:
    return request.grace_period_seconds if request.HasField("grace_period_seconds") else None


def _propagation(policy: pb.PropagationPolicy.ValueType) -> Propagation | None:
    if policy not in _POLICIES:
        known = ", ".join(pb.PropagationPolicy.keys())
        raise BadRequest(f"propagation_policy: {policy} is none of {known}")
    return _POLICIES[policy]


def _known(envelope: object_pb2.Object, catalog: Catalog) -> tuple[Message, Kind, Kind]:
    """The object, its kind as it is stored, and as it is sent; without what this version does not know: it could be
    neither checked nor shown."""
    message = unwrap(envelope)
    message.DiscardUnknownFields()  # type: ignore[no-untyped-call,unused-ignore]
    version = catalog.kind_of(message)
    return message, catalog.resource(version.group_kind).kind, version
