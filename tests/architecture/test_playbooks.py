"""What holds for every role."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined, Environment
from podlab_testing.preflight_facts import FACTS
from podlab_testing.source_code import PROJECT

from master.apiserver.settings import ApiServerSettings
from master.controllers.settings import ControllersSettings
from master.scheduler.settings import SchedulerSettings
from node.dns.settings import DnsSettings
from node.ingress.settings import IngressSettings
from node.kubelet.settings import KubeletSettings
from node.proxy.settings import ProxySettings
from podlab import ports
from podlab.deploy.preflight.checks import existing, inventory, requirements
from podlab.deploy.preflight.hosts.facts import Host

ROLES = sorted(path for path in (PROJECT / "playbooks/roles").iterdir() if path.is_dir())

every_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(role / "meta/argument_specs.yml")["argument_specs"]["variables"].get("options") or {}
    return found


@every_role
def test_every_role_says_what_it_is_for_and_which_variables_it_takes(role: Path) -> None:
    specs = read(role / "meta/argument_specs.yml")["argument_specs"]["variables"]
    assert specs["short_description"]
    for name, option in options(role).items():
        assert option["type"], name
        assert option["description"], name


@every_role
def test_a_role_s_variables_carry_its_name_and_the_defaults_that_are_told_are_true(role: Path) -> None:
    given = read(role / "defaults/main.yml") or {}
    told = options(role)
    for name in (*told, *given, *(read(role / "vars/main.yml") or {})):
        assert name.startswith(f"{role.name}_")
    assert {name: option["default"] for name, option in told.items() if "default" in option} == {
        name: value for name, value in given.items() if "default" in told.get(name, {})
    }


@every_role
def test_every_variable_that_an_inventory_may_set_is_typed(role: Path) -> None:
    computed = {
        "podlab": {
            "addresses",
            "apiserver",
            "dns_address",
            "endpoint_names",
            "etcd_members",
            "groups",
            "masters",
            "node_ip",
            "nodes",
            "on_missing",
            "own_pki",
            "pki",
            "rest",
            "users",
        }
    }
    inner = {f"{role.name}_{name}" for name in computed.get(role.name, ())}
    assert set(read(role / "defaults/main.yml") or {}) - inner <= options(role).keys()


@every_role
def test_a_truth_that_is_given_as_text_is_one_too(role: Path) -> None:
    """INI inventories and `-e NAME=VALUE` say "false", which is a text that is not empty."""
    texts = [path.read_text() for path in role.parent.glob("*/*/*") if path.suffix in (".yml", ".j2")]
    for name in [name for name, option in options(role).items() if option["type"] == "bool"]:
        uses = re.findall(rf"\b{name}\b(?!:)(.{{7}})", "\n".join(texts))
        assert [use for use in uses if use != " | bool"] == [], name


@every_role
def test_preflight_checks_the_types_of_every_role_s_variables(role: Path) -> None:
    checked = {role for roles in inventory.ROLES.values() for role in roles}
    assert not options(role) or role.name in checked


SETTINGS: dict[str, type[Any]] = {
    "master/templates/apiserver": ApiServerSettings,
    "master/templates/controllers": ControllersSettings,
    "master/templates/scheduler": SchedulerSettings,
    "node/templates/kubelet": KubeletSettings,
    "node/templates/proxy": ProxySettings,
    "node/templates/dns": DnsSettings,
    "ingress/templates/ingress": IngressSettings,
}


def rendered(template: Path, **known: object) -> str:
    """With the roles' defaults; what only an inventory can say is empty."""
    environment = Environment(undefined=ChainableUndefined, trim_blocks=True)
    environment.filters.update(to_json=json.dumps, bool=bool)
    return environment.from_string(template.read_text()).render(**plain_values(), **known)


def plain_values() -> dict[str, Any]:
    paths = [role / kind / "main.yml" for role in ROLES for kind in ("defaults", "vars")]
    values = {name: value for path in paths for name, value in (read(path) or {}).items()}
    return {name: value for name, value in values.items() if "{{" not in json.dumps(value)}


def differing(settings: Any, written: dict[str, Any], where: str = "") -> Iterator[str]:
    """Settings that a file gives another value than they have without it."""
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        value, path = written.get(field.name), f"{where}{field.name}"
        arms = typing.get_args(hints[field.name]) if isinstance(hints[field.name], types.UnionType) else ()
        inner = next((arm for arm in (hints[field.name], *arms) if dataclasses.is_dataclass(arm)), None)
        if inner is not None and isinstance(value, dict):
            yield from differing(inner, value, f"{path}.")
            continue
        made = field.default_factory is not dataclasses.MISSING
        default = field.default_factory() if made else field.default  # type: ignore[misc]
        default = (
            list(default) if isinstance(default, tuple) else str(default) if isinstance(default, Path) else default
        )
        if value is not None and default not in (dataclasses.MISSING, None, value):
            yield f"{path} is {value!r} in the role, {default!r} in the component"


