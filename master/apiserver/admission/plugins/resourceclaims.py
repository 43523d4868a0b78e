"""Who may change what of a ResourceClaim's status, where devices may be looked at that others use, and since when they
have their marks.

In Kubernetes the stores of these kinds see to it themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import NOTHING, WRITES, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.write import Operation, Write
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes, Authorizer
from master.apiserver.authorization.attributes import refusal
from podlab.api.values import times
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import NodeSelector
from podlab.errors import Cause, Invalid
from podlab.kinds.subresource import STATUS
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1.resourceclaim_pb2 import (
    AllocatedDeviceStatus,
    AllocationResult,
    DeviceRequest,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimStatus,
    ResourceClaimTemplate,
)
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

ADMIN_ACCESS_LABEL = "resource.kubernetes.io/admin-access"
_GROUP, _CLAIMS = "resource.k8s.io", "resourceclaims"
_ACCOUNT = "system:serviceaccount:"
_NODE_NAME = "authentication.kubernetes.io/node-name"


class DeviceAdminAccess(Plugin):
    """Devices that others use are looked at from namespaces that an administrator has labelled, and from no others.

    https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access
    """

    name: ClassVar[str] = "DeviceAdminAccess"
    scopes: ClassVar[tuple[Scope, ...]] = (
        *writes_of(ResourceClaim, ResourceClaimTemplate, on=(Operation.CREATE,)),
        *writes_of(ResourceClaim, below=(STATUS.name,)),
    )

    def __init__(self, namespaces: Lister[Namespace]) -> None:
        self._namespaces = namespaces

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        field = admin_access(request.new, request.old)
        if field:
            namespace = self._namespaces.get("", request.write.namespace)
            if namespace is None or namespace.metadata.labels.get(ADMIN_ACCESS_LABEL) != "true":
                label = f"`{ADMIN_ACCESS_LABEL}: true` label on the containing namespace"
                raise _invalid(request.write, [(field, f"admin access to devices requires the {label}")])
        return NOTHING


class DeviceTaintTimes(Plugin):
    """A mark that does not say since when it is there has just been put."""

    name: ClassVar[str] = "DeviceTaintTimes"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(ResourceSlice)

    def __init__(self, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._clock = clock

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        for device in request.new_as(ResourceSlice).spec.devices:
            for taint in device.taints:
                if not taint.HasField("timeAdded"):
                    taint.timeAdded.CopyFrom(self._clock())


class ResourceClaimStatusAuthorization(Plugin):
    """What a claim was given, and to whom, is for those to say who may `resourceclaims/binding`; how a driver's devices
    are, for those who may `resourceclaims/driver` of that driver.

    https://kubernetes.io/docs/concepts/security/hardening-guide/dynamic-resource-allocation/
    """

    name: ClassVar[str] = "ResourceClaimStatusAuthorization"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(ResourceClaim, on=WRITES, below=(STATUS.name,))

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        write, new, old = request.write, request.new_as(ResourceClaim).status, request.old_as(ResourceClaim).status
        verb = "update" if write.sent is not None else "patch"
        found = [*self._binding(write, verb, new, old), *self._devices(write, verb, new, old)]
        if found:
            raise _invalid(write, found)
        return NOTHING

    def _binding(
        self, write: Write, verb: str, new: ResourceClaimStatus, old: ResourceClaimStatus
    ) -> Iterator[tuple[str, str]]:
        if _bound(new) == _bound(old):
            return
        wanted = Attributes(verb, _GROUP, _CLAIMS, subresource="binding")
        if why := self._why_not(write.user, [wanted]):
            needed = f'resource="resourceclaims/binding", verb="{verb}" permission'
            yield "status", f"changing status.allocation or status.reservedFor requires {needed}: {why}"

    def _devices(
        self, write: Write, verb: str, new: ResourceClaimStatus, old: ResourceClaimStatus
    ) -> Iterator[tuple[str, str]]:
        here = is_of_node(write.user, allocated_node(new.allocation))
        verbs = [*([f"associated-node:{verb}"] if here else []), f"arbitrary-node:{verb}"]
        for driver in drivers_changed(new.devices, without_given_back(new, old)):
            tried = [Attributes(one, _GROUP, _CLAIMS, write.namespace, driver, "driver") for one in verbs]
            if why := self._why_not(write.user, tried):
                needed = f'resource="resourceclaims/driver", verb="[{" ".join(verbs)}]" permission'
                yield "status.devices", f"changing status.devices requires {needed}: {why}"

    def _why_not(self, user: User, any_of: Iterable[Attributes]) -> str:
        """Why the user may do none of it, told of the first; empty when they may do one."""
        first = ""
        for wanted in any_of:
            decision = self._authorizer.decide(user, wanted)
            if decision.allowed:
                return ""
            first = first or refusal(user, wanted, decision.reason)
        return first


def admin_access(new: object, old: object) -> str:
    """The field that asks for access to devices which others use, or says that it was given; empty when none does."""
    if isinstance(new, ResourceClaimTemplate):
        return _asked(new.spec.spec.devices.requests)
    if not isinstance(new, ResourceClaim):
        return ""
    if not isinstance(old, ResourceClaim):
        return _asked(new.spec.devices.requests)
    return "" if _given(old) else _given(new)


def drivers_changed(new: Iterable[AllocatedDeviceStatus], old: Iterable[AllocatedDeviceStatus]) -> list[str]:
    """The drivers of devices of which something else is told than before, or no more."""
    before, after = _by_device(old), _by_device(new)
    return sorted({at[0] for at in before.keys() | after.keys() if before.get(at) != after.get(at)})


def without_given_back(new: ResourceClaimStatus, old: ResourceClaimStatus) -> list[AllocatedDeviceStatus]:
    """What was told of devices that the claim still has. Of those that it gives back nothing is told any more, and that
    is for whoever takes them back."""
    had, has = ({(one.driver, one.pool, one.device) for one in each.allocation.devices.results} for each in (old, new))
    return [one for one in old.devices if (one.driver, one.pool, one.device) not in had - has]


def allocated_node(allocation: AllocationResult) -> str:
    """The one node that the devices can be used from; empty when there may be others."""
    selector: NodeSelector = allocation.nodeSelector
    if len(selector.nodeSelectorTerms) != 1:
        return ""
    term = selector.nodeSelectorTerms[0]
    if term.matchExpressions or len(term.matchFields) != 1:
        return ""
    only = term.matchFields[0]
    named = (only.key, only.operator, len(only.values)) == ("metadata.name", "In", 1)
    return only.values[0] if named else ""


def is_of_node(user: User, node: str) -> bool:
    """Whether a ServiceAccount calls by the token of a pod on the node."""
    return bool(node) and user.name.startswith(_ACCOUNT) and tuple(user.extra.get(_NODE_NAME, ())) == (node,)


def _bound(status: ResourceClaimStatus) -> tuple[bool, AllocationResult, list[ResourceClaimConsumerReference]]:
    return status.HasField("allocation"), status.allocation, list(status.reservedFor)


def _asked(requests: Iterable[DeviceRequest]) -> str:
    found = (index for index, request in enumerate(requests) if request.exactly.adminAccess)
    index = next(found, None)
    return "" if index is None else f"spec.devices.requests[{index}].adminAccess"


def _given(claim: ResourceClaim) -> str:
    results = claim.status.allocation.devices.results
    index = next((index for index, result in enumerate(results) if result.adminAccess), None)
    return "" if index is None else f"status.allocation.devices.results[{index}].adminAccess"


def _by_device(devices: Iterable[AllocatedDeviceStatus]) -> Mapping[tuple[str, str, str, str], AllocatedDeviceStatus]:
    return {(one.driver, one.pool, one.device, one.shareID): one for one in devices}


def _invalid(write: Write, found: Iterable[tuple[str, str]]) -> Invalid:
    causes = [Cause(field, "FieldValueForbidden", f"Forbidden: {why}") for field, why in found]
    return Invalid.of(write.kind.qualified_name, write.name, causes)
