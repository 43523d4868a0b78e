"""Settings of every component: one module name, one form, and each field read from the file that the role writes."""

from __future__ import annotations

import ast
import dataclasses
from importlib import import_module

import pytest
from podlab_testing.source_code import tree

from podlab.tls import Tls

COMPONENTS = {
    "master.apiserver": "ApiServerSettings",
    "master.controllers": "ControllersSettings",
    "master.scheduler": "SchedulerSettings",
    "node.kubelet": "KubeletSettings",
    "node.proxy": "ProxySettings",
    "node.dns": "DnsSettings",
    "node.ingress": "IngressSettings",
}
CALLED_BY_NOBODY = frozenset({"node.ingress"})


@pytest.mark.parametrize(("package", "name"), COMPONENTS.items())
def test_a_component_has_its_settings_in_settings_py_as_a_frozen_dataclass(package: str, name: str) -> None:
    settings = getattr(import_module(f"{package}.settings"), name)
    assert settings.__dataclass_params__.frozen
    fields = {field.name: field.type for field in dataclasses.fields(settings)}
    # A kubelet may run without an API server: then nobody calls it, and it calls nobody.
    assert fields["tls"] == (f"{Tls.__name__} | None" if package == "node.kubelet" else Tls.__name__)
    assert ({"bind_address", "port"} <= fields.keys()) == (package not in CALLED_BY_NOBODY)


@pytest.mark.parametrize(("package", "name"), COMPONENTS.items())
def test_a_component_runs_with_these_settings_and_defines_no_others(package: str, name: str) -> None:
    found = list(ast.walk(tree(f"{package}.main")))
    started = [one for one in found if isinstance(one, ast.Call) and ast.unparse(one.func) == "component.run"]
    assert [ast.unparse(one.args[1]) for one in started] == [name]
    classes = [one.name for one in found if isinstance(one, ast.ClassDef)]
    assert [one for one in classes if one.endswith(("Settings", "Config"))] == []
