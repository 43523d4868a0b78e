"""Inventories that `podlab init` and `podlab join` write."""

from pathlib import Path

import pytest

from podlab.cli.hosts import inventories
from podlab.cli.hosts.inventories import NewHost, first, joined, next_name, node_at, parse
from podlab.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("192.0.2.1", {"ansible_host": "192.0.2.1"}),
        ("root@host.example:2222", {"ansible_host": "host.example", "ansible_user": "root", "ansible_port": 2222}),
        ("ops@192.0.2.1", {"ansible_host": "192.0.2.1", "ansible_user": "ops", "ansible_become": "true"}),
        ("[2001:db8::1]:22", {"ansible_host": "2001:db8::1", "ansible_port": 22}),
    ],
)
def test_a_host_is_said_as_ssh_has_it(text: str, variables: dict[str, str | int]) -> None:
    assert parse(text, "m1").variables() == variables


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [("a b", "m1", "give .USER@.ADDRESS"), ("h:port", "m1", "is not a host"), ("h", "M_1", "is no name of a node")],
)
def test_what_is_no_host_or_name_is_refused(text: str, name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text, name)


def test_a_cluster_begins_with_one_host_and_grows_by_nodes_that_are_named_in_order(tmp_path: Path) -> None:
    document = first("mine", NewHost("192.0.2.1", "m1"))
    assert next_name(document) == "n1"
    document = joined(document, NewHost("192.0.2.2", "n1"))
    assert next_name(document) == "n2"
    assert [node_at(document, f"192.0.2.{number}") for number in (1, 2, 3)] == ["", "n1", ""]
    path = tmp_path / "mine/inventory/hosts.yml"
    inventories.save(path, document)
    assert (
        inventories.load(path)
        == document
        == {
            "all": {
                "vars": {"podlab_cluster": "mine"},
                "children": {
                    "masters": {"hosts": {"m1": {"ansible_host": "192.0.2.1"}}},
                    "nodes": {"hosts": {"m1": {}, "n1": {"ansible_host": "192.0.2.2"}}},
                },
            }
        }
    )


def test_what_a_user_added_stays(tmp_path: Path) -> None:
    document = first("mine", NewHost("192.0.2.1", "m1"))
    document["all"]["vars"]["podlab_pod_cidr"] = "10.0.0.0/16"  # type: ignore[index]
    assert joined(document, NewHost("192.0.2.2", "n1"))["all"]["vars"] == {  # type: ignore[index]
        "podlab_cluster": "mine",
        "podlab_pod_cidr": "10.0.0.0/16",
    }


@pytest.mark.parametrize("target", [NewHost("192.0.2.9", "m1"), NewHost("192.0.2.1", "n1")])
def test_a_host_that_is_there_is_refused_by_name_and_address(target: NewHost) -> None:
    with pytest.raises(SettingsError, match="m1 is there already"):
        joined(first("mine", NewHost("192.0.2.1", "m1")), target)


def test_an_inventory_of_another_form_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="begin with `podlab init HOST`"):
        inventories.load(tmp_path / "hosts.yml")
    with pytest.raises(SettingsError, match="add the host by hand"):
        next_name({"masters": {}})
