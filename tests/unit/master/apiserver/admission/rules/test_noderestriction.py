from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from podlab_testing import builtin_kinds, storage

from master.apiserver.admission.rules.noderestriction import refusal, token_refusal
from podlab.api.pods.volumes import LOCAL_PATH, PROVISIONED_BY
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.authentication.v1.token_pb2 import BoundObjectReference, TokenRequestSpec
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab.storage.v1.csi_pb2 import CSINode


def node(**labels: str) -> node_pb2.Node:
    made = node_pb2.Node()
    made.metadata.name = "n1"
    made.metadata.labels.update(labels)
    return made


def mirror(**owner: Any) -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.annotations[MIRROR_ANNOTATION] = "hash"
    made.metadata.ownerReferences.add(
        **{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "uid-of-n1", "controller": True, **owner}
    )
    made.spec.nodeName = "n1"
    return made


def told(new: Any, old: Any = None, *, evicts: bool = False) -> str:
    return refusal("n1", new, old, lambda name: f"uid-of-{name}", evicts=evicts)


@pytest.mark.parametrize(
    ("key", "may"),
    [
        ("disk", True),
        ("example.com/disk", True),
        ("kubernetes.io/hostname", True),
        ("topology.kubernetes.io/zone", True),
        ("node.kubernetes.io/anything", True),
        ("mine.kubelet.kubernetes.io/anything", True),
        ("node-role.kubernetes.io/control-plane", False),
        ("kubernetes.io/other", False),
        ("k8s.io/other", False),
        ("a.k8s.io/other", False),
        ("node-restriction.kubernetes.io/pci", False),
        ("example.com.node-restriction.kubernetes.io/pci", False),
        ("notkubernetes.io/other", True),
    ],
)
def test_a_kubelet_sets_only_labels_that_are_its_own(key: str, may: bool) -> None:
    labelled = node(**{key: "x"})
    assert told(labelled) == ("" if may else f'node "n1" is not allowed to set the following labels: {key}')
    refused = "" if may else f"is not allowed to modify labels: {key}"
    assert told(labelled, node()) == told(node(), labelled) == told(node(**{key: "y"}), labelled) == refused
    assert told(labelled, labelled) == ""


def test_a_kubelet_makes_no_node_and_no_lease_but_its_own() -> None:
    other = node()
    other.metadata.name = "n2"
    assert told(other) == 'node "n1" is not allowed to modify node "n2"'
    assert told(other, other) == told(None, other) == told(other)
    lease = lease_pb2.Lease()
    lease.metadata.name, lease.metadata.namespace = "n1", "kube-node-lease"
    assert told(lease) == told(None, lease) == ""
    lease.metadata.namespace = "default"
    assert told(lease) == 'can only access leases in the "kube-node-lease" system namespace'
    lease.metadata.namespace = "kube-node-lease"
    lease.metadata.name = "n2"
    assert told(lease) == "can only access node lease with the same name as the requesting node"


def test_a_kubelet_gives_its_node_taints_only_when_it_registers() -> None:
    tainted = node()
    tainted.spec.taints.add(key="a", effect="NoSchedule")
    assert told(tainted) == ""
    assert told(tainted, node()) == told(node(), tainted) == 'node "n1" is not allowed to modify taints'
    assert told(tainted, tainted) == ""


def test_a_kubelet_gives_its_node_no_owner() -> None:
    owned = node()
    owned.metadata.ownerReferences.add(kind="Pod")
    assert told(owned, node()) == 'node "n1" is not allowed to modify ownerReferences'


