from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import BY_ADMIN

from master.apiserver.admission.plugin import AdmissionRequest
from master.apiserver.admission.plugins.pods import DefaultTolerationSeconds
from master.apiserver.admission.write import Write
from master.apiserver.registry import changes, subresources
from podlab.api import kinds
from podlab.apps.v1 import deployment_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import Conflict
from podlab.meta.v1 import meta_pb2

NOW = meta_pb2.Time(seconds=1_000_000)


def stored(message: Any) -> Any:
    """The message as it is after its creation, at revision 5."""
    resource = builtin_kinds.resource(message)
    changes.begin(message, resource, "uid-1", NOW)
    changes.set_defaults(message, resource)
    resource.strategy.prepare_for_create(message)
    message.metadata.resourceVersion = "5"
    return message


def deployment(replicas: int = 1) -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment(metadata=meta_pb2.ObjectMeta(name="web", namespace="default"))
    made.spec.replicas = replicas
    return made


def replaced(new: Any, old: Any) -> Any:
    write = Write.update(BY_ADMIN, new)
    part, strategy = subresources.of(write), builtin_kinds.resource(new).strategy
    after = part.complete(write.made_from(old), old, builtin_kinds.resource(old))
    part.prepare(after, old, strategy, NOW)
    return after


def test_what_only_the_cluster_sets_is_not_taken_from_the_caller() -> None:
    sent = deployment()
    sent.metadata.uid, sent.metadata.generation = "mine", 9
    sent.metadata.deletionTimestamp.seconds = sent.metadata.deletionGracePeriodSeconds = 1
    sent.status.replicas = 9
    made = stored(sent)
    assert (made.metadata.uid, made.metadata.generation, made.metadata.creationTimestamp) == ("uid-1", 1, NOW)
    assert not made.metadata.HasField("deletionTimestamp")
    assert not made.HasField("status")


def test_a_node_alone_comes_with_its_status() -> None:
    node = node_pb2.Node(metadata=meta_pb2.ObjectMeta(name="n1"))
    node.status.addresses.add(type="InternalIP", address="192.0.2.1")
    assert stored(node).status.addresses


async def test_new_pods_tolerate_lost_nodes_for_as_long_as_is_configured() -> None:
    pod = stored(pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web")))
    await DefaultTolerationSeconds(60).mutate(AdmissionRequest(Write.create(BY_ADMIN, pod), pod))
    assert {toleration.tolerationSeconds for toleration in pod.spec.tolerations} == {60}
    assert pod.spec.priority == 0


def test_the_same_manifest_again_changes_nothing() -> None:
    old = stored(deployment())
    assert replaced(deployment(), old) == old


def test_only_what_is_asked_for_counts_as_a_generation() -> None:
    old = stored(deployment())
    labelled = deployment()
    labelled.metadata.labels["a"] = "b"
    assert replaced(labelled, old).metadata.generation == 1
    assert replaced(deployment(2), old).metadata.generation == 2


def test_neither_side_of_a_write_is_changed_by_it() -> None:
    old, new = stored(deployment()), deployment(2)
    before = (old.SerializeToString(deterministic=True), new.SerializeToString(deterministic=True))
    replaced(new, old)
    changes.with_status(new, old, builtin_kinds.resource(new))
    assert (old.SerializeToString(deterministic=True), new.SerializeToString(deterministic=True)) == before


@pytest.mark.parametrize(("uid", "revision", "fits"), [("", "", True), ("uid-1", "5", True), ("uid-2", "", False)])
def test_preconditions_that_are_given_must_hold(uid: str, revision: str, fits: bool) -> None:
    old = stored(deployment())
    if fits:
        changes.check_preconditions(old, kinds.of(old), uid, revision)
        return
    with pytest.raises(Conflict, match="UID in precondition: uid-2"):
        changes.check_preconditions(old, kinds.of(old), uid, revision)
