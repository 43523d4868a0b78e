"""What pods ask for as a whole: what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create, validate_resizing

from podlab.core.v1 import pod_pb2

BOUND = {"name": "web", "image": "i:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}


def _pod(resources: dict[str, Any] | None, *containers: dict[str, Any]) -> pod_pb2.Pod:
    spec: dict[str, Any] = {"containers": [*containers] or [{"name": "web", "image": "i:1"}]}
    if resources is not None:
        spec["resources"] = resources
    made = builtin_kinds.read(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}, "spec": spec}
    )
    assert isinstance(made, pod_pb2.Pod)
    builtin_kinds.apply_defaults(made)
    return made


@pytest.mark.parametrize(
    "resources",
    [
        {"requests": {"cpu": "1", "memory": "1Gi"}},
        {"limits": {"cpu": "2", "memory": "2Gi", "hugepages-2Mi": "4Mi"}},
        {"requests": {"cpu": "3"}, "limits": {"memory": "1Gi"}},
    ],
)
def test_enough_for_all_containers_is_fine(resources: dict[str, Any]) -> None:
    assert validate_create(_pod(resources, BOUND)) == ()


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        ({"requests": {"cpu": "500m"}},
         'spec.resources.requests[cpu]: Invalid value: "500m": must be greater than or equal to aggregate container '
         "requests of 1"),
        ({"limits": {"memory": "512Mi"}, "requests": {"memory": "1Gi"}},
         'spec.resources.requests: Invalid value: "1Gi": must be less than or equal to memory limit of 512Mi'),
        ({"limits": {"cpu": "500m"}},
         'spec.resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'),
        ({"requests": {"ephemeral-storage": "1Gi"}},
         'spec.resources.requests[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", '
         '"hugepages-", "memory"'),
        ({"claims": [{"name": "gpu"}]},
         "spec.resources.claims: Forbidden: claims cannot be set for Resources at pod-level"),
        ({"limits": {"cpu": "2", "hugepages-2Mi": "3Mi"}},
         'spec.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of '
         "hugepages-2Mi"),
        ({"limits": {"hugepages-2Mi": "4Mi"}, "requests": {"hugepages-2Mi": "2Mi", "cpu": "1"}},
         'spec.resources.requests: Invalid value: "2Mi": must be equal to hugepages-2Mi limit of 4Mi'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_path_and_rule(resources: dict[str, Any], told: str) -> None:
    assert told in [str(one) for one in validate_create(_pod(resources, BOUND))]


def test_no_container_may_use_more_than_its_pod() -> None:
    own = {"requests": {"cpu": "100m"}, "limits": {"cpu": "2"}}
    pod = _pod({"limits": {"cpu": "1"}}, {**BOUND, "resources": own})
    told = [str(one) for one in validate_create(pod)]
    rule = "must be less than or equal to pod limits of 1"
    assert told == [f'spec.resources.containers[0][cpu].limits: Invalid value: "2": {rule}']


def test_a_pod_asks_for_what_its_containers_ask_for_and_else_for_its_limits() -> None:
    asking = {"name": "web", "image": "i:1", "resources": {"requests": {"cpu": "250m"}}}
    both = _pod({"limits": {"cpu": "1", "memory": "1Gi"}}, asking, {**asking, "name": "b"})
    told = {name: amount.string for name, amount in both.spec.resources.requests.items()}
    assert told == {"cpu": "500m", "memory": "1Gi"}
    assert not _pod(None, asking).spec.HasField("resources")


def test_processors_and_memory_of_the_whole_change_within_its_class() -> None:
    old = _pod({"limits": {"cpu": "2"}})
    assert validate_resizing(_pod({"limits": {"cpu": "4"}}), old) == ()
    removed = [str(one) for one in validate_resizing(_pod({"requests": {"cpu": "2"}}), old)]
    assert "spec.resources.limits: Forbidden: resource limits cannot be removed" in removed
    pages = _pod({"limits": {"cpu": "2", "hugepages-2Mi": "4Mi"}})
    assert [str(one) for one in validate_resizing(pages, old)] == [
        "spec: Forbidden: only cpu and memory resources are mutable"
    ]


def test_huge_pages_come_with_processors_or_memory() -> None:
    alone = {"name": "web", "image": "i:1", "resources": {"limits": {"hugepages-2Mi": "4Mi"}}}
    told = [str(one) for one in validate_create(_pod(None, alone))]
    assert told == ["spec.containers[0].resources: Forbidden: HugePages require cpu or memory"]
    alone["resources"]["limits"] |= {"memory": "64Mi"}  # type: ignore[index]
    assert validate_create(_pod(None, alone)) == ()