def test_a_kubelet_creates_mirror_pods_of_its_own_only() -> None:
    assert told(mirror()) == ""
    plain, elsewhere, two, none, curious, account = (mirror() for _ in range(6))
    account.spec.serviceAccountName = "robot"
    plain.metadata.annotations.clear()
    elsewhere.spec.nodeName = "n2"
    two.metadata.ownerReferences.add(kind="Pod")
    del none.metadata.ownerReferences[:]
    curious.spec.volumes.add(name="v").volumeSource.secret.secretName = "key"
    only = 'node "n1" can only create pods with'
    wrong = [
        (plain, f'pod does not have "{MIRROR_ANNOTATION}" annotation, node "n1" can only create mirror pods'),
        (elsewhere, f"{only} spec.nodeName set to itself"),
        (two, f"{only} a single owner reference set to itself"),
        (none, f"{only} an owner reference set to itself"),
        (mirror(name="n2"), f"{only} an owner reference set to itself"),
        (mirror(controller=False), f"{only} a controller owner reference set to itself"),
        (mirror(blockOwnerDeletion=True), 'node "n1" must not set blockOwnerDeletion on an owner reference'),
        (mirror(uid="another"), "node n1 UID mismatch: expected another got uid-of-n1"),
        (account, 'node "n1" can not create pods that reference a service account'),
        (curious, 'node "n1" can not create pods that reference secrets'),
    ]
    for pod, why in wrong:
        assert told(pod) == why


def test_a_kubelet_changes_and_deletes_pods_of_its_own_only() -> None:
    mine, theirs = mirror(), mirror()
    theirs.spec.nodeName = "n2"
    assert told(mine, mine) == told(None, mine) == ""
    assert told(theirs, theirs) == 'node "n1" can only update pod status for pods with spec.nodeName set to itself'
    assert told(None, theirs) == 'node "n1" can only delete pods with spec.nodeName set to itself'
    assert told(None, mine, evicts=True) == ""
    assert told(None, theirs, evicts=True) == "node n1 can only evict pods with spec.nodeName set to itself"


def test_a_kubelet_tells_of_drivers_and_devices_of_its_own_node() -> None:
    for name, why in (("n1", ""), ("n2", "can only access CSINode with the same name as the requesting node")):
        drivers = CSINode(metadata=meta_pb2.ObjectMeta(name=name))
        assert told(drivers) == told(drivers, drivers) == told(None, drivers) == why
        devices = ResourceSlice()
        devices.spec.nodeName = name
        only = "ResourceSlice with the same NodeName as the requesting node"
        assert told(devices) == ("" if name == "n1" else f"can only create {only}")
        assert told(None, devices) == ("" if name == "n1" else f"can only delete {only}")
        assert told(devices, devices) == ""  # which the authorizer knows


@pytest.mark.parametrize(
    ("signer", "name", "why"),
    [
        ("kubernetes.io/kubelet-serving", "system:node:n1", ""),
        ("kubernetes.io/kubelet-serving", "system:node:n2", "can only create a node CSR with CN=system:node:n1"),
        ("kubernetes.io/kube-apiserver-client-kubelet", "jane", "can only create a node CSR with CN=system:node:n1"),
        ("example.com/other", "jane", ""),
    ],
)
def test_a_kubelet_asks_for_certificates_in_its_own_name(signer: str, name: str, why: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    pem = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    request = CertificateSigningRequest()
    request.spec.signerName, request.spec.request = signer, pem.public_bytes(serialization.Encoding.PEM)
    assert told(request) == why
    if signer == "kubernetes.io/kubelet-serving":
        request.spec.request = b"nothing"
        assert told(request) == "unable to parse csr: PEM block type must be CERTIFICATE REQUEST"


@pytest.mark.parametrize(
    ("audiences", "why"),
    [
        ([], ""),
        (["vault"], ""),
        (["allowed"], ""),
        (["vault", "other"], "node may only request 0 or 1 audiences"),
        (
            ["other"],
            'audience "other" not found in pod spec volume, system:node:n1 is not authorized to request tokens for '
            "this audience",
        ),
    ],
)
def test_a_kubelet_gets_tokens_for_audiences_that_the_pod_names(audiences: list[str], why: str) -> None:
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="a", uid="u-a"), spec=pod_pb2.PodSpec(nodeName="n1"))
    for audience in ("", "vault"):
        source = pod.spec.volumes.add(name="v").volumeSource.projected.sources.add()
        source.serviceAccountToken.audience = audience
        source.serviceAccountToken.path = "token"
    bound = BoundObjectReference(apiVersion="v1", kind="Pod", name="a", uid="u-a")
    spec = TokenRequestSpec(boundObjectRef=bound, audiences=audiences)
    assert token_refusal("n1", spec, lambda _: pod, lambda audience: audience == "allowed") == why


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({"status": {"capacity": {"storage": "2Gi"}}}, True),
        ({"status": {"conditions": [{"type": "FileSystemResizePending", "status": "True"}]}}, True),
        ({"status": {"allocatedResourceStatuses": {"storage": "NodeResizePending"}}}, True),
        ({"status": {"phase": "Lost"}}, False),
        ({"metadata": {"labels": {"a": "b"}}}, False),
        ({"spec": {"volumeName": "another"}}, False),
    ],
)
def test_a_kubelet_says_of_a_claim_how_large_its_volume_is_and_nothing_else(change: Any, may: bool) -> None:
    about = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "default"}}
    old = builtin_kinds.read(about)
    new = builtin_kinds.read({**about, **change, "metadata": {**about["metadata"], **change.get("metadata", {})}})
    why = 'node "n1" is not allowed to update fields other than status.capacity and status.conditions'
    assert refusal("n1", new, old, lambda _: "") == ("" if may else why)


