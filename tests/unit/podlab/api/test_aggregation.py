from __future__ import annotations

from podlab.api.aggregation import aggregated
from podlab.rbac.v1 import rbac_pb2


def role(name: str, *resources: str, **labels: str) -> rbac_pb2.ClusterRole:
    made = rbac_pb2.ClusterRole()
    made.metadata.name = name
    made.metadata.labels.update(labels)
    for resource in resources:
        made.rules.add(verbs=["get"], apiGroups=[""], resources=[resource])
    return made


def gathering(name: str, **labels: str) -> rbac_pb2.ClusterRole:
    made = role(name, to="all")
    for key, value in labels.items():
        made.aggregationRule.clusterRoleSelectors.add().matchLabels[key] = value
    return made


def resources(rules: list[rbac_pb2.PolicyRule]) -> list[str]:
    return [rule.resources[0] for rule in rules]


def test_the_rules_of_all_selected_roles_by_name_each_once() -> None:
    roles = [role("c", "pods", "nodes", to="all"), role("b", "pods", to="all"), role("a", "secrets", to="other")]
    assert resources(aggregated(gathering("all", to="all"), roles)) == ["pods", "nodes"]


def test_any_selector_selects_and_no_role_gathers_itself() -> None:
    all_of_it = gathering("all", to="all", also="this")
    all_of_it.rules.add(verbs=["get"], apiGroups=[""], resources=["own"])
    roles = [all_of_it, role("a", "pods", to="all"), role("b", "nodes", also="this")]
    assert resources(aggregated(all_of_it, roles)) == ["pods", "nodes"]
    assert aggregated(gathering("none", to="nothing"), roles) == []
