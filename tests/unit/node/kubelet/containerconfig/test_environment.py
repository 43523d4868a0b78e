"""A container's environment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.containerconfig import environment
from node.kubelet.containerconfig.environment import ConfigError, ConfigReference, EnvironmentContext
from podlab.core.v1 import config_pb2, service_pb2
from podlab.meta.v1 import meta_pb2

CONFIG = ConfigReference(config_pb2.ConfigMap, "settings")
SECRET = ConfigReference(config_pb2.Secret, "keys")


def _around(**more: object) -> EnvironmentContext:
    found = {
        CONFIG: config_pb2.ConfigMap(data={"colour": "blue", "size": "3"}, binaryData={"logo": b"\x89PNG"}),
        SECRET: config_pb2.Secret(data={"token": b"t0p"}),
    }
    return EnvironmentContext(
        "n1", ("192.0.2.7", "fd00::7"), **{"pod_ips": ("10.244.1.2",), "config_objects": found, **more}
    )


def _env(
    pod: MakePod, *variables: Json, around: EnvironmentContext | None = None, **container: object
) -> dict[str, str]:
    spec = pod(
        meta={"labels": {"app": "web"}},
        containers=[{"name": "web", "image": "i", "env": list(variables), **container}],
    )
    return environment.environment_variables(spec, spec.spec.containers[0], around or _around())


def test_variables_refer_to_earlier_ones(pod: MakePod) -> None:
    got = _env(
        pod,
        {"name": "HOST", "value": "db"},
        {"name": "URL", "value": "http://$(HOST):$(PORT)/$$(HOST)$$"},
        {"name": "PORT", "value": "80"},
    )
    assert got["URL"] == "http://db:$(PORT)/$(HOST)$"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "a"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['none']", ""),
        ("spec.nodeName", "n1"),
        ("status.hostIP", "192.0.2.7"),
        ("status.hostIPs", "192.0.2.7,fd00::7"),
        ("status.podIP", "10.244.1.2"),
    ],
)
def test_fields_of_the_pod_can_be_read(pod: MakePod, path: str, value: str) -> None:
    assert _env(pod, {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}})["X"] == value


def test_an_unknown_field_is_refused_by_name(pod: MakePod) -> None:
    with pytest.raises(ConfigError, match=r"spec\.colour"):
        _env(pod, {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.colour"}}})


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "1m", "500"),
        ("limits.cpu", "", "1"),
        ("limits.memory", "1Mi", "64"),
        ("requests.cpu", "1m", "250"),
        ("requests.memory", "", "0"),
    ],
)
def test_resources_of_the_container_can_be_read(pod: MakePod, resource: str, divisor: str, value: str) -> None:
    got = _env(
        pod,
        {"name": "X", "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor or "0"}}},
        resources={"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}},
    )
    assert got["X"] == value


def test_without_a_limit_the_nodes_allocatable_counts(pod: MakePod) -> None:
    around = _around(allocatable={"memory": meta_pb2.Quantity(string="4Gi")})
    variable = {"name": "X", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Gi"}}}
    assert _env(pod, variable, around=around)["X"] == "4"


def test_config_maps_and_secrets_give_single_keys_and_all_of_them(pod: MakePod) -> None:
    got = _env(
        pod,
        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "size", "value": "own"},
        envFrom=[{"configMapRef": {"name": "settings"}}, {"prefix": "K_", "secretRef": {"name": "keys"}}],
    )
    assert got == {"COLOUR": "blue", "TOKEN": "t0p", "colour": "blue", "size": "own", "K_token": "t0p"}


def test_binary_data_is_for_files_and_no_variable(pod: MakePod) -> None:
    assert "logo" not in _env(pod, envFrom=[{"configMapRef": {"name": "settings"}}])
    origin = {"configMapKeyRef": {"name": "settings", "key": "logo"}}
    with pytest.raises(ConfigError, match='couldn\'t find key logo in configmap "settings"'):
        _env(pod, {"name": "X", "valueFrom": origin})


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ({"configMapKeyRef": {"name": "gone", "key": "k"}}, 'configmap "gone" not found'),
        ({"secretKeyRef": {"name": "gone", "key": "k"}}, 'secret "gone" not found'),
        ({"configMapKeyRef": {"name": "settings", "key": "k"}}, 'couldn\'t find key k in configmap "settings"'),
    ],
)
def test_what_is_missing_is_named_unless_it_is_optional(pod: MakePod, origin: Json, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _env(pod, {"name": "X", "valueFrom": origin})
    optional = {kind: {**reference, "optional": True} for kind, reference in origin.items()}
    assert "X" not in _env(pod, {"name": "X", "valueFrom": optional})


def test_services_are_found_in_the_environment(pod: MakePod) -> None:
    def service(namespace: str, name: str, address: str) -> service_pb2.Service:
        made = builtin_kinds.read({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterIP": address, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
        })  # fmt: skip
        assert isinstance(made, service_pb2.Service)
        return made

    around = _around(
        services=(
            service("default", "kubernetes", "10.96.0.1"),
            service("default", "my-db", "10.96.0.9"),
            service("other", "far", "10.96.0.8"),
            service("default", "headless", "None"),
        )
    )
    got = _env(pod, around=around)
    assert got["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert got["MY_DB_SERVICE_HOST"] == "10.96.0.9"
    assert got["MY_DB_SERVICE_PORT_HTTP"] == "80"
    assert got["MY_DB_PORT_80_TCP"] == "tcp://10.96.0.9:80"
    assert not [name for name in got if name.startswith(("FAR", "HEADLESS"))]
    bare = pod(enableServiceLinks=False)
    only = environment.environment_variables(bare, bare.spec.containers[0], around)
    assert "KUBERNETES_SERVICE_HOST" in only
    assert "MY_DB_SERVICE_HOST" not in only


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text()))
def test_text_without_a_dollar_sign_is_never_changed(text: str, variables: dict[str, str]) -> None:
    plain = text.replace("$", "")
    assert environment.expand(plain, variables) == plain
