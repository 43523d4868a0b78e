from pathlib import Path
from typing import Any

import pytest

from podlab.preflight.inventory import InventoryError, parse_listing, parse_settings, read_inventory


def test_hosts_come_from_both_groups_and_their_children() -> None:
    listing = {
        "masters": {"hosts": ["m1"]},
        "nodes": {"children": ["rack1", "rack2"]},
        "rack1": {"hosts": ["n1"]},
        "rack2": {"hosts": ["n2", "m1"]},
        "others": {"hosts": ["printer"]},
    }
    hosts = parse_listing(listing, folder="/inventory")
    assert [(host.name, sorted(host.groups)) for host in hosts] == [
        ("m1", ["masters", "nodes"]),
        ("n1", ["nodes"]),
        ("n2", ["nodes"]),
    ]


def test_templates_in_variables_are_filled_in() -> None:
    variables = {
        "ansible_host": "{{ prefix }}.{{ inventory_hostname[1:] }}",
        "prefix": "192.0.2",
        "ansible_ssh_common_args": "-oUserKnownHostsFile={{ inventory_dir }}/known_hosts",
    }
    (host,) = parse_listing({"_meta": {"hostvars": {"n21": variables}}, "nodes": {"hosts": ["n21"]}}, folder="/lab")
    assert host.address == "192.0.2.21"
    assert host.variables["ansible_ssh_common_args"] == "-oUserKnownHostsFile=/lab/known_hosts"


def test_a_template_that_only_ansible_can_fill_is_left_as_it_is() -> None:
    secret = "{{ lookup('env', 'SECRET') }}"
    listing = {"_meta": {"hostvars": {"n1": {"ansible_password": secret}}}, "nodes": {"hosts": ["n1"]}}
    (host,) = parse_listing(listing, folder="/lab")
    assert host.variables["ansible_password"] == secret


def test_settings_of_the_ssh_connection_are_found_among_all() -> None:
    dump: list[dict[str, Any]] = [
        {"name": "HOST_KEY_CHECKING", "value": False},
        {"GALAXY_SERVERS": {}},
        {"CONNECTION_PLUGINS": [{"local": []}, {"ssh": [{"name": "ssh_args", "value": "-C"}]}]},
    ]
    assert parse_settings(dump) == {"HOST_KEY_CHECKING": False, "ssh_args": "-C"}


def test_an_inventory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"there is no inventory .*/nothing"):
        read_inventory([str(tmp_path / "nothing")])


def test_an_inventory_without_our_groups_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "hosts.ini"
    source.write_text("[webservers]\nw1\n")
    with pytest.raises(InventoryError, match="no host in the groups masters and nodes"):
        read_inventory([str(source)])
