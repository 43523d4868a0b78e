"""kubectl describe and get, of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import MakeNamespace, pod
from podlab_testing.kubectl import Kubectl

# These have tests of their own: their objects come from somewhere else than a manifest.
ELSEWHERE = {
    "apiservices.apiregistration.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "certificatesigningrequests.certificates.k8s.io",
    "componentstatuses",
    "events.events.k8s.io",
    "ipaddresses.networking.k8s.io",
    "namespaces",
    "nodes",
    "nodes.metrics.k8s.io",
    "pods.metrics.k8s.io",
}
OWN_NAME = {"endpoints": "every-apart"}
CLUSTER_WIDE = (
    "clusterroles", "clusterrolebindings", "csidrivers", "csinodes", "deviceclasses", "flowschemas", "ingressclasses",
    "persistentvolumes", "priorityclasses", "prioritylevelconfigurations", "resourceslices", "runtimeclasses",
    "servicecidrs", "storageclasses", "volumeattachments", "volumeattributesclasses",
)  # fmt: skip
POD_TEMPLATE = ("Pod Template:", "Image: podlab.local/hello:1.0")


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> Iterator[str]:
    """One with an object of every kind; those that have no namespace have its name, and go at the end."""
    name = make_namespace()
    manifest = Path(__file__).with_name("every-kind.yaml").read_text().replace("NAMESPACE", name)
    administrator.inside(name)("apply", "-f", "-", stdin=manifest)
    yield name
    administrator("delete", ",".join(CLUSTER_WIDE), name, "--wait=false")


# The resource, its columns, what -o wide adds, and lines of its description.
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "configmaps": ("DATA AGE", "", ("color:", "blue", "BinaryData")),
    "secrets": ("TYPE DATA AGE", "", ("Type: Opaque", "word: 5 bytes")),
    "events": (
        "LAST SEEN TYPE REASON OBJECT MESSAGE",
        "SUBOBJECT SOURCE FIRST SEEN COUNT NAME",
        ("Reason: Looked", "Message: somebody looked at it"),
    ),
    "pods": (
        "READY STATUS RESTARTS AGE",
        "IP NODE NOMINATED NODE READINESS GATES",
        ("Status: Pending", "Node: <none>", "QoS Class: Burstable", "memory: 32Mi", "PodScheduled False"),
    ),
    "services": ("TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", "SELECTOR", ("Type: ClusterIP", "TargetPort: 8080/TCP")),
    "endpoints": ("ENDPOINTS AGE", "", ("Addresses: 192.0.2.7", "<unset> 80 TCP")),
    "endpointslices.discovery.k8s.io": ("ADDRESSTYPE PORTS ENDPOINTS AGE", "", ("AddressType: IPv4", "web 80 TCP")),
    "leases.coordination.k8s.io": ("HOLDER AGE", "", ("Holder Identity: somebody", "Lease Duration Seconds: 15")),
    "deployments.apps": (
        "READY UP-TO-DATE AVAILABLE AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("StrategyType: RollingUpdate", *POD_TEMPLATE),
    ),
    "replicasets.apps": (
        "DESIRED CURRENT READY AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("Replicas: 0 current / 0 desired", *POD_TEMPLATE),
    ),
    "replicationcontrollers": (
        "DESIRED CURRENT READY AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("Selector: app=every-controller", *POD_TEMPLATE),
    ),
    "daemonsets.apps": (
        "DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("Node-Selector: example.com/no=such", *POD_TEMPLATE),
    ),
    "statefulsets.apps": ("READY AGE", "CONTAINERS IMAGES", ("Update Strategy: RollingUpdate", *POD_TEMPLATE)),
    "controllerrevisions.apps": ("CONTROLLER REVISION AGE", "", ("Revision: 3",)),
    "jobs.batch": (
        "STATUS COMPLETIONS DURATION AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("Suspend: true", "Backoff Limit: 6", *POD_TEMPLATE),
    ),
    "cronjobs.batch": (
        "SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE",
        "CONTAINERS IMAGES SELECTOR",
        ("Schedule: 0 0 1 1 *", "Concurrency Policy: Allow", *POD_TEMPLATE),
    ),
    "horizontalpodautoscalers.autoscaling": (
        "REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
        "",
        ("Reference: Deployment/every", "Max replicas: 3"),
    ),
    "poddisruptionbudgets.policy": ("MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE", "", ("Min available: 1",)),
    "roles.rbac.authorization.k8s.io": ("CREATED AT", "", ("pods [] [] [get list]",)),
    "rolebindings.rbac.authorization.k8s.io": ("ROLE AGE", "USERS GROUPS SERVICEACCOUNTS", ("User jane",)),
    "clusterroles.rbac.authorization.k8s.io": ("CREATED AT", "", ("[/nowhere] [] [get]",)),
    "clusterrolebindings.rbac.authorization.k8s.io": ("ROLE AGE", "USERS GROUPS SERVICEACCOUNTS", ("Group readers",)),
    "serviceaccounts": ("SECRETS AGE", "", ("Image pull secrets: <none>",)),
    "resourcequotas": ("REQUEST LIMIT AGE", "", ("Resource Used Hard",)),
    "limitranges": ("CREATED AT", "", ("PersistentVolumeClaim storage - 1Gi - - -",)),
    "persistentvolumes": (
        "CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE",
        "VOLUMEMODE",
        ("Reclaim Policy: Retain", "Path: /nowhere"),
    ),
    "persistentvolumeclaims": (
        "STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE",
        "VOLUMEMODE",
        ("Status: Pending", "StorageClass: none"),
    ),
    "storageclasses.storage.k8s.io": (
        "PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE",
        "",
        ("VolumeBindingMode: WaitForFirstConsumer",),
    ),
    "priorityclasses.scheduling.k8s.io": (
        "VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY",
        "",
        ("Value: 1000", "Description: more than nothing"),
    ),
    "ingresses.networking.k8s.io": ("CLASS HOSTS ADDRESS PORTS AGE", "", ("Ingress Class: none", "web.example")),
    "ingressclasses.networking.k8s.io": ("CONTROLLER PARAMETERS AGE", "", ("Controller: example.com/none",)),
    "podtemplates": ("CONTAINERS IMAGES POD LABELS", "", ("App: every-template", "Image: podlab.local/hello:1.0")),
    "runtimeclasses.node.k8s.io": ("HANDLER AGE", "", ("Handler: runc",)),
    "csidrivers.storage.k8s.io": (
        "ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE",
        "",
        ("Attach Required: false",),
    ),
    "csinodes.storage.k8s.io": ("DRIVERS AGE", "", ("Node ID: n-1",)),
    "csistoragecapacities.storage.k8s.io": ("STORAGECLASSNAME CAPACITY AGE", "", ("Storage Class Name: fast",)),
    "volumeattachments.storage.k8s.io": ("ATTACHER PV NODE ATTACHED AGE", "", ("Attacher: disk.example.com",)),
    "volumeattributesclasses.storage.k8s.io": ("DRIVERNAME AGE", "", ("Driver Name: disk.example.com",)),
    "flowschemas.flowcontrol.apiserver.k8s.io": (
        "PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL",
        "",
        ("Matching Precedence: 1000",),
    ),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (
        "TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE",
        "",
        ("Nominal Concurrency Shares: 30",),
    ),
    "servicecidrs.networking.k8s.io": ("CIDRS AGE", "", ("CIDRs: 10.200.0.0/24",)),
    "deviceclasses.resource.k8s.io": ("AGE", "", ('Expression: device.driver == "gpu.example.com"',)),
    "resourceclaims.resource.k8s.io": ("STATE AGE", "", ("Device Class Name: gpus",)),
    "resourceclaimtemplates.resource.k8s.io": ("AGE", "", ("Device Class Name: gpus",)),
    "resourceslices.resource.k8s.io": ("NODE DRIVER POOL AGE", "", ("Driver: gpu.example.com",)),
    "networkpolicies.networking.k8s.io": (
        "POD-SELECTOR AGE",
        "",
        ("PodSelector: app=other", "To Port: 80/TCP", "Not affecting egress traffic"),
    ),
}


def words(text: str) -> list[str]:
    """Each line, its columns one space apart."""
    return [" ".join(line.split()) for line in text.splitlines()]


def name_of(resource: str, namespace: str) -> str:
    return namespace if resource.partition(".")[0] in CLUSTER_WIDE else OWN_NAME.get(resource, "every")


def test_no_kind_is_left_out(administrator: Kubectl) -> None:
    served = set(administrator.out("api-resources", "--verbs=list", "-o", "name").split())
    of_other_tests = {name for name in served if name.endswith((".example.com", ".podlab.io"))}
    assert served - ELSEWHERE - of_other_tests == set(KINDS)


@pytest.mark.parametrize("resource", KINDS)
def test_columns_are_those_that_kubernetes_prints(kubectl: Kubectl, namespace: str, resource: str) -> None:
    columns, more, _ = KINDS[resource]
    wide = kubectl.out("get", resource, name_of(resource, namespace), "-o", "wide").splitlines()[0].split()
    # Events have NAME last of all in their wide form, and their own columns stand apart.
    assert sorted(wide) == sorted([*("NAME" if resource != "events" else "").split(), *columns.split(), *more.split()])
    plain = kubectl.out("get", resource, name_of(resource, namespace)).splitlines()[0]
    assert " ".join(plain.split()) == (columns if resource == "events" else f"NAME {columns}")


# kubectl 1.32 asks for a beta version of these, which Kubernetes 1.36 does not serve either.
BETA_IN_KUBECTL = {"servicecidrs.networking.k8s.io", "volumeattributesclasses.storage.k8s.io"}


@pytest.mark.parametrize("resource", [kind for kind in KINDS if kind not in BETA_IN_KUBECTL])
def test_descriptions_say_what_there_is(kubectl: Kubectl, namespace: str, resource: str) -> None:
    said = words(kubectl.out("describe", resource, name_of(resource, namespace)))
    assert said[0] == f"Name: {name_of(resource, namespace)}"
    for line in KINDS[resource][2]:
        assert line in said


def test_nodes_and_namespaces_are_described_with_what_is_in_them(kubectl: Kubectl, namespace: str) -> None:
    node = kubectl.items("nodes")[0]["metadata"]["name"]
    said = words(kubectl.out("describe", "node", node))
    for line in (
        "Unschedulable: false",
        "Capacity:",
        "Allocatable:",
        "Allocated resources:",
        f"HolderIdentity: {node}",
    ):
        assert line in said
    assert any(line.startswith("Ready True") and line.endswith("kubelet is posting ready status") for line in said)
    said = words(kubectl.out("describe", "namespace", namespace))
    for line in ("Status: Active", "Resource Quotas", "PersistentVolumeClaim storage - 1Gi - - -"):
        assert line in said


def test_a_running_pod_is_described_with_its_events(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=pod("box"))
    kubectl("wait", "pod/box", "--for=condition=Ready", "--timeout=30s")
    told = kubectl.out("describe", "pod", "box")
    said = words(told)
    for line in (
        "Status: Running",
        "State: Running",
        "Ready: True",
        "Restart Count: 0",
        "NODE_NAME: (v1:spec.nodeName)",
    ):
        assert line in said
    assert "Readiness: http-get http://:8080/healthz delay=0s timeout=1s period=1s #success=1 #failure=3" in said
    assert {"Scheduled", "Pulled", "Created", "Started"} <= set(told.partition("Events:")[2].split())
    assert "Events:" not in kubectl.out("describe", "pod", "box", "--show-events=false")
    kubectl("delete", "pod", "box", "--now", "--wait=false")


def test_several_are_described_by_prefix_and_selector(kubectl: Kubectl) -> None:
    assert words(kubectl.out("describe", "cm", "ever"))[0] == "Name: every"
    assert words(kubectl.out("describe", "pods", "-l", "app=every"))[0] == "Name: every"
    assert kubectl.refused("describe", "cm", "nope") == 'Error from server (NotFound): configmaps "nope" not found'
