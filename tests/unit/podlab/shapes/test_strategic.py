from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.apps.v1 import deployment_pb2
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.errors import BadRequest, Invalid
from podlab.policy.v1 import poddisruptionbudget_pb2
from podlab.shapes.messages import shape_of
from podlab.shapes.strategic import strategic_merge

POD = shape_of(pod_pb2.Pod)


def applied(document: Any, patch: Any) -> Any:
    """Within the spec of a pod."""
    return strategic_merge({"spec": document}, {"spec": patch}, POD)["spec"]


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def test_containers_are_merged_by_name_and_new_ones_come_first() -> None:
    before = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}
    patch = {"containers": [{"name": "c", "image": "z"}, {"name": "b", "image": "w"}]}
    assert applied(before, patch)["containers"] == [
        {"name": "c", "image": "z"},
        {"name": "a", "image": "x"},
        {"name": "b", "image": "w"},
    ]


def test_what_is_inside_a_container_is_merged_by_its_own_keys() -> None:
    container = {
        "name": "a",
        "env": [{"name": "X", "value": "1"}],
        "ports": [{"containerPort": 80, "name": "http"}],
        "volumeMounts": [{"mountPath": "/a", "name": "v"}],
        "command": ["a", "b"],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    }
    patch = {
        "name": "a",
        "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "volumeMounts": [{"mountPath": "/a", "readOnly": True}],
        "command": ["c"],
        "resources": {"limits": {"cpu": "2", "memory": None}},
    }
    assert applied({"containers": [container]}, {"containers": [patch]})["containers"] == [
        {
            "name": "a",
            "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}],
            "ports": [{"containerPort": 80, "name": "http", "protocol": "TCP"}],
            "volumeMounts": [{"mountPath": "/a", "name": "v", "readOnly": True}],
            "command": ["c"],
            "resources": {"limits": {"cpu": "2"}},
        }
    ]


@pytest.mark.parametrize("field", ["tolerations", "unheardOf"])
def test_other_lists_are_replaced_whole(field: str) -> None:
    assert applied({field: [{"key": "a"}]}, {field: [{"key": "b"}]}) == {field: [{"key": "b"}]}


def test_a_selector_of_a_budget_is_replaced_whole() -> None:
    before = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "minAvailable": 1}}
    patch = {"spec": {"selector": {"matchLabels": {"c": "d"}}}}
    assert strategic_merge(before, patch, shape_of(poddisruptionbudget_pb2.PodDisruptionBudget)) == {
        "spec": {"selector": {"matchLabels": {"c": "d"}}, "minAvailable": 1}
    }


def test_a_list_that_replaces_is_taken_as_it_is_twins_included() -> None:
    twins = [{"name": "X", "value": "1"}, {"name": "X", "value": "2"}]
    before = {"containers": [{"name": "a", "env": named("Y")}]}
    patch = {"containers": [{"name": "a", "env": [{"$patch": "replace"}, *twins]}]}
    assert applied(before, patch)["containers"] == [{"name": "a", "env": twins}]


def test_each_type_has_its_own_keys() -> None:
    def merge(message: Any, before: Any, patch: Any) -> Any:
        return strategic_merge(before, patch, shape_of(message))

    ports = {"spec": {"ports": [{"port": 80, "nodePort": 30080}]}}
    assert merge(service_pb2.Service, ports, {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}) == {
        "spec": {"ports": [{"port": 80, "nodePort": 30080, "targetPort": 8080}]}
    }
    taints = {"spec": {"taints": [{"key": "a"}]}}
    assert merge(node_pb2.Node, taints, {"spec": {"taints": [{"key": "b"}]}}) == {"spec": {"taints": [{"key": "b"}]}}
    conditions = {"status": {"conditions": [{"type": "A", "status": "True"}]}}
    changed = merge(node_pb2.Node, conditions, {"status": {"conditions": [{"type": "A", "status": "False"}]}})
    assert changed == {"status": {"conditions": [{"type": "A", "status": "False"}]}}
    template = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}}
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "a", "tty": True}]}}}}
    assert merge(deployment_pb2.Deployment, template, patch)["spec"]["template"]["spec"]["containers"] == [
        {"name": "a", "image": "x", "tty": True}
    ]


def test_finalizers_are_a_set() -> None:
    before = {"metadata": {"finalizers": ["a/x", "b/x"]}}
    patch = {"metadata": {"finalizers": ["c/x", "a/x"]}}
    assert strategic_merge(before, patch, POD)["metadata"]["finalizers"] == ["c/x", "a/x", "b/x"]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/x"], "finalizers": ["d/x"]}}
    assert strategic_merge(before, patch, POD)["metadata"]["finalizers"] == ["d/x", "b/x"]
    assert strategic_merge({}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, POD) == {"metadata": {}}


def test_null_removes_and_is_dropped_from_what_is_new() -> None:
    assert applied({"hostname": "a", "nodeSelector": {"x": "1"}}, {"hostname": None, "nodeSelector": None}) == {}
    assert applied({}, {"nodeSelector": {"a": None, "b": "1"}}) == {"nodeSelector": {"b": "1"}}


