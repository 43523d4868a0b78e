"""Quotas, limit ranges, priority classes, volumes, claims, storage classes, Endpoints, Ingresses, network policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_update

Found = Callable[..., list[str]]
GIGABYTE = {"storage": "1Gi"}


def made(api_version: str, kind: str, *, name: str = "a", namespaced: bool = True, **fields: Any) -> Any:
    metadata = {"name": name, **({"namespace": "default"} if namespaced else {}), **fields.pop("metadata", {})}
    found = builtin_kinds.read({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields})
    builtin_kinds.apply_defaults(found)
    return found


def quota(**spec: Any) -> Any:
    return made("v1", "ResourceQuota", spec=spec)


def limits(**item: Any) -> Any:
    return made("v1", "LimitRange", spec={"limits": [{"type": "Container", **item}]})


def priority(name: str = "a", **fields: Any) -> Any:
    return made("scheduling.k8s.io/v1", "PriorityClass", name=name, namespaced=False, **fields)


def volume(**spec: Any) -> Any:
    whole = {"capacity": GIGABYTE, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}, **spec}
    return made("v1", "PersistentVolume", namespaced=False, spec={k: v for k, v in whole.items() if v is not None})


def claim(**spec: Any) -> Any:
    whole = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": GIGABYTE}, **spec}
    return made("v1", "PersistentVolumeClaim", spec=whole)


def storage_class(**fields: Any) -> Any:
    return made("storage.k8s.io/v1", "StorageClass", namespaced=False, **{"provisioner": "example.com/x", **fields})


def endpoints(**subset: Any) -> Any:
    whole = {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}], **subset}
    return made("v1", "Endpoints", subsets=[whole])


def ingress(path: dict[str, Any] | None = None, **spec: Any) -> Any:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend, **(path or {})}]
    return made("networking.k8s.io/v1", "Ingress", spec={"rules": [{"http": {"paths": paths}}], **spec})


def ingress_class(**spec: Any) -> Any:
    return made(
        *("networking.k8s.io/v1", "IngressClass"), namespaced=False, spec={"controller": "example.com/one", **spec}
    )


def network_policy(**spec: Any) -> Any:
    return made("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}, **spec})


def incoming(**peer: Any) -> Any:
    return network_policy(ingress=[{"from": [peer]}])


FINE = [
    quota(hard={"pods": "5", "requests.cpu": "2", "count/deployments.apps": "3", "requests.example.com/gpu": "1"}),
    quota(hard={"pods": "5"}, scopes=["BestEffort"]),
    quota(
        hard={"pods": "5"},
        scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]},
    ),
    limits(min={"cpu": "100m"}, max={"cpu": "2"}, default={"cpu": "1"}, defaultRequest={"cpu": "500m"}),
    priority(value=1000),
    priority("system-node-critical", value=2_000_001_000),
    volume(),
    volume(hostPath=None, nfs={"server": "nas", "path": "/exports"}),
    claim(),
    claim(storageClassName=""),
    storage_class(),
    endpoints(),
    ingress(),
    ingress(rules=[], defaultBackend={"service": {"name": "web", "port": {"name": "http"}}}),
    ingress_class(parameters={"kind": "Config", "name": "x"}),
    network_policy(egress=[{"ports": [{"port": 32000, "endPort": 32768}]}]),
    incoming(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}),
]


FINE += [
    quota(hard={"requests.example.com/gpu": "1", "count/pods": "2"}, scopes=["NotTerminating"]),
    quota(hard={"pods": "0"}, scopes=["CrossNamespacePodAffinity"]),
]


@pytest.mark.parametrize("given", FINE, ids=lambda given: given.DESCRIPTOR.name)
def test_what_is_right_is_taken(found: Found, given: Any) -> None:
    assert found(given) == []


BAD = [
    (quota(hard={"pod": "5"}), 'spec.hard[pod]: Invalid value: "pod": must be a standard resource for quota'),
    (quota(hard={"pods": "-1"}), "must be greater than or equal to 0"),
    (quota(hard={"pods": "1500m"}), 'spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    (quota(hard={"secrets": "5"}, scopes=["Terminating"]), "unsupported scope applied to resource"),
    (quota(hard={"pods": "5"}, scopes=["Whenever"]), 'spec.scopes: Invalid value: ["Whenever"]: unsupported scope'),
    (quota(hard={"pods": "5"}, scopes=["BestEffort", "NotBestEffort"]), "conflicting scopes"),
    (
        quota(
            hard={"pods": "5"}, scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}
        ),
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value",
    ),
    (limits(type="Machine"), 'spec.limits[0].type: Unsupported value: "Machine"'),
    (limits(min={"cpu": "2"}, max={"cpu": "1"}), "min value 2 is greater than max value 1"),
    (limits(default={"cpu": "2"}, max={"cpu": "1"}), "default value 2 is greater than max value 1"),
    (
        limits(type="Pod", default={"cpu": "1"}),
        "spec.limits[0].default: Forbidden: may not be specified when `type` is",
    ),
    (limits(type="PersistentVolumeClaim"), "either minimum or maximum storage value is required"),
    (limits(maxLimitRequestRatio={"cpu": "500m"}), "ratio 500m is less than 1"),
    (priority(value=1_000_000_001), "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"),
    (priority("system-x", value=1), "metadata.name: Forbidden: priority class names with 'system-' prefix"),
    (priority(value=1, preemptionPolicy="Sometimes"), 'preemptionPolicy: Unsupported value: "Sometimes"'),
    (volume(capacity={}), "spec.capacity: Required value"),
    (volume(accessModes=[]), "spec.accessModes: Required value"),
    (volume(hostPath=None), "spec: Required value: must specify a volume type"),
    (volume(nfs={"server": "a", "path": "/b"}), "spec.nfs: Forbidden: may not specify more than 1 volume type"),
    (volume(hostPath=None, nfs={"server": "a", "path": "b"}), 'spec.nfs.path: Invalid value: "b": must be an absolute'),
    (
        volume(hostPath=None, local={"path": "/d"}),
        "spec.nodeAffinity: Required value: Local volume requires node affinity",
    ),
    (volume(persistentVolumeReclaimPolicy="Burn"), 'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn"'),
    (volume(capacity={"storage": "0"}), 'spec.capacity[storage]: Invalid value: "0": must be greater than zero'),
    (claim(accessModes=[]), "spec.accessModes: Required value: at least 1 access mode is required"),
    (claim(accessModes=["Write"]), 'spec.accessModes: Unsupported value: "Write"'),
    (claim(resources={}), "spec.resources[storage]: Required value"),
    (claim(volumeMode="Tape"), 'spec.volumeMode: Unsupported value: "Tape"'),
    (storage_class(provisioner=""), "provisioner: Required value"),
    (storage_class(reclaimPolicy="Recycle"), 'reclaimPolicy: Unsupported value: "Recycle"'),
    (endpoints(addresses=[]), "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"),
    (endpoints(addresses=[{"ip": "127.0.0.1"}]), "may not be in the loopback range"),
    (endpoints(ports=[{"port": 80}, {"port": 81}]), "subsets[0].ports[0].name: Required value"),
    (ingress(rules=[]), "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"),
    (ingress({"path": "a"}), 'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path'),
    (ingress({"path": "/a//b"}), "must not contain '//'"),
    (ingress({"pathType": None}), "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"),
    (ingress({"backend": {}}), "paths[0].backend: Required value: resource or service backend is required"),
    (
        ingress({"backend": {"service": {"name": "web"}}}),
        "backend.service: Required value: port name or number is required",
    ),
    (ingress(tls=[{"hosts": ["10.0.0.1"]}]), "must be a DNS name, not an IP address"),
    (ingress_class(controller="one"), "must be a domain-prefixed path"),
    (
        ingress_class(parameters={"kind": "C", "name": "x", "scope": "Namespace"}),
        "spec.parameters.namespace: Required value",
    ),
    (incoming(), "spec.ingress[0].from[0]: Required value: must specify a peer"),
    (incoming(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}), "may not specify both ipBlock and another peer"),
    (incoming(ipBlock={"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}), "must be a strict subset of `cidr`"),
    (network_policy(policyTypes=["Sideways"]), 'spec.policyTypes[0]: Unsupported value: "Sideways"'),
    (network_policy(egress=[{"ports": [{"endPort": 5}]}]), "may not be specified when `port` is not specified"),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(found: Found, given: Any, told: str) -> None:
    assert [each for each in found(given) if told in each], found(given)


def bound(**spec: Any) -> Any:
    held = claim(**spec)
    held.status.phase = "Bound"
    held.status.capacity["storage"].string = "2Gi"
    return held


def asking(size: str) -> Any:
    return bound(resources={"requests": {"storage": size}})


CHANGES = [
    (quota(hard={"pods": "1"}), quota(hard={"pods": "1"}, scopes=["BestEffort"]), "spec.scopes: Invalid value"),
    (priority(value=1), priority(value=2), "value: Forbidden: may not be changed in an update."),
    (volume(), volume(hostPath={"path": "/other"}), "spec.persistentvolumesource is immutable after creation"),
    (claim(), claim(accessModes=["ReadWriteMany"]), "spec: Forbidden: spec is immutable after creation except"),
    (claim(), claim(resources={"requests": {"storage": "2Gi"}}), "spec: Forbidden: spec is immutable after creation"),
    (asking("3Gi"), asking("2Gi"), "spec.resources.requests.storage: Forbidden: field can not be less than status.cap"),
    (asking("5Gi"), asking("3Gi"), ""),
    (bound(), asking("3Gi"), ""),
    (claim(), claim(volumeName="pv1", storageClassName="fast"), ""),
    (storage_class(), storage_class(provisioner="example.com/y"), "provisioner: Forbidden: updates to provisioner are"),
    (storage_class(), storage_class(allowVolumeExpansion=True), ""),
    (storage_class(), storage_class(volumeBindingMode="WaitForFirstConsumer"), "field is immutable"),
    (ingress_class(), ingress_class(controller="example.com/two"), "spec.controller: Invalid value"),
]


@pytest.mark.parametrize(("old", "new", "told"), CHANGES)
def test_what_may_not_change_stays(old: Any, new: Any, told: str) -> None:
    causes = [str(cause) for cause in validate_update(new, old)]
    assert causes == [] if not told else told in " ".join(causes)
