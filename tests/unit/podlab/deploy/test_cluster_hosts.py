"""A running cluster's nodes as an inventory has them."""

import pytest

from podlab.deploy.cluster_hosts import group_name, hosts_of

NODE = {
    "metadata": {"name": "n1", "labels": {"disk": "ssd", "node-role.kubernetes.io/edge": "", "a.b/c": "1.2"}},
    "spec": {"unschedulable": True},
    "status": {
        "addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "192.0.2.21"}],
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}],
    },
}


def test_a_node_is_in_groups_by_role_label_and_condition() -> None:
    (host,) = hosts_of([NODE])
    assert host.name == "n1"
    assert host.variables["ansible_host"] == "192.0.2.21"
    assert host.groups == (
        "nodes",
        "ready",
        "condition_memorypressure_false",
        "condition_ready_true",
        "label_a_b_c_1_2",
        "label_disk_ssd",
        "role_edge",
        "cordoned",
    )


def test_a_node_that_has_not_told_anything_is_not_ready_and_has_no_address() -> None:
    (host,) = hosts_of([{"metadata": {"name": "n2"}}])
    assert host.groups == ("nodes", "not_ready")
    assert "ansible_host" not in host.variables


@pytest.mark.parametrize(("text", "name"), [("label_a.b/c_D-e", "label_a_b_c_d_e"), ("role_x_", "role_x")])
def test_groups_are_called_what_ansible_takes(text: str, name: str) -> None:
    assert group_name(text) == name
