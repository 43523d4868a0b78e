"""What Kubernetes' own controllers may do when each works as an account of its own.

Podlab's controllers all work as `system:kube-controller-manager`. Kubernetes' kube-controller-manager, put in their
place with --use-service-account-credentials, makes an account for each of its loops in kube-system and works as that.
Rules about group `extensions`, which is no more, are left out.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
"""

from __future__ import annotations

from typing import Final

from master.apiserver.authorization.default_roles import EVENTS, READ, binding, role, rule
from podlab.api.certificatestate import KUBELET_CLIENTS
from podlab.rbac.v1 import rbac_pb2

PREFIX: Final = "system:controller:"
_FOLLOW = "list watch"
_CHANGE = "patch update"
_ALL = f"{READ} create delete patch update"
_CERTIFICATES, _CLAIMS, _STORAGE = "certificates.k8s.io", "resource.k8s.io", "storage.k8s.io"
_SIGNERS = tuple(
    f"kubernetes.io/{name}"
    for name in ("legacy-unknown", "kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving")
)
_REPLICATED = (rule("create delete list patch watch", "", "pods"), EVENTS)

_RULES: Final[dict[str, tuple[rbac_pb2.PolicyRule, ...]]] = {
    "attachdetach-controller": (
        rule(_FOLLOW, "", "persistentvolumeclaims persistentvolumes pods"),
        rule(READ, "", "nodes"),
        rule(_CHANGE, "", "nodes/status"),
        rule(f"{READ} create delete", _STORAGE, "volumeattachments"),
        rule(READ, _STORAGE, "csidrivers csinodes"),
        EVENTS,
    ),
    "certificate-controller": (
        rule(f"{READ} delete", _CERTIFICATES, "certificatesigningrequests"),
        rule("update", _CERTIFICATES, "certificatesigningrequests/approval certificatesigningrequests/status"),
        rule("approve", _CERTIFICATES, "signers", KUBELET_CLIENTS),
        rule("sign", _CERTIFICATES, "signers", *_SIGNERS),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        EVENTS,
    ),
    "clusterrole-aggregation-controller": (
        rule(f"{READ} {_CHANGE} escalate", "rbac.authorization.k8s.io", "clusterroles"),
    ),
    "cronjob-controller": (
        rule(f"{READ} update", "batch", "cronjobs"),
        rule(_ALL, "batch", "jobs"),
        rule("update", "batch", "cronjobs/finalizers cronjobs/status"),
        rule("delete list watch", "", "pods"),
        EVENTS,
    ),
    "daemon-set-controller": (
        rule(READ, "apps", "daemonsets"),
        rule("update", "apps", "daemonsets/finalizers daemonsets/status"),
        rule(_FOLLOW, "", "nodes"),
        rule("create", "", "pods/binding"),
        rule(_ALL, "apps", "controllerrevisions"),
        *_REPLICATED,
    ),
    "deployment-controller": (
        rule(f"{READ} update", "apps", "deployments"),
        rule("update", "apps", "deployments/finalizers deployments/status"),
        rule(_ALL, "apps", "replicasets"),
        rule(f"{READ} update", "", "pods"),
        EVENTS,
    ),
    "device-taint-eviction-controller": (
        rule(f"{READ} delete", "", "pods"),
        rule(_CHANGE, "", "pods/status"),
        rule(READ, _CLAIMS, "deviceclasses resourceclaims resourceslices"),
        EVENTS,
    ),
    "disruption-controller": (
        rule(READ, "apps", "deployments replicasets statefulsets"),
        rule(READ, "", "replicationcontrollers"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule("update", "policy", "poddisruptionbudgets/status"),
        rule(_CHANGE, "", "pods/status"),
        rule("get", "*", "*/scale"),
        EVENTS,
    ),
    "endpoint-controller": (
        rule(READ, "", "pods services"),
        rule(f"{READ} create delete update", "", "endpoints"),
        rule("create", "", "endpoints/restricted"),
        EVENTS,
    ),
    "endpointslice-controller": (
        rule(READ, "", "nodes pods services"),
        rule("update", "", "services/finalizers"),
        rule(f"{READ} create delete update", "discovery.k8s.io", "endpointslices"),
        EVENTS,
    ),
    "endpointslicemirroring-controller": (
        rule(READ, "", "endpoints services"),
        rule("update", "", "endpoints/finalizers services/finalizers"),
        rule(f"{READ} create delete update", "discovery.k8s.io", "endpointslices"),
        EVENTS,
    ),
    "ephemeral-volume-controller": (
        rule(READ, "", "pods"),
        rule("update", "", "pods/finalizers"),
        rule(f"{READ} create", "", "persistentvolumeclaims"),
        EVENTS,
    ),
    "expand-controller": (
        rule(f"{READ} {_CHANGE}", "", "persistentvolumes"),
        rule(READ, "", "persistentvolumeclaims"),
        rule(_CHANGE, "", "persistentvolumeclaims/status"),
        EVENTS,
    ),
    "generic-garbage-collector": (rule(f"{READ} {_CHANGE} delete", "*", "*"), EVENTS),
    "horizontal-pod-autoscaler": (
        rule(READ, "autoscaling", "horizontalpodautoscalers"),
        rule("update", "autoscaling", "horizontalpodautoscalers/status"),
        rule("get update", "*", "*/scale"),
        rule(_FOLLOW, ",metrics.k8s.io", "pods"),
        rule(READ, "custom.metrics.k8s.io,external.metrics.k8s.io", "*"),
        EVENTS,
    ),
    "job-controller": (
        rule(f"{READ} {_CHANGE}", "batch", "jobs"),
        rule("update", "batch", "jobs/finalizers jobs/status"),
        *_REPLICATED,
    ),
    "legacy-service-account-token-cleaner": (
        rule("get", "", "configmaps", "kube-apiserver-legacy-service-account-token-tracking"),
        rule("delete patch", "", "secrets"),
    ),
    "namespace-controller": (
        rule(f"{READ} delete", "", "namespaces"),
        rule("update", "", "namespaces/finalize namespaces/status"),
        rule(f"{READ} delete deletecollection", "*", "*"),
    ),
    "node-controller": (
        rule(f"{READ} {_CHANGE} delete", "", "nodes"),
        rule(_CHANGE, "", "nodes/status pods/status"),
        rule(f"{READ} delete", "", "pods"),
        EVENTS,
    ),
    "persistent-volume-binder": (
        rule(f"{READ} create delete update", "", "persistentvolumes"),
        rule(f"{READ} update", "", "persistentvolumeclaims"),
        rule("update", "", "persistentvolumeclaims/status persistentvolumes/status"),
        rule(f"{READ} create delete", "", "pods"),
        rule(READ, _STORAGE, "storageclasses"),
        rule(_FOLLOW, "", "nodes"),
        rule("watch", "", "events"),
        EVENTS,
    ),
    "pod-garbage-collector": (
        rule("delete list watch", "", "pods"),
        rule(READ, "", "nodes"),
        rule("patch", "", "pods/status"),
    ),
    "pv-protection-controller": (rule(f"{READ} update", "", "persistentvolumes"), EVENTS),
    "pvc-protection-controller": (
        rule(f"{READ} update", "", "persistentvolumeclaims"),
        rule("update", "", "persistentvolumeclaims/status"),
        rule(READ, "", "pods"),
        EVENTS,
    ),
    "replicaset-controller": (
        rule(f"{READ} update", "apps", "replicasets"),
        rule("update", "apps", "replicasets/finalizers replicasets/status"),
        *_REPLICATED,
    ),
    "replication-controller": (
        rule(f"{READ} update", "", "replicationcontrollers"),
        rule("update", "", "replicationcontrollers/finalizers replicationcontrollers/status"),
        *_REPLICATED,
    ),
    "resource-claim-controller": (
        rule(READ, "", "pods"),
        rule("update", "", "pods/finalizers"),
        rule(_CHANGE, "", "pods/status"),
        rule(_ALL, _CLAIMS, "resourceclaims"),
        rule(_CHANGE, _CLAIMS, "resourceclaims/binding resourceclaims/status"),
        EVENTS,
    ),
    "resourcequota-controller": (
        rule(_FOLLOW, "*", "*"),
        rule("update", "", "resourcequotas/status"),
        EVENTS,
    ),
    "root-ca-cert-publisher": (rule("create update", "", "configmaps"), EVENTS),
    "route-controller": (rule(_FOLLOW, "", "nodes"), rule("patch", "", "nodes/status"), EVENTS),
    "selinux-warning-controller": (
        rule(READ, "", "persistentvolumeclaims persistentvolumes pods"),
        rule(READ, _STORAGE, "csidrivers"),
        EVENTS,
    ),
    "service-account-controller": (rule("create", "", "serviceaccounts"), EVENTS),
    "service-cidrs-controller": (
        rule(f"{READ} {_CHANGE}", "networking.k8s.io", "servicecidrs"),
        rule(_CHANGE, "networking.k8s.io", "servicecidrs/finalizers servicecidrs/status"),
        rule(READ, "networking.k8s.io", "ipaddresses"),
        EVENTS,
    ),
    "service-controller": (
        rule(READ, "", "services"),
        rule(_CHANGE, "", "services/status"),
        rule(_FOLLOW, "", "nodes"),
        EVENTS,
    ),
    "statefulset-controller": (
        rule(READ, "apps", "statefulsets"),
        rule("update", "apps", "statefulsets/finalizers statefulsets/status"),
        rule(_ALL, "", "pods"),
        rule("update", "", "pods/finalizers"),
        rule(_ALL, "apps", "controllerrevisions"),
        rule(f"{READ} create delete update", "", "persistentvolumeclaims"),
        EVENTS,
    ),
    "ttl-after-finished-controller": (rule(f"{READ} delete", "batch", "jobs"), EVENTS),
    "ttl-controller": (rule(f"{_FOLLOW} {_CHANGE}", "", "nodes"), EVENTS),
    "validatingadmissionpolicy-status-controller": (
        rule(READ, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        rule(f"get {_CHANGE}", "admissionregistration.k8s.io", "validatingadmissionpolicies/status"),
        EVENTS,
    ),
    "volumeattributesclass-protection-controller": (
        rule(READ, "", "persistentvolumeclaims persistentvolumes"),
        rule(f"{READ} update", _STORAGE, "volumeattributesclasses"),
        EVENTS,
    ),
}

CONTROLLER_ROLES: Final = tuple(role(PREFIX + name, *rules) for name, rules in _RULES.items())
CONTROLLER_BINDINGS: Final = tuple(binding(PREFIX + name, accounts=name) for name in _RULES)
