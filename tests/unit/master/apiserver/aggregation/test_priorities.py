"""Which groups and versions come first."""

from __future__ import annotations

from podlab_testing import builtin_kinds

from master.apiserver.aggregation import priorities
from master.apiserver.aggregation.priorities import ApiServicePriority, GroupVersion


def test_groups_come_by_their_greatest_priority_and_then_by_name() -> None:
    found = {
        GroupVersion("low", "v1"): ApiServicePriority(1, 1),
        GroupVersion("b", "v1"): ApiServicePriority(5, 1),
        GroupVersion("a", "v1"): ApiServicePriority(5, 1),
        GroupVersion("two", "v1"): ApiServicePriority(2, 1),
        GroupVersion("two", "v2"): ApiServicePriority(9, 1),
    }
    assert list(priorities.ordered(found)) == ["two", "a", "b", "low"]


def test_versions_come_by_priority_and_then_the_newest_stable_one_first() -> None:
    said = {"v1beta1": 100, "v2alpha1": 100, "v1": 100, "v3": 7, "v9alpha1": 200}
    found = {GroupVersion("g", version): ApiServicePriority(1, priority) for version, priority in said.items()}
    assert priorities.ordered(found) == {"g": ["v9alpha1", "v1", "v1beta1", "v2alpha1", "v3"]}


def test_the_group_of_apiservices_comes_before_all_others() -> None:
    found = {
        GroupVersion("", "v1"): ApiServicePriority(18_000, 1),
        GroupVersion(priorities.OWN, "v1"): priorities.OTHER,
    }
    assert list(priorities.ordered(found)) == [priorities.OWN, ""]


def test_every_built_in_group_version_has_the_priority_that_kubernetes_gives_it() -> None:
    served = {GroupVersion(kind.group, kind.version) for kind in builtin_kinds.CATALOG.kinds}
    assert served - priorities.BUILT_IN.keys() == {priorities.METRICS, GroupVersion(priorities.OWN, "v1")}


def test_a_group_version_knows_its_names() -> None:
    core, apps = GroupVersion("", "v1"), GroupVersion("apps", "v1")
    assert (core.service_name, core.path, core.api_version) == ("v1.", "/api/v1", "v1")
    assert (apps.service_name, apps.path, apps.api_version) == ("v1.apps", "/apis/apps/v1", "apps/v1")