def test_directives_delete_and_replace() -> None:
    before = {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}], "nodeSelector": {"x": "1"}}
    assert applied(before, {"containers": [{"name": "a", "$patch": "delete"}]})["containers"] == [
        before["containers"][1]
    ]
    only = applied(before, {"containers": [{"$patch": "replace"}, {"name": "c", "image": "z"}]})
    assert only["containers"] == [{"name": "c", "image": "z"}]
    assert applied(before, {"nodeSelector": {"$patch": "replace", "y": "2"}})["nodeSelector"] == {"y": "2"}
    assert applied(before, {"nodeSelector": {"$patch": "delete"}})["nodeSelector"] == {}
    assert applied(before, {"nodeSelector": {"$patch": "merge", "y": "2"}})["nodeSelector"] == {"x": "1", "y": "2"}


def test_directives_leave_nothing_in_what_is_new() -> None:
    patch = {
        "containers": [{"name": "a", "$patch": "delete"}, {"name": "b", "env": [{"name": "X", "$patch": "delete"}]}],
        "$setElementOrder/containers": named("b"),
    }
    assert applied({}, patch) == {"containers": [{"name": "b", "env": []}]}


def test_a_union_keeps_only_the_keys_that_are_named() -> None:
    before = {"volumes": [{"name": "v", "emptyDir": {}}]}
    patch = {"volumes": [{"name": "v", "hostPath": {"path": "/x"}, "$retainKeys": ["name", "hostPath"]}]}
    assert applied(before, patch) == {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}
    with pytest.raises(BadRequest, match="it lacks 'hostPath'"):
        applied(before, {"volumes": [{"name": "v", "hostPath": {}, "$retainKeys": ["name"]}]})


def test_the_order_that_is_asked_for_is_made() -> None:
    before = {"containers": named("a", "b", "server", "c")}
    patch = {"$setElementOrder/containers": named("c", "b", "a", "d"), "containers": [{"name": "d", "image": "x"}]}
    # What only the server has stands where it stood, as far as that can be.
    assert [one["name"] for one in applied(before, patch)["containers"]] == ["server", "c", "b", "a", "d"]
    only_order = {"$setElementOrder/containers": named("b", "a")}
    assert [one["name"] for one in applied({"containers": named("a", "b")}, only_order)["containers"]] == ["b", "a"]
    with pytest.raises(BadRequest, match="The order in patch list doesn't match"):
        applied(before, {"$setElementOrder/containers": named("a", "b"), "containers": named("b", "a")})


@pytest.mark.parametrize(
    ("patch", "error", "why"),
    [
        ({"containers": [{"image": "x"}]}, Invalid, "spec.containers: .* does not contain declared merge key: name"),
        ({"containers": ["a"]}, Invalid, "expected an object in the list"),
        ({"containers": [{"name": "a", "$patch": "jump"}]}, BadRequest, "unknown patch type string 'jump'"),
        ({"containers": [{"name": "a", "$patch": "merge"}]}, BadRequest, "merging lists cannot yet be specified"),
        ({"nodeSelector": {"$patch": []}}, BadRequest, r"spec.nodeSelector.\$patch: unknown patch type a list"),
        ({"$setElementOrder/tolerations": []}, BadRequest, "a list that is not merged"),
        ({"$setElementOrder/containers": 1}, BadRequest, "expected a list"),
        ({"$deleteFromPrimitiveList/containers": []}, BadRequest, "holds objects"),
        ({"$retainKeys": "x"}, BadRequest, "expected a list of strings"),
    ],
)  # fmt: skip
def test_malformed_patches_are_refused_by_path(patch: Any, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        applied({"containers": named("a")}, patch)


NAMES = st.sampled_from("abcd")
VARIABLES = st.fixed_dictionaries({"name": NAMES}, optional={"value": NAMES})
ITEMS = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "image": NAMES,
        "env": st.lists(
            st.fixed_dictionaries({"name": NAMES}, optional={"value": NAMES}), unique_by=lambda e: e["name"]
        ),
    },
)
LISTS = st.lists(ITEMS, max_size=4, unique_by=lambda item: item["name"])
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries({}, optional={"finalizers": st.lists(NAMES, unique=True)}),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": LISTS,
                "volumes": LISTS,
                "tolerations": st.lists(ITEMS, max_size=2),
                "nodeSelector": st.dictionaries(NAMES, NAMES),
            },
        ),
    },
)
JUNK_KEYS = st.sampled_from(
    [
        "metadata", "spec", "containers", "env", "name", "volumes", "finalizers", "nodeSelector", "$patch",
        "$retainKeys",
        "$setElementOrder/containers", "$setElementOrder/finalizers", "$deleteFromPrimitiveList/finalizers",
    ]
)  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "delete", "replace", "merge", "spec"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JUNK_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(OBJECTS, OBJECTS)
def test_a_patch_applied_again_changes_nothing_and_inputs_stay_as_they_are(document: Any, patch: Any) -> None:
    before = copy.deepcopy((document, patch))
    once = strategic_merge(document, patch, POD)
    assert strategic_merge(once, patch, POD) == once
    assert (document, patch) == before


@given(OBJECTS)
def test_a_patch_of_nothing_yields_the_patch(patch: Any) -> None:
    assert strategic_merge({}, patch, POD) == patch


@given(OBJECTS, st.dictionaries(JUNK_KEYS, JUNK, max_size=4))
def test_junk_is_refused_in_no_other_way(document: Any, patch: Any) -> None:
    with contextlib.suppress(BadRequest, Invalid):
        strategic_merge(document, patch, POD)