@pytest.mark.parametrize("template", SETTINGS)
def test_what_a_role_gives_a_component_by_default_is_the_component_s_own_default(template: str) -> None:
    written = yaml.safe_load(rendered(PROJECT / f"playbooks/roles/{template}.yaml.j2"))
    assert {field.name for field in dataclasses.fields(SETTINGS[template])} >= written.keys()
    assert not list(differing(SETTINGS[template], written))


def test_every_component_that_has_settings_is_held_to_them() -> None:
    found = (path for role in ROLES for path in role.glob("templates/*.yaml.j2"))
    assert {
        f"{path.parents[1].name}/templates/{path.name.removesuffix('.yaml.j2')}" for path in found
    } == SETTINGS.keys()


def test_preflight_takes_the_same_defaults_as_the_roles() -> None:
    values = plain_values()
    bare = requirements.networks(Host(name="h"))
    assert bare.pods == IPv4Network(values["podlab_pod_cidr"])
    assert bare.services == IPv4Network(values["podlab_service_cidr"])
    master, made = Host(name="h"), {"podlab_cluster": values["podlab_cluster"]}
    assert list(existing.found_name([master], {"h": replace(FACTS, made_with=made)})) == []
    told = options(PROJECT / "playbooks/roles/preflight")["preflight_disk_mib"]["default"]
    assert requirements.required_amounts(Host(name="h")).room_bytes["/var/lib/podlab"] == told << 20


@pytest.mark.parametrize(
    "variables",
    [{}, {"ansible_host": "192.0.2.1"}, {"ansible_ssh_host": "192.0.2.2"}, {"podlab_address": "192.0.2.3"}],
    ids=str,
)
def test_a_host_is_to_preflight_where_it_is_to_the_roles(variables: dict[str, str]) -> None:
    default = Environment().from_string(read(PROJECT / "playbooks/roles/podlab/defaults/main.yml")["podlab_address"])
    known = {"inventory_hostname": "h", **variables}
    address = variables.get("podlab_address", default.render(**known))
    assert Host(name="h", variables=variables).cluster_address == address


def test_the_ports_that_the_roles_give_are_the_components_own() -> None:
    given = read(PROJECT / "playbooks/roles/podlab/vars/main.yml")["podlab_ports"]
    assert given == {name.lower(): value for name, value in vars(ports).items() if name.isupper()}


def test_the_settings_that_all_share_need_no_other_role() -> None:
    others = "|".join(role.name for role in ROLES if role.name != "podlab")
    for kind in ("defaults", "vars"):
        text = (PROJECT / f"playbooks/roles/podlab/{kind}/main.yml").read_text()
        assert not re.findall(rf"\b(?:{others})_\w+", text)


UNITS = {
    name: unit
    for role, variable in (("master", "master_services"), ("node", "node_agents"), ("ingress", "ingress_services"))
    for name, unit in read(PROJECT / f"playbooks/roles/{role}/vars/main.yml")[variable].items()
    if "command" not in unit
}
# What every service has, whatever it may do beside.
HARDENED = (
    "NoNewPrivileges=yes",
    "LimitCORE=0",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictRealtime=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
)


def test_all_units_are_of_one_template() -> None:
    templates = [path for role in ROLES for path in role.rglob("*.service*")]
    assert templates == [PROJECT / "playbooks/roles/podlab/templates/podlab.service.j2"]


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_hardened_and_only_the_kubelet_sees_the_host_as_it_is(name: str) -> None:
    template = PROJECT / "playbooks/roles/podlab/templates/podlab.service.j2"
    lines = rendered(template, podlab_service=name, podlab_unit=UNITS[name]).splitlines()
    assert not [line for line in HARDENED if line not in lines]
    assert f"ExecStart=/opt/podlab/venv/bin/podlab-{name} --config /etc/podlab/{name}.yaml" in lines
    assert ("ProtectSystem=strict" in lines) == (f"User=podlab-{name}" in lines) == (name != "kubelet")
    assert (
        ("CapabilityBoundingSet=" in lines)
        == ("PrivateUsers=yes" in lines)
        == (name not in ("kubelet", "proxy", "dns"))
    )
