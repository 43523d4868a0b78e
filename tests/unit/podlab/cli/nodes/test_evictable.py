"""Which pods go when a node is drained, and what stands in the way."""

from typing import Any

import pytest

from podlab.cli.nodes.evictable import Allowed, leaving
from podlab.core.v1.pod_pb2 import Pod

EVERYTHING = Allowed(ignore_daemonsets=True, delete_emptydir_data=True, force=True)


def pod(name: str, owner: str = "ReplicaSet", *, volume: str = "", phase: str = "Running", **metadata: Any) -> Pod:
    made = Pod(metadata={"name": name, "namespace": "default", **metadata}, status={"phase": phase})
    if owner:
        made.metadata.ownerReferences.add(apiVersion="apps/v1", kind=owner, uid=f"uid-{owner}", controller=True)
    if volume:
        getattr(made.spec.volumes.add(name="v").volumeSource, volume).SetInParent()
    return made


MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}
CASES = [
    (pod("a"), "", ""),
    (pod("a", "Job", volume="configMap"), "", ""),
    (
        pod("a", "DaemonSet", volume="emptyDir"),
        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets",
        "stays",
    ),
    (pod("a", volume="emptyDir"), "cannot delete Pods with local storage (use --delete-emptydir-data to override)", ""),
    (pod("a", ""), "cannot delete Pods that declare no controller (use --force to override): default/a", ""),
    (pod("a", "", volume="emptyDir", phase="Succeeded"), "", ""),
    (pod("a", "DaemonSet", phase="Failed"), "", ""),
    (pod("a", "", **MIRROR), "", "stays"),
]


@pytest.mark.parametrize(("given", "refusal", "stays"), CASES)
def test_what_needs_leave_is_refused_without_it_and_told_with_it(given: Pod, refusal: str, stays: str) -> None:
    [*refused] = leaving([given], Allowed()).refusals
    assert len(refused) == bool(refusal)
    assert not refused or refused[0].startswith(refusal)
    found = leaving([given], EVERYTHING)
    assert found.refusals == []
    assert [one.split(": ")[1] for one in found.warnings] == ["default/a"] * bool(refusal)
    assert found.pods == ([] if stays else [given])


def test_all_that_stands_in_the_way_is_told_at_once() -> None:
    found = leaving([pod("a", ""), pod("b", ""), pod("c", volume="emptyDir")], Allowed())
    assert [one.rpartition(": ")[2] for one in found.refusals] == ["default/c", "default/a, default/b"]
