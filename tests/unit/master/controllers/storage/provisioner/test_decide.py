"""What the local-path provisioner makes, what it refuses, and what it lets go."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.storage import claim, kept_for, storage_class, volume

from master.controllers.storage.provisioner import decide
from podlab.api.pods.volumes import LOCAL_PATH, PROVISIONED_BY, is_kept_for, is_local_path, local_path_node, mismatch
from podlab.core.v1 import node_pb2

CLASS = storage_class("by-hand", provisioner=LOCAL_PATH, delayed=True)


def node(name: str = "n1", hostname: str = "") -> node_pb2.Node:
    made = node_pb2.Node()
    made.metadata.name = name
    if hostname:
        made.metadata.labels["kubernetes.io/hostname"] = hostname
    return made


REFUSED = [
    (claim(), {}, ""),
    (claim(accessModes=["ReadWriteOncePod"]), {"path": "/srv/volumes"}, ""),
    (claim(accessModes=["ReadWriteMany"]), {}, "only the access modes ReadWriteOnce and ReadWriteOncePod"),
    (claim(volumeMode="Block"), {}, "volumeMode Block is not supported"),
    (claim(selector={"matchLabels": {"a": "b"}}), {}, "claim.Spec.Selector is not supported"),
    (claim(), {"pth": "/srv"}, "parameter 'pth' of the class is not known; the only one is 'path'"),
    (claim(), {"path": "srv"}, "no absolute path: 'srv'"),
]


@pytest.mark.parametrize(("wanted", "parameters", "why"), REFUSED)
def test_what_a_directory_cannot_be_is_refused_with_the_reason(
    wanted: Any, parameters: dict[str, str], why: str
) -> None:
    given = storage_class(provisioner=LOCAL_PATH)
    given.parameters.update(parameters)
    told = decide.refusal(wanted, given, node())
    assert why in told
    assert bool(why) == bool(told)


def test_without_a_node_there_is_no_directory() -> None:
    assert "no node was chosen" in decide.refusal(claim(), CLASS, None)


def test_the_volume_is_what_the_claim_asks_for_and_its_own_on_that_node_and_the_same_each_time() -> None:
    wanted = claim(size="3Gi")
    made = decide.volume_for(wanted, CLASS, node(hostname="host-1"))
    assert mismatch(made, wanted) == ""
    assert is_kept_for(made, wanted)
    assert (is_local_path(made), local_path_node(made)) == (True, "host-1")
    assert made.spec.persistentVolumeSource.local.path == "/var/lib/podlab/kubelet/local-path/pvc-uid-data"
    assert made == decide.volume_for(wanted, CLASS, node(hostname="host-1"))
    assert made.metadata.name != decide.volume_name(claim(uid="another"))


AFFINITY = {
    "required": {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}
        ]
    }
}
LOCAL = {"local": {"path": "/srv/x"}, "nodeAffinity": AFFINITY, "claimRef": kept_for(uid="uid-data")}


def made(phase: str, policy: str, *, going: bool = False, held: bool = False) -> Any:
    given = volume(phase=phase, annotations={PROVISIONED_BY: LOCAL_PATH}, persistentVolumeReclaimPolicy=policy, **LOCAL)
    if going:
        given.metadata.deletionTimestamp.seconds = 1
    if held:
        given.metadata.finalizers.append(LOCAL_PATH)
    return given


GOES = [
    ("bound", made("Bound", "Delete"), False, False),
    ("released", made("Released", "Delete"), True, False),
    ("released and retained", made("Released", "Retain"), False, False),
    ("going already", made("Released", "Delete", going=True), False, False),
    ("going, its node removes the data", made("Released", "Delete", going=True, held=True), False, False),
    ("going, its data stays", made("Released", "Retain", going=True, held=True), False, True),
    ("going while bound", made("Bound", "Retain", going=True, held=True), False, False),
    ("made by hand", volume(phase="Released", persistentVolumeReclaimPolicy="Delete"), False, False),
]


@pytest.mark.parametrize(("given", "to_go", "nothing"), [case[1:] for case in GOES], ids=[case[0] for case in GOES])
def test_a_volume_goes_with_its_claim_and_waits_for_the_node_that_holds_its_data(
    given: Any, to_go: bool, nothing: bool
) -> None:
    assert decide.is_to_go(given) is to_go
    assert decide.holds_nothing(given, {"n1", "n2"}) is nothing


def test_a_node_that_is_gone_is_not_waited_for() -> None:
    assert decide.holds_nothing(made("Released", "Delete", going=True, held=True), {"n2"})
