"""What a whole pod asks for and is limited to."""

from __future__ import annotations

from podlab_testing.kubelet_pods import make_pod

from podlab.api.pods import podresources

GIB = 1 << 30
ONE = {"name": "one", "image": "i", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}}


def test_what_a_pod_asks_for_as_a_whole_goes_before_its_containers_sum() -> None:
    spec = make_pod(
        containers=[ONE, {"name": "two", "image": "i"}],
        resources={"requests": {"cpu": "3"}, "limits": {"memory": "4Gi"}},
        overhead={"cpu": "500m"},
    ).spec
    assert podresources.whole(spec) == {"cpu": 3500}
    assert podresources.limits(spec) == {"cpu": 2, "memory": 4 * GIB}
    assert podresources.container_requests(spec) == {"cpu": 1}
    assert podresources.container_limits(spec) == {"cpu": 2, "memory": GIB}


def test_a_container_without_limits_has_its_pods() -> None:
    spec = make_pod(
        containers=[ONE, {"name": "two", "image": "i"}],
        resources={"limits": {"cpu": "3", "memory": "4Gi", "hugepages-2Mi": "4Mi"}},
    ).spec
    told = [
        {name: amount.string for name, amount in podresources.limits_of(spec, each).items()} for each in spec.containers
    ]
    assert told == [{"cpu": "2", "memory": "1Gi"}, {"cpu": "3", "memory": "4Gi"}]


def test_only_some_resources_are_had_as_a_whole() -> None:
    assert [name for name in ("cpu", "memory", "hugepages-2Mi", "ephemeral-storage", "e.org/gpu")
            if podresources.is_of_pods(name)] == ["cpu", "memory", "hugepages-2Mi"]  # fmt: skip
    assert not podresources.has_own(make_pod().spec)
    assert podresources.has_own(make_pod(resources={"limits": {"cpu": "1"}}).spec)
