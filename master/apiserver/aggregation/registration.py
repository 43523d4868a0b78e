"""Which APIServices this server keeps for what it serves itself. Pure.

Kubernetes puts those of built-in groups right when it starts and not again; here they are kept right all the time.
Source: https://github.com/kubernetes/kube-aggregator/tree/master/pkg/controllers/autoregister
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from master.apiserver.aggregation import priorities
from master.apiserver.aggregation.priorities import GroupVersion
from podlab.api.objects import condition
from podlab.apiregistration.v1.apiservice_pb2 import APIService, APIServiceCondition
from podlab.kinds.apiregistration.apiservice import AVAILABLE
from podlab.kinds.catalog import Catalog
from podlab.meta.v1 import meta_pb2

MANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
"""This label says that the server may change the APIService, and remove it."""
_ON_START, _ALWAYS = "onstart", "true"
_MARKS: Final = (_ON_START, _ALWAYS)


def served(catalog: Catalog) -> Iterator[tuple[GroupVersion, bool]]:
    """What the server answers itself, once each, and whether CustomResourceDefinitions alone are the reason."""
    found: dict[GroupVersion, bool] = {}
    for kind in catalog.kinds:
        at = GroupVersion(kind.group, kind.version)
        custom = catalog.resource(kind).schema_of is not None
        found[at] = found.get(at, True) and custom
    yield from found.items()


def wanted(catalog: Catalog) -> dict[str, APIService]:
    """The APIServices that there should be, by name."""
    return {at.service_name: _local(at, custom) for at, custom in served(catalog) if at.group != priorities.OWN}


def _local(at: GroupVersion, custom: bool) -> APIService:
    made = APIService(metadata=meta_pb2.ObjectMeta(name=at.service_name))
    if at != priorities.METRICS:  # whoever installs another metrics server changes it, and is left alone
        made.metadata.labels[MANAGED] = _ALWAYS if custom else _ON_START
    said = priorities.of(at, custom=custom)
    made.spec.group, made.spec.version = at
    made.spec.groupPriorityMinimum, made.spec.versionPriority = said
    return made


def is_managed(service: APIService) -> bool:
    """Whether the server may change it."""
    return service.metadata.labels.get(MANAGED) in _MARKS


def corrected(found: APIService, right: APIService) -> APIService:
    """The one that was found as it should be; it itself when it is so, or is not the server's to change."""
    if not is_managed(found) or found.spec == right.spec:
        return found
    new = APIService()
    new.CopyFrom(found)
    new.spec.CopyFrom(right.spec)
    return new


def told(service: APIService, said: APIServiceCondition) -> APIService:
    """The APIService with that condition; it itself when it says so already. Times are those of the last change of
    status."""
    before = condition(service.status.conditions, said.type)
    if before is not None and _same(before, said):
        return service
    new = APIService()
    new.CopyFrom(service)
    after = condition(new.status.conditions, said.type)
    if after is None:
        new.status.conditions.append(said)
        return new
    since = after.lastTransitionTime if after.status == said.status else said.lastTransitionTime
    kept = meta_pb2.Time()
    kept.CopyFrom(since)
    after.CopyFrom(said)
    after.lastTransitionTime.CopyFrom(kept)
    return new


def is_available(service: APIService) -> bool:
    """Whether requests are passed on."""
    said = condition(service.status.conditions, AVAILABLE)
    return said is not None and said.status == "True"


def _same(one: APIServiceCondition, other: APIServiceCondition) -> bool:
    return (one.status, one.reason, one.message) == (other.status, other.reason, other.message)
