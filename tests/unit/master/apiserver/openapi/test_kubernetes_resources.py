"""What is served is what Kubernetes 1.36 serves in its stable versions, but for what is named here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from master.apiserver.openapi import discovery
from podlab.kinds import builtin

CHANGED = "get patch update"
ALL = f"create delete deletecollection {CHANGED} list watch"
PROXIED = "create delete get patch update"
# Of a group's version: resource, its kind, its short names behind a comma, and its subresources with their verbs.
# A resource is in a namespace unless it begins with an exclamation mark, and has all verbs unless others are named.
KUBERNETES = {
    "v1": """
        bindings Binding: create
        !componentstatuses ComponentStatus,cs: get list
        configmaps ConfigMap,cm
        endpoints Endpoints,ep
        events Event,ev
        limitranges LimitRange,limits
        !namespaces Namespace,ns: create delete get list patch update watch / finalize: update / status
        !nodes Node,no / proxy / status
        persistentvolumeclaims PersistentVolumeClaim,pvc / status
        !persistentvolumes PersistentVolume,pv / status
        pods Pod,po / attach: create get / binding: create / ephemeralcontainers / eviction: create / exec: create get
            / log: get / portforward: create get / proxy / resize / status
        podtemplates PodTemplate
        replicationcontrollers ReplicationController,rc / scale / status
        resourcequotas ResourceQuota,quota / status
        secrets Secret
        serviceaccounts ServiceAccount,sa / token: create
        services Service,svc / proxy / status
    """,
    "admissionregistration.k8s.io/v1": """
        !mutatingadmissionpolicies MutatingAdmissionPolicy
        !mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding
        !mutatingwebhookconfigurations MutatingWebhookConfiguration
        !validatingadmissionpolicies ValidatingAdmissionPolicy / status
        !validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding
        !validatingwebhookconfigurations ValidatingWebhookConfiguration
    """,
    "apiextensions.k8s.io/v1": "!customresourcedefinitions CustomResourceDefinition,crd,crds / status",
    "apiregistration.k8s.io/v1": "!apiservices APIService / status",
    "apps/v1": """
        controllerrevisions ControllerRevision
        daemonsets DaemonSet,ds / status
        deployments Deployment,deploy / scale / status
        replicasets ReplicaSet,rs / scale / status
        statefulsets StatefulSet,sts / scale / status
    """,
    "authentication.k8s.io/v1": """
        !selfsubjectreviews SelfSubjectReview: create
        !tokenreviews TokenReview: create
    """,
    "authorization.k8s.io/v1": """
        localsubjectaccessreviews LocalSubjectAccessReview: create
        !selfsubjectaccessreviews SelfSubjectAccessReview: create
        !selfsubjectrulesreviews SelfSubjectRulesReview: create
        !subjectaccessreviews SubjectAccessReview: create
    """,
    "autoscaling/v1": "horizontalpodautoscalers HorizontalPodAutoscaler,hpa / status",
    "autoscaling/v2": "horizontalpodautoscalers HorizontalPodAutoscaler,hpa / status",
    "batch/v1": """
        cronjobs CronJob,cj / status
        jobs Job / status
    """,
    "certificates.k8s.io/v1": "!certificatesigningrequests CertificateSigningRequest,csr / approval / status",
    "coordination.k8s.io/v1": "leases Lease",
    "discovery.k8s.io/v1": "endpointslices EndpointSlice",
    "events.k8s.io/v1": "events Event,ev",
    "flowcontrol.apiserver.k8s.io/v1": """
        !flowschemas FlowSchema / status
        !prioritylevelconfigurations PriorityLevelConfiguration / status
    """,
    "networking.k8s.io/v1": """
        !ingressclasses IngressClass
        ingresses Ingress,ing / status
        !ipaddresses IPAddress,ip
        networkpolicies NetworkPolicy,netpol
        !servicecidrs ServiceCIDR / status
    """,
    "node.k8s.io/v1": "!runtimeclasses RuntimeClass",
    "policy/v1": "poddisruptionbudgets PodDisruptionBudget,pdb / status",
    "rbac.authorization.k8s.io/v1": """
        !clusterrolebindings ClusterRoleBinding
        !clusterroles ClusterRole
        rolebindings RoleBinding
        roles Role
    """,
    "resource.k8s.io/v1": """
        !deviceclasses DeviceClass
        resourceclaims ResourceClaim / status
        resourceclaimtemplates ResourceClaimTemplate
        !resourceslices ResourceSlice
    """,
    "scheduling.k8s.io/v1": "!priorityclasses PriorityClass,pc",
    "storage.k8s.io/v1": """
        !csidrivers CSIDriver
        !csinodes CSINode
        csistoragecapacities CSIStorageCapacity
        !storageclasses StorageClass,sc
        !volumeattachments VolumeAttachment / status
        !volumeattributesclasses VolumeAttributesClass,vac
    """,
}
VERBS = {"proxy": PROXIED}
# What Podlab does not serve.
ABSENT: dict[str, set[str]] = {}
ABSENT_GROUPS = {
    "apiregistration.k8s.io/v1",
}
# What Podlab serves besides: the metrics API, which Kubernetes gets from an add-on.
BESIDES = {"metrics.k8s.io/v1beta1"}


def wanted(group_version: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for line in lines(KUBERNETES[group_version]) for one in resources(line)}


def lines(text: str) -> list[str]:
    """Those that begin with a slash go on with the one before."""
    joined: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("/"):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined


def resources(line: str) -> Iterator[dict[str, Any]]:
    whole, *below = line.split(" / ")
    named, _, verbs = whole.partition(": ")
    plural, words = named.split()
    kind, *short = words.split(",")
    base = {"namespaced": not plural.startswith("!")}
    plural = plural.removeprefix("!")
    yield {"name": plural, "kind": kind, "shortNames": short, "verbs": sorted((verbs or ALL).split()), **base}
    for part in below:
        name, _, verbs = part.partition(": ")
        yield {"name": f"{plural}/{name}", "verbs": sorted((verbs or VERBS.get(name, CHANGED)).split()), **base}


def served(group_version: str) -> dict[str, Any]:
    group, _, version = group_version.rpartition("/")
    told: Any = discovery.resources(builtin.catalog(), group, version)
    return {one["name"]: one for one in told["resources"]}


SERVED = {kind.api_version for kind in builtin.catalog().kinds}


def test_kubernetes_groups_and_versions_are_served() -> None:
    assert KUBERNETES.keys() - ABSENT_GROUPS <= SERVED <= KUBERNETES.keys() | BESIDES


@pytest.mark.parametrize("group_version", sorted(KUBERNETES.keys() & SERVED))
def test_resources_and_their_verbs_are_kubernetes_own(group_version: str) -> None:
    found, expected = served(group_version), wanted(group_version)
    assert found.keys() == expected.keys() - ABSENT.get(group_version, set())
    for name, one in found.items():
        told = {key: value for key, value in expected[name].items() if key != "shortNames"}
        assert {**{key: one[key] for key in told}, "verbs": sorted(one["verbs"])} == told
        if "/" not in name:
            assert list(one.get("shortNames", ())) == expected[name]["shortNames"], name
