"""Namespaces on their way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from master.controllers.namespaces.namespace import conditions, deletion_order, is_being_deleted
from podlab.api.objects import condition
from podlab.core.v1 import namespace_pb2
from podlab.kinds import builtin
from podlab.v1.apiserver_pb2 import AggregatedContent, DeleteAggregatedContentResponse

NOW = 1_000_000


def test_pods_go_first_then_makers_before_what_they_make_and_events_last() -> None:
    names = [kind.name for kind in deletion_order(builtin.catalog())]
    assert names[:3] == ["Pod", "Deployment", "ReplicaSet"]
    assert names[-1] == "Event"
    assert not {"Node", "Namespace"} & set(names)


def test_only_a_deleted_namespace_that_is_held_by_us_is_emptied() -> None:
    namespace = namespace_pb2.Namespace()
    namespace.spec.finalizers.append("kubernetes")
    assert not is_being_deleted(namespace)
    namespace.metadata.deletionTimestamp.seconds = NOW
    assert is_being_deleted(namespace)
    del namespace.spec.finalizers[:]
    assert not is_being_deleted(namespace)


def test_what_is_left_is_counted_and_named(pod: Callable[..., Any]) -> None:
    held = pod()
    held.metadata.finalizers.append("example.com/keep")
    told = conditions([], {"pods": [held, pod()], "services": []}, ["services: no"], NOW)
    messages = {one.type: (one.status, one.message) for one in told}
    assert messages == {
        "NamespaceDeletionDiscoveryFailure": ("False", "All resources successfully discovered"),
        "NamespaceDeletionContentFailure": ("True", "Failed to delete all resource types: services: no"),
        "NamespaceContentRemaining": ("True", "Some resources are remaining: pods has 2 resource instances"),
        "NamespaceFinalizersRemaining": (
            "True",
            "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances",
        ),
    }


def test_the_time_of_a_condition_moves_only_with_its_value(pod: Callable[..., Any]) -> None:
    first = conditions([], {"pods": [pod()]}, [], NOW)
    assert conditions(first, {"pods": [pod()]}, [], NOW + 9) == first
    emptied = condition(conditions(first, {"pods": []}, [], NOW + 9), "NamespaceContentRemaining")
    assert emptied is not None
    assert (emptied.status, emptied.lastTransitionTime.seconds) == ("False", NOW + 9)


def test_what_other_servers_hold_counts_too_and_those_that_are_silent_are_named(pod: Callable[..., Any]) -> None:
    flunders = AggregatedContent(resource="flunders.wardle.io", count=2, finalizers=["example.com/keep"])
    elsewhere = DeleteAggregatedContentResponse(left=[flunders], failures=["no"], undiscovered=["a/v1", "b/v1"])
    told = conditions([], {"pods": [pod()]}, [], NOW, elsewhere)
    messages = {one.type: (one.reason, one.message) for one in told}
    stale = ", ".join(f"{one}: stale GroupVersion discovery: {one}" for one in ("a/v1", "b/v1"))
    assert messages == {
        "NamespaceDeletionDiscoveryFailure": (
            "DiscoveryFailed",
            "Discovery failed for some groups, 2 failing: "
            f"unable to retrieve the complete list of server APIs: {stale}",
        ),
        "NamespaceDeletionContentFailure": ("ContentDeletionFailed", "Failed to delete all resource types: no"),
        "NamespaceContentRemaining": (
            "SomeResourcesRemain",
            "Some resources are remaining: pods has 1 resource instances, flunders.wardle.io has 2 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances",
        ),
    }
