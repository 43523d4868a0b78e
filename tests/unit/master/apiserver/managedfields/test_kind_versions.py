"""Versions of a kind as ownership sees them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from podlab_testing import builtin_kinds, custom_kinds

from master.apiserver.managedfields.kind_versions import KindVersions
from podlab.api import kinds
from podlab.api.serializer import codec
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.apply.versions import MissingVersion
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.kinds.custom.definition import resource_of
from podlab.kinds.resource import Resource

AUTOSCALERS = KindVersions(builtin_kinds.of(kinds.of(HorizontalPodAutoscaler)))


def two_versions() -> Resource:
    """v1beta1 owns the spec's config as a whole, v1 part by part."""
    other: dict[str, Any] = {**copy.deepcopy(custom_kinds.VERSION), "name": "v1beta1", "storage": False}
    other["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["config"] |= {
        "x-kubernetes-map-type": "atomic"
    }
    versions = [custom_kinds.VERSION, other]
    definition = codec.from_dict(custom_kinds.definition(versions=versions), kinds.of(CustomResourceDefinition))
    assert isinstance(definition, CustomResourceDefinition)
    definition.status.acceptedNames.CopyFrom(definition.spec.names)
    return resource_of(definition)


def crontab(**spec: object) -> Custom:
    made = codec.from_dict(custom_kinds.crontab(spec=spec), two_versions().kind)
    assert isinstance(made, Custom)
    return made


def test_each_version_has_a_shape_which_stays_the_same_one() -> None:
    one, two = AUTOSCALERS.shape("autoscaling/v1"), AUTOSCALERS.shape("autoscaling/v2")
    assert one is not two
    assert AUTOSCALERS.shape("autoscaling/v2") is two
    crontabs = KindVersions(two_versions())
    assert crontabs.shape("example.com/v1") is crontabs.shape("example.com/v1")
    assert crontabs.shape("example.com/v1") is not crontabs.shape("example.com/v1beta1")


def test_a_version_that_is_not_served_is_missing() -> None:
    with pytest.raises(MissingVersion):
        AUTOSCALERS.shape("autoscaling/v2beta1")
    with pytest.raises(MissingVersion):
        AUTOSCALERS.convert({}, "autoscaling/v2", "autoscaling/v2beta1")


def test_an_object_is_converted_by_way_of_the_stored_version() -> None:
    old = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50},
    }
    new = AUTOSCALERS.convert(old, "autoscaling/v1", "autoscaling/v2")
    assert new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert AUTOSCALERS.convert(new, "autoscaling/v2", "autoscaling/v1")["spec"]["targetCPUUtilizationPercentage"] == 50


def test_what_differs_is_told_in_the_terms_of_a_version() -> None:
    old, new = crontab(config={"a": 1, "b": 1}), crontab(config={"a": 2, "b": 1})
    new.metadata.labels["x"] = "1"
    changes = KindVersions(two_versions()).changes(old, new)
    label = ("f:metadata", "f:labels", "f:x")
    assert set(changes("example.com/v1").written) == {
        ("f:metadata", "f:labels"),
        label,
        ("f:spec", "f:config", "f:a"),
    }
    assert ("f:spec", "f:config") in changes("example.com/v1beta1").written
    assert label in changes("example.com/v1beta1").written
    assert not changes("example.com/v1").removed
    with pytest.raises(MissingVersion):
        changes("example.com/v2")


def test_objects_that_are_the_same_do_not_differ() -> None:
    found = KindVersions(two_versions()).changes(crontab(replicas=1), crontab(replicas=1))("example.com/v1")
    assert not found.written
    assert not found.removed