@pytest.mark.parametrize(
    ("on", "change", "may"),
    [
        ("n1", {"finalizers": [LOCAL_PATH]}, True),
        ("n1", {"finalizers": ["kubernetes.io/pv-protection", LOCAL_PATH]}, True),
        ("n1", {"finalizers": [LOCAL_PATH, "another"]}, False),
        ("n1", {"labels": {"a": "b"}}, False),
        ("n2", {"finalizers": [LOCAL_PATH]}, False),
    ],
)
def test_a_kubelet_says_of_a_volume_on_its_node_that_it_holds_data_and_nothing_else(
    on: str, change: Any, may: bool
) -> None:
    here = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [on]}]}]
    old = storage.volume(
        annotations={PROVISIONED_BY: LOCAL_PATH},
        local={"path": "/srv/disk"},
        nodeAffinity={"required": {"nodeSelectorTerms": here}},
    )
    if "kubernetes.io/pv-protection" in change.get("finalizers", ()):
        old.metadata.finalizers.append("kubernetes.io/pv-protection")
    new = type(old)()
    new.CopyFrom(old)
    del new.metadata.finalizers[:]
    new.metadata.MergeFrom(meta_pb2.ObjectMeta(**change))
    assert (told(new, old) == "") is may


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u-a"}, ""),
        ({}, "node requested token not bound to a pod"),
        ({"kind": "Pod", "name": "a", "uid": "u-a"}, "node requested token not bound to a pod"),
        ({"apiVersion": "v1", "kind": "Node", "name": "n1"}, "node requested token not bound to a pod"),
        ({"apiVersion": "v1", "kind": "Pod", "name": "a"}, "node requested token with a pod binding without a uid"),
        (
            {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u-b"},
            "the UID in the bound object reference (u-b) does not match the UID in record. The object might have been "
            "deleted and then recreated",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "name": "far", "uid": "u-far"},
            "node requested token bound to a pod scheduled on a different node",
        ),
    ],
)
def test_a_kubelet_gets_tokens_for_pods_of_its_own_only(bound: dict[str, str], why: str) -> None:
    spec = TokenRequestSpec(boundObjectRef=BoundObjectReference(**bound) if bound else None)

    def pod_of(name: str) -> pod_pb2.Pod:
        metadata = meta_pb2.ObjectMeta(name=name, uid=f"u-{name}")
        found = pod_pb2.Pod(metadata=metadata, spec=pod_pb2.PodSpec(nodeName="n2" if name == "far" else "n1"))
        found.spec.volumes.add().volumeSource.projected.sources.add().serviceAccountToken.path = "token"
        return found

    assert token_refusal("n1", spec, pod_of) == why
