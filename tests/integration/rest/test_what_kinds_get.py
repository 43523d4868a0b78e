"""What each kind gets that its author does not say, field by field as a Kubernetes 1.36 server answers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

LABELS = {"a": "b"}
SELECTOR = {"matchLabels": LABELS}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
POD_SPEC = {
    "containers": [
        {
            "name": "c", "image": "i:1", "resources": {}, "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
        }
    ],
    "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
    "securityContext": {}, "schedulerName": "default-scheduler",
}  # fmt: skip
PODS = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
ONCE = {"metadata": {}, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
ONCE_SPEC = {**POD_SPEC, "restartPolicy": "Never"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
BOUNDED = {"name": "c", "image": "i:1", "resources": {"limits": {"cpu": "1"}}}
IN_DEFAULT = "namespaces/default"
AUTOSCALED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], Any]] = {
    # where, the spec that is sent, the spec and the status that are answered
    "Deployment": (
        f"apis/apps/v1/{IN_DEFAULT}/deployments",
        {"selector": SELECTOR, "template": TEMPLATE},
        {
            "replicas": 1, "selector": SELECTOR, "template": PODS, "revisionHistoryLimit": 10,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "progressDeadlineSeconds": 600,
        },
        {},
    ),
    "ReplicaSet, whose template is no pod yet": (
        f"apis/apps/v1/{IN_DEFAULT}/replicasets",
        {"selector": SELECTOR, "template": {**TEMPLATE, "spec": {"containers": [BOUNDED]}}},
        {
            "replicas": 1, "selector": SELECTOR,
            "template": {**PODS, "spec": {**POD_SPEC, "containers": [{**POD_SPEC["containers"][0], **BOUNDED}]}},
        },
        {"replicas": 0},
    ),
    "ReplicationController": (
        f"api/v1/{IN_DEFAULT}/replicationcontrollers",
        {"template": TEMPLATE},
        {"replicas": 1, "selector": LABELS, "template": PODS},
        {"replicas": 0},
    ),
    "DaemonSet": (
        f"apis/apps/v1/{IN_DEFAULT}/daemonsets",
        {"selector": SELECTOR, "template": TEMPLATE},
        {
            "selector": SELECTOR, "template": PODS, "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        },
        {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
    ),
    "StatefulSet": (
        f"apis/apps/v1/{IN_DEFAULT}/statefulsets",
        {
            "serviceName": "s", "selector": SELECTOR, "template": TEMPLATE,
            "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}],
        },
        {
            "replicas": 1, "selector": SELECTOR, "template": PODS, "serviceName": "s",
            "volumeClaimTemplates": [
                {
                    "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {"name": "d"},
                    "spec": {**CLAIM, "volumeMode": "Filesystem"}, "status": {"phase": "Pending"},
                }
            ],
            "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        },
        {"replicas": 0, "availableReplicas": 0},
    ),
    "CronJob": (
        f"apis/batch/v1/{IN_DEFAULT}/cronjobs",
        {"schedule": "@daily", "jobTemplate": {"spec": {"template": ONCE}}},
        {
            "schedule": "@daily", "concurrencyPolicy": "Allow", "suspend": False, "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {}, "spec": {"template": {"metadata": {}, "spec": ONCE_SPEC}}},
        },
        {},
    ),
    "Job": (
        f"apis/batch/v1/{IN_DEFAULT}/jobs",
        {"template": {**ONCE, "metadata": {"labels": LABELS}}, "manualSelector": True, "selector": SELECTOR},
        {
            "parallelism": 1, "completions": 1, "backoffLimit": 6, "selector": SELECTOR, "manualSelector": True,
            "template": {"metadata": {"labels": LABELS}, "spec": ONCE_SPEC}, "completionMode": "NonIndexed",
            "suspend": False, "podReplacementPolicy": "TerminatingOrFailed",
        },
        {},
    ),
    "HorizontalPodAutoscaler": (
        f"apis/autoscaling/v2/{IN_DEFAULT}/horizontalpodautoscalers",
        {"maxReplicas": 3, "scaleTargetRef": AUTOSCALED},
        {
            "minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": AUTOSCALED,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
        {"desiredReplicas": 0, "currentMetrics": None},
    ),
    "Service": (
        f"api/v1/{IN_DEFAULT}/services",
        {"ports": [{"port": 80}], "clusterIP": "10.96.0.77"},
        {
            "ports": [{"protocol": "TCP", "port": 80, "targetPort": 80}], "clusterIP": "10.96.0.77",
            "clusterIPs": ["10.96.0.77"], "type": "ClusterIP", "sessionAffinity": "None", "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
        },
        {"loadBalancer": {}},
    ),
    "NetworkPolicy": (
        f"apis/networking.k8s.io/v1/{IN_DEFAULT}/networkpolicies",
        {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]},
        {"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP", "port": 80}]}], "policyTypes": ["Ingress"]},
        None,
    ),
    "PersistentVolumeClaim": (
        f"api/v1/{IN_DEFAULT}/persistentvolumeclaims",
        {**CLAIM, "storageClassName": "manual"},
        {**CLAIM, "storageClassName": "manual", "volumeMode": "Filesystem"},
        {"phase": "Pending"},
    ),
    "Namespace": ("api/v1/namespaces", {}, {"finalizers": ["kubernetes"]}, {"phase": "Active"}),
    "PodDisruptionBudget": (
        f"apis/policy/v1/{IN_DEFAULT}/poddisruptionbudgets",
        {"minAvailable": 1, "selector": SELECTOR},
        {"minAvailable": 1, "selector": SELECTOR},
        {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    ),
}  # fmt: skip


async def made(http: aiohttp.ClientSession, path: str, body: dict[str, Any], code: int = 201) -> Any:
    async with http.post(f"/{path}", json={"metadata": {"name": "web"}, **body}) as response:
        answer = await response.json()
    assert response.status == code, answer
    return answer


@pytest.mark.parametrize("case", CASES)
async def test_a_kind_gets_kubernetes_defaults_and_no_others(http: aiohttp.ClientSession, case: str) -> None:
    path, sent, spec, status = CASES[case]
    answer = await made(http, path, {"spec": sent})
    assert answer["spec"] == spec
    assert answer.get("status") == status


# Kinds without a spec, or whose whole is short: what is sent, and all that is answered but metadata.
WHOLE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Secret": (f"api/v1/{IN_DEFAULT}/secrets", {"stringData": {"a": "b"}}, {"type": "Opaque", "data": {"a": "Yg=="}}),
    "ConfigMap": (f"api/v1/{IN_DEFAULT}/configmaps", {}, {}),
    "ServiceAccount": (f"api/v1/{IN_DEFAULT}/serviceaccounts", {}, {}),
    "Endpoints": (
        f"api/v1/{IN_DEFAULT}/endpoints",
        {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]},
        {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80, "protocol": "TCP"}]}]},
    ),
    "EndpointSlice": (
        f"apis/discovery.k8s.io/v1/{IN_DEFAULT}/endpointslices",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"port": 80}]},
        {
            "addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {}}],
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        },
    ),
    "StorageClass": (
        "apis/storage.k8s.io/v1/storageclasses",
        {"provisioner": "example.com/p"},
        {"provisioner": "example.com/p", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    ),
    "PriorityClass": (
        "apis/scheduling.k8s.io/v1/priorityclasses", {"value": 7},
        {"value": 7, "preemptionPolicy": "PreemptLowerPriority"},
    ),
    "IngressClass": (
        "apis/networking.k8s.io/v1/ingressclasses",
        {"spec": {"controller": "example.com/c", "parameters": {"kind": "Thing", "name": "t"}}},
        {"spec": {"controller": "example.com/c", "parameters": {"kind": "Thing", "name": "t", "scope": "Cluster"}}},
    ),
    "Role": (f"apis/rbac.authorization.k8s.io/v1/{IN_DEFAULT}/roles", {}, {"rules": None}),
    "RoleBinding": (
        f"apis/rbac.authorization.k8s.io/v1/{IN_DEFAULT}/rolebindings",
        {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]},
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
        },
    ),
    "LimitRange": (
        f"api/v1/{IN_DEFAULT}/limitranges",
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}]}},
        {
            "spec": {
                "limits": [
                    {
                        "type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}, "default": {"cpu": "2"},
                        "defaultRequest": {"cpu": "2", "memory": "1Mi"},
                    }
                ]
            }
        },
    ),
    "Ingress": (
        f"apis/networking.k8s.io/v1/{IN_DEFAULT}/ingresses",
        {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
        {
            "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}},
            "status": {"loadBalancer": {}},
        },
    ),
    "Lease": (f"apis/coordination.k8s.io/v1/{IN_DEFAULT}/leases", {}, {"spec": {}}),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
async def test_the_rest_of_a_kind_is_what_kubernetes_answers(http: aiohttp.ClientSession, case: str) -> None:
    path, sent, wanted = WHOLE[case]
    answer = await made(http, path, sent)
    assert {name: answer[name] for name in answer if name not in ("kind", "apiVersion", "metadata")} == wanted
    metadata = answer["metadata"]
    assert metadata.keys() - {"generation", "namespace", "managedFields"} == {
        "name",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    }


async def test_a_pod_gets_what_its_template_does_not(http: aiohttp.ClientSession) -> None:
    body = {"spec": {"hostNetwork": True, "containers": [{**BOUNDED, "ports": [{"containerPort": 80}]}]}}
    spec = (await made(http, f"api/v1/{IN_DEFAULT}/pods", body))["spec"]
    (container,) = spec["containers"]
    assert spec["enableServiceLinks"] is True
    assert container["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    assert container["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]


async def test_a_volume_tells_since_when_its_phase_is_what_it_is(http: aiohttp.ClientSession) -> None:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}
    volume = await made(http, "api/v1/persistentvolumes", {"spec": spec})
    assert volume["spec"] == {
        **spec, "hostPath": {"path": "/a", "type": ""}, "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    }  # fmt: skip
    begun = volume["metadata"]["creationTimestamp"]
    assert volume["status"] == {"phase": "Pending", "lastPhaseTransitionTime": begun}
    for status, since in (
        ({"phase": "Available", "lastPhaseTransitionTime": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:00Z"),
        ({"phase": "Available"}, "2020-01-01T00:00:00Z"),
    ):
        async with http.put(
            "/api/v1/persistentvolumes/web/status", json={"metadata": {"name": "web"}, "status": status}
        ) as response:
            assert (await response.json())["status"] == {"phase": "Available", "lastPhaseTransitionTime": since}
    failed = {"phase": "Failed", "lastPhaseTransitionTime": "2020-01-01T00:00:00Z"}
    async with http.put(
        "/api/v1/persistentvolumes/web/status", json={"metadata": {"name": "web"}, "status": failed}
    ) as response:
        assert (await response.json())["status"]["lastPhaseTransitionTime"] >= begun


async def test_a_daemon_set_counts_its_templates(http: aiohttp.ClientSession) -> None:
    path, sent, _, _ = CASES["DaemonSet"]
    daemons = await made(http, path, {"spec": sent})
    other = {**TEMPLATE, "metadata": {"labels": {**LABELS, "c": "d"}}}
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "1"),
        ({"minReadySeconds": 3}, "1"),
        ({"template": other}, "2"),
    )
    for change, count in changes:
        daemons["spec"] |= change
        daemons["metadata"].pop("annotations")
        async with http.put(f"/{path}/web", json=daemons) as response:
            daemons = await response.json()
        assert daemons["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": count}


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [
        ("a/b/c", "Deployment", "unexpected GroupVersion string: a/b/c"),
        ("v1", "Deployment", "apiVersion must specify API group"),
        ("", "Deployment", "apiVersion must specify API group"),
        ("v1", "ReplicationController", ""),
        ("example.com/v1", "Thing", ""),
    ],
)
async def test_what_is_scaled_is_of_a_group(http: aiohttp.ClientSession, version: str, kind: str, told: str) -> None:
    spec = {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": version, "kind": kind, "name": "web"}}
    answer = await made(http, CASES["HorizontalPodAutoscaler"][0], {"spec": spec}, 422 if told else 201)
    if told:
        (cause,) = answer["details"]["causes"]
        assert (cause["field"], cause["message"]) == (
            "spec.scaleTargetRef.apiVersion",
            f'Invalid value: "{version}": {told}',
        )


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet, whose template is no pod yet", "DaemonSet", "StatefulSet"])
async def test_a_missing_selector_and_what_it_does_not_select_are_told_at_once(
    http: aiohttp.ClientSession, kind: str
) -> None:
    answer = await made(http, CASES[kind][0], {"spec": {"template": TEMPLATE}}, 422)
    fields = [cause["field"] for cause in answer["details"]["causes"]]
    assert fields == ["spec.selector", "spec.template.metadata.labels"]


async def test_a_bound_pod_is_labelled_with_where_its_node_stands(http: aiohttp.ClientSession) -> None:
    zone, region = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
    labels = {zone: "z1", region: "r1", "kubernetes.io/os": "linux"}
    await made(http, "api/v1/nodes", {"metadata": {"name": "n1", "labels": labels}})
    pods = f"api/v1/{IN_DEFAULT}/pods"
    await made(http, pods, {"spec": TEMPLATE["spec"], "metadata": {"name": "web", "labels": {zone: "x"}}})
    await made(http, f"{pods}/web/binding", {"target": {"kind": "Node", "name": "n1"}})
    async with http.get(f"/{pods}/web") as response:
        assert (await response.json())["metadata"]["labels"] == {zone: "z1", region: "r1"}


@pytest.mark.parametrize("taints", [[], [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]])
async def test_a_new_node_takes_no_pods_until_it_was_seen_to_be_ready(
    http: aiohttp.ClientSession, taints: list[dict[str, str]]
) -> None:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    node = await made(http, "api/v1/nodes", {"spec": {"taints": taints}, "status": status})
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
