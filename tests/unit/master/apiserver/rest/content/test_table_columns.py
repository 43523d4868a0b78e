"""Columns as Kubernetes 1.36 has them: printers.go, and its table convertor for kinds that have none there."""

from datetime import UTC, datetime

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import CATALOG

from master.apiserver.rest.content import table_columns
from podlab.api import kinds
from podlab.metrics.v1beta1 import metrics_pb2

NOW = datetime(2030, 1, 1, tzinfo=UTC)
# Name and type, where it is not string; behind the bar what is shown with -o wide alone.
WANTED = {
    "APIService": "Name, Service, Available, Age",
    "ClusterRole": "Name, Created At:date",
    "ClusterRoleBinding": "Name, Role, Age | Users, Groups, ServiceAccounts",
    "CertificateSigningRequest": "Name, Age, SignerName, Requestor, RequestedDuration, Condition",
    "ConfigMap": "Name, Data, Age",
    "ControllerRevision": "Name, Controller, Revision, Age",
    "CSIDriver": (
        "Name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests,"
        " RequiresRepublish:boolean, Modes, Age"
    ),
    "CSINode": "Name, Drivers:integer, Age",
    "CSIStorageCapacity": "Name, StorageClassName, Capacity, Age",
    "CronJob": (
        "Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age | Containers, Images, Selector"
    ),
    "CustomResourceDefinition": "Name, Created At:date",
    "DaemonSet": (
        "Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector,"
        " Age | Containers, Images, Selector"
    ),
    "Deployment": "Name, Ready, Up-to-date, Available, Age | Containers, Images, Selector",
    "DeviceClass": "Name, Age",
    "EndpointSlice": "Name, AddressType, Ports, Endpoints, Age",
    "Endpoints": "Name, Endpoints, Age",
    "Event": "Last Seen, Type, Reason, Object, | Subobject, Source, ^ Message, | First Seen, Count:integer, Name",
    "FlowSchema": "Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL",
    "HorizontalPodAutoscaler": "Name, Reference, Targets, MinPods, MaxPods, Replicas, Age",
    "IPAddress": "Name, ParentRef",
    "Ingress": "Name, Class, Hosts, Address, Ports, Age",
    "IngressClass": "Name, Controller, Parameters, Age",
    "Job": "Name, Status, Completions, Duration, Age | Containers, Images, Selector",
    "Lease": "Name, Holder, Age",
    "LimitRange": "Name, Created At:date",
    "MutatingWebhookConfiguration": "Name, Webhooks:integer, Age",
    "Namespace": "Name, Status, Age",
    "NetworkPolicy": "Name, Pod-Selector, Age",
    "Node": (
        "Name, Status, Roles, Age, Version | Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime"
    ),
    "PersistentVolume": (
        "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age"
        " | VolumeMode"
    ),
    "PersistentVolumeClaim": (
        "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age | VolumeMode"
    ),
    "Pod": "Name, Ready, Status, Restarts, Age | IP, Node, Nominated Node, Readiness Gates",
    "PodDisruptionBudget": "Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age",
    "PodTemplate": "Name, Containers, Images, Pod Labels",
    "PriorityClass": "Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy",
    "PriorityLevelConfiguration": "Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age",
    "ReplicaSet": "Name, Desired:integer, Current:integer, Ready:integer, Age | Containers, Images, Selector",
    "ReplicationController": (
        "Name, Desired:integer, Current:integer, Ready:integer, Age | Containers, Images, Selector"
    ),
    "ResourceClaim": "Name, State, Age",
    "ResourceClaimTemplate": "Name, Age",
    "ResourceQuota": "Name, Request, Limit, Age",
    "ResourceSlice": "Name, Node, Driver, Pool, Age",
    "Role": "Name, Created At:date",
    "RoleBinding": "Name, Role, Age | Users, Groups, ServiceAccounts",
    "RuntimeClass": "Name, Handler, Age",
    "Secret": "Name, Type, Data:integer, Age",
    "Service": "Name, Type, Cluster-IP, External-IP, Port(s), Age | Selector",
    "ServiceCIDR": "Name, CIDRs, Age",
    "ServiceAccount": "Name, Secrets, Age",
    "StatefulSet": "Name, Ready, Age | Containers, Images",
    "StorageClass": "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
    "MutatingAdmissionPolicy": "Name, Mutations:integer, ParamKind, Age",
    "MutatingAdmissionPolicyBinding": "Name, PolicyName, ParamRef, Age",
    "ValidatingAdmissionPolicy": "Name, Validations:integer, ParamKind, Age",
    "ValidatingAdmissionPolicyBinding": "Name, PolicyName, ParamRef, Age",
    "ValidatingWebhookConfiguration": "Name, Webhooks:integer, Age",
    "VolumeAttachment": "Name, Attacher, PV, Node, Attached, Age",
    "VolumeAttributesClass": "Name, DriverName, Age",
}
NUMBERS = {
    "ConfigMap": 1, "ControllerRevision": 1, "CronJob": 1, "CSIDriver": 4, "CSINode": 1, "DaemonSet": 5,
    "Deployment": 2, "Event": 1, "FlowSchema": 1,
    "HorizontalPodAutoscaler": 2, "PodDisruptionBudget": 1, "PriorityClass": 2, "ReplicaSet": 3,
    "ReplicationController": 3, "Secret": 1, "ServiceAccount": 1, "StorageClass": 1,
    "MutatingAdmissionPolicy": 1, "MutatingWebhookConfiguration": 1,
    "ValidatingAdmissionPolicy": 1, "ValidatingWebhookConfiguration": 1,
    "VolumeAttachment": 1,
}  # fmt: skip


def wanted(text: str) -> list[tuple[str, str, int]]:
    found, priority = [], 0
    for word in text.replace("|", ", |,").replace("^", ", ^,").split(","):
        match word.strip():
            case "|":
                priority = 1
            case "^":
                priority = 0
            case "":
                pass
            case column:
                name, _, kind = column.partition(":")
                found.append((name, kind or "string", priority))
    return found


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
def test_a_kinds_table_has_kubernetes_columns(kind: kinds.Kind) -> None:
    found = table_columns.definitions(builtin_kinds.of(kind))
    assert [(one["name"], one["type"], one["priority"]) for one in found] == wanted(WANTED[kind.name])
    assert [one["name"] for one in found if one["format"] == "name"] == ["Name"]


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
def test_numbers_and_booleans_are_no_text(kind: kinds.Kind) -> None:
    cells = table_columns.cells(builtin_kinds.of(kind), builtin_kinds.of(kind).table.row(kind.message(), True, NOW))
    assert sum(not isinstance(cell, str) for cell in cells) == NUMBERS.get(kind.name, 0)


def test_figures_are_spelt_as_metrics_server_spells_them() -> None:
    assert [one["name"] for one in table_columns.definitions(CATALOG.resource(metrics_pb2.NodeMetrics))] == [
        "Name",
        "cpu",
        "memory",
        "Window",
    ]
