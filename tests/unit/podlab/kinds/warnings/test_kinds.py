"""What authors are warned of, kind by kind, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

C: dict[str, Any] = {"name": "c", "image": "i"}


def made(kind: str, spec: Any, annotations: dict[str, str] | None = None, name: str = "a") -> Any:
    metadata = {"name": name, "annotations": annotations or {}}
    version = next(each.api_version for each in builtin_kinds.STORED if each.name == kind)
    content = {"spec": spec} if spec is not None else {}
    return builtin_kinds.read({"apiVersion": version, "kind": kind, "metadata": metadata, **content})


def pod(annotations: dict[str, str] | None = None, containers: Any = (C,), **spec: Any) -> Any:
    return made("Pod", {"containers": list(containers), **spec}, annotations)


def ports(*given: dict[str, Any]) -> Any:
    return pod(containers=[{**C, "ports": [{"protocol": "TCP", **port} for port in given]}])


def env(*variables: Any) -> Any:
    return pod(containers=[{**C, "env": [{"name": "A", **variable} for variable in variables]}])


def template(kind: str, annotations: dict[str, str] | None = None, **spec: Any) -> Any:
    inner = {"metadata": {"annotations": annotations or {}}, "spec": {"containers": [C], "hostAliases": ALIASES}}
    return made(kind, {"template": inner, **spec}, name="a.b")


ALIASES = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]
TERM = {"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "Exists"}]}
NULL = "a null labelSelector results in matching no pod"
DNS = "which can result in surprising behavior; a DNS label is recommended: ["
REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))
TOKEN = {"serviceAccountToken": {"path": "t"}}
CASES: list[tuple[Any, list[str]]] = [
    (pod(), []),
    (
        env({"value": "1"}, {"value": "2"}),
        ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
    ),
    (env({"value": "1"}, {"value": "$(A)2"}), []),
    (
        env({"value": "1"}, {"value": "$(A)"}, {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        [
            f'spec.containers[0].env[{at}]: hides previous definition of "A", which may be dropped when using apply'
            for at in (1, 2)
        ],
    ),
    (
        ports({"containerPort": 80}, {"containerPort": 80}),
        ["spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"],
    ),
    (
        ports({"containerPort": 80}, {"containerPort": 80, "hostPort": 80}),
        ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"],
    ),
    (
        ports({"containerPort": 80, "hostPort": 80}, {"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"}),
        ["spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]"],
    ),
    (ports({"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}), []),
    (
        ports({"containerPort": 80, "hostIP": "10.0.0.1"}),
        [
            "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP"
            " HostIP:10.0.0.1}"
        ],
    ),
    (
        pod(
            nodeSelector={"beta.kubernetes.io/arch": "amd64"},
            affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [TERM]}}},
        ),
        [
            'spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
            f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os"
            ' is deprecated since v1.14; use "kubernetes.io/os" instead',
        ],
    ),
    (
        pod(
            topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "zone"}],
            affinity={
                "podAffinity": {REQUIRED: [{"topologyKey": "zone"}, {"topologyKey": "zone", "labelSelector": {}}]},
                "podAntiAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}]},
            },
        ),
        [
            f"spec.topologySpreadConstraints[0].labelSelector: {NULL}",
            f"spec.affinity.podAffinity.{REQUIRED}[0].labelSelector: {NULL}",
            f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NULL}",
        ],
    ),
    (
        pod(imagePullSecrets=[{"name": "a"}, {"name": "a"}, {}], hostAliases=ALIASES),
        [
            'spec.hostAliases[1].ip: duplicate ip "10.0.0.1"',
            'spec.imagePullSecrets[1].name: duplicate name "a"',
            'spec.imagePullSecrets[2].name: invalid empty name ""',
        ],
    ),
    (
        pod(containers=[{**C, "resources": {"requests": {"memory": "1500m", "cpu": "1500m"}}}]),
        ['spec.containers[0].resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer'],
    ),
    (
        pod({"seccomp.security.alpha.kubernetes.io/pod": "x", "scheduler.alpha.kubernetes.io/critical-pod": ""}),
        [
            "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the"
            ' "priorityClassName" field instead',
            "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the"
            ' "seccompProfile" field instead',
        ],
    ),
    (
        pod(
            volumes=[
                {"name": "v", "projected": {"sources": [TOKEN, {"secret": {"items": [{"key": "k", "path": "t"}]}}]}}
            ]
        ),
        ['spec.volumes[0].projected.sources.secrets[0]: has duplicated path with ServiceAccountToken "t"'],
    ),
    (made("Pod", {"containers": [C]}, name="a.b"), [f"metadata.name: this is used in the Pod's hostname, {DNS}"]),
    (
        made(
            "Service",
            {
                "clusterIP": "None",
                "type": "ClusterIP",
                "sessionAffinity": "ClientIP",
                "trafficDistribution": "PreferClose",
            },
        ),
        [
            "spec.SessionAffinity is ignored for headless services",
            'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
        ],
    ),
    (
        made("Ingress", {}, {"kubernetes.io/ingress.class": "x"}),
        ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"],
    ),
    (
        made("NetworkPolicy", {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.1/8", "except": ["10.1.0.0/16"]}}]}]}),
        [
            'spec.egress[0].to[0].ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be'
            ' "10.0.0.0/8" or "10.0.0.1/32"?)'
        ],
    ),
    (
        made("PersistentVolume", {"persistentVolumeReclaimPolicy": "Recycle"}),
        ["spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended"],
    ),
    (
        made("PersistentVolumeClaim", {}, {"volume.beta.kubernetes.io/storage-class": "x"}),
        ["metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use"],
    ),
]


@pytest.mark.parametrize(("given", "told"), CASES)
def test_what_is_told_of_a_new_object(given: Any, told: list[str]) -> None:
    found = builtin_kinds.warnings_of(given, None)
    assert len(found) == len(told), found
    assert all(one.startswith(begin) for one, begin in zip(found, told, strict=True)), found


@pytest.mark.parametrize(
    "kind", ["Deployment", "ReplicaSet", "ReplicationController", "Job", "DaemonSet", "StatefulSet"]
)
def test_templates_are_looked_at_where_they_stand_and_when_they_change(kind: str) -> None:
    apparmor = {"container.apparmor.security.beta.kubernetes.io/c": "runtime/default"}
    new, old = template(kind, apparmor), template(kind, apparmor)
    alias = 'spec.template.spec.hostAliases[1].ip: duplicate ip "10.0.0.1"'
    profile = (
        "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; "
        'use the "appArmorProfile" field instead'
    )
    named = kind not in ("DaemonSet", "StatefulSet")
    told = builtin_kinds.warnings_of(new, None)
    assert told[-2:] == [alias, profile]
    assert [one.startswith("metadata.name: this is used in Pod names and hostnames") for one in told[:-2]] == [
        True
    ] * named
    assert builtin_kinds.warnings_of(new, old) == []
    new.spec.template.spec.hostNetwork = True
    assert builtin_kinds.warnings_of(new, old) == [alias, profile]


def test_a_cron_jobs_pods_are_deep_inside() -> None:
    inner = {"spec": {"template": {"spec": {"containers": [C], "hostAliases": ALIASES}}}}
    (told,) = builtin_kinds.warnings_of(made("CronJob", {"jobTemplate": inner}), None)
    assert told == 'spec.jobTemplate.spec.template.spec.hostAliases[1].ip: duplicate ip "10.0.0.1"'


def test_pods_that_change_are_not_looked_at() -> None:
    assert builtin_kinds.warnings_of(pod(hostAliases=ALIASES), pod()) == []
    assert builtin_kinds.warnings_of(made("ConfigMap", None), None) == []
