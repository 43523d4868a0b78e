"""ServiceAccounts, quotas, limit ranges and priority classes."""

from podlab.cli.describe import layout
from podlab.cli.describe.basics import Related, events, heading
from podlab.cli.describe.layout import Fields
from podlab.core.v1.quota_pb2 import LimitRange, ResourceQuota
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass

_BOUNDS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")


def service_account(found: ServiceAccount, related: Related) -> Fields:
    automount = found.automountServiceAccountToken or not found.HasField("automountServiceAccountToken")
    return [
        *heading(found.metadata),
        layout.field("Image pull secrets", [one.name for one in found.imagePullSecrets]),
        layout.field("Mountable secrets", [one.name for one in found.secrets]),
        layout.field("Mounts tokens", str(automount).lower()),
        events(related),
    ]


def quota(found: ResourceQuota, related: Related) -> Fields:
    status, spec = found.status, found.spec
    hard = status.hard or spec.hard
    rows = [
        [name, status.used[name].string if name in status.used else "0", hard[name].string] for name in sorted(hard)
    ]
    selected = [
        f"{one.scopeName} {one.operator} {', '.join(one.values)}".rstrip()
        for one in spec.scopeSelector.matchExpressions
    ]
    scopes = [layout.field("Scopes", [*sorted(spec.scopes), *selected])] if spec.scopes or selected else []
    return [
        *heading(found.metadata),
        *scopes,
        layout.table("Resources", ["Resource", "Used", "Hard"], rows),
        events(related),
    ]


def limit_range(found: LimitRange, related: Related) -> Fields:
    rows = []
    for item in found.spec.limits:
        bounds = [getattr(item, bound) for bound in _BOUNDS]
        for name in sorted({name for bound in bounds for name in bound}):
            rows.append([item.type, name, *(bound[name].string if name in bound else "-" for bound in bounds)])
    headers = ["Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio"]
    return [*heading(found.metadata), layout.table("Limits", headers, rows), events(related)]


def priority_class(found: PriorityClass, related: Related) -> Fields:
    return [
        *heading(found.metadata, namespaced=False),
        layout.field("Value", str(found.value)),
        layout.field("GlobalDefault", str(found.globalDefault).lower()),
        layout.field("PreemptionPolicy", found.preemptionPolicy),
        layout.field("Description", found.description or layout.NONE),
        events(related),
    ]
