from pathlib import Path
from typing import Any

import pytest

from podlab.preflight.connection import Connection, plan_connection
from podlab.preflight.facts import Host


def plan(settings: dict[str, Any] | None = None, user_config: str = "", **variables: Any) -> Connection:
    return plan_connection(Host(name="n1", variables=variables), settings or {}, user_config)


def test_a_bare_host_is_reached_by_its_name() -> None:
    planned = plan()
    assert (planned.address, planned.port, planned.user, planned.keys) == ("n1", 22, None, ())
    assert planned.strict_host_key
    assert planned.known_hosts == (str(Path("~/.ssh/known_hosts").expanduser()), "/etc/ssh/ssh_known_hosts")


def test_variables_say_where_and_as_whom() -> None:
    planned = plan(
        ansible_host="192.0.2.21", ansible_port="2222", ansible_user="ops", ansible_ssh_private_key_file="/keys/ops"
    )
    assert (planned.address, planned.port, planned.user, planned.keys) == ("192.0.2.21", 2222, "ops", ("/keys/ops",))


def test_options_for_ssh_are_understood_in_all_their_forms() -> None:
    planned = plan(
        ansible_ssh_common_args='-oUserKnownHostsFile=/lab/known_hosts -o "GlobalKnownHostsFile /dev/null" '
        "-o IdentitiesOnly=yes -i /keys/lab -J jump@gate"
    )
    assert planned.known_hosts == ("/lab/known_hosts", "/dev/null")
    assert planned.only_these_keys
    assert planned.keys == ("/keys/lab",)
    assert planned.proxy_command == "ssh -W n1:22 jump@gate"


def test_the_first_of_two_options_counts_as_for_ssh() -> None:
    planned = plan({"ssh_args": "-o UserKnownHostsFile=/first"}, ansible_ssh_common_args="-oUserKnownHostsFile=/second")
    assert planned.known_hosts[0] == "/first"


@pytest.mark.parametrize(
    ("settings", "variables", "strict"),
    [
        ({"HOST_KEY_CHECKING": False}, {}, False),
        ({"HOST_KEY_CHECKING": False}, {"ansible_host_key_checking": True}, True),
        ({}, {"ansible_ssh_host_key_checking": "false"}, False),
        ({}, {"ansible_ssh_extra_args": "-o StrictHostKeyChecking=no"}, False),
        ({}, {"ansible_ssh_extra_args": "-o StrictHostKeyChecking=accept-new"}, False),
        ({}, {"ansible_ssh_extra_args": "-o StrictHostKeyChecking=yes"}, True),
    ],
)
def test_host_keys_are_checked_unless_turned_off(
    settings: dict[str, Any], variables: dict[str, Any], strict: bool
) -> None:
    assert plan(settings, **variables).strict_host_key is strict


def test_the_users_ssh_configuration_comes_last() -> None:
    config = "Host n1\n  HostName 192.0.2.99\n  User me\n  Port 2200\n  IdentityFile /keys/me\n"
    planned = plan(user_config=config)
    assert (planned.address, planned.port, planned.user, planned.keys) == ("192.0.2.99", 2200, "me", ("/keys/me",))
    assert plan(user_config=config, ansible_user="ops", ansible_port=22).user == "ops"
    assert plan({"DEFAULT_REMOTE_USER": "deploy"}, user_config=config).user == "deploy"


def test_a_port_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="ansible_port is 'abc', not a port number"):
        plan(ansible_port="abc")


def test_a_local_connection_needs_no_ssh() -> None:
    assert plan(ansible_connection="local").local
