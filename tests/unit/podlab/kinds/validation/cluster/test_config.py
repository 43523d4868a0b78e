from collections.abc import Callable
from typing import Any

import pytest

from podlab.core.v1 import config_pb2

Found = Callable[..., list[str]]


def config(**fields: Any) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata={"name": "conf", "namespace": "default"}, **fields)  # type: ignore[arg-type]


def secret(**fields: Any) -> config_pb2.Secret:
    return config_pb2.Secret(metadata={"name": "key", "namespace": "default"}, **fields)  # type: ignore[arg-type]


def test_data_of_all_sorts_is_fine(found: Found) -> None:
    assert found(config(data={"a.conf": "x", "_b": ""}, binaryData={"c": b"\xff"})) == []
    assert found(secret(data={"password": b"x"}, stringData={"user": "me"})) == []
    assert found(secret(type="kubernetes.io/tls", data={"tls.crt": b"", "tls.key": b""})) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"data": {"a/b": ""}}, 'data[a/b]: Invalid value: "a/b": a valid config key must consist of'),
        ({"data": {"..": ""}}, "data[..]: Invalid value: \"..\": must not be '..'"),
        ({"data": {"a": ""}, "binaryData": {"a": b""}}, 'binaryData[a]: Invalid value: "a": duplicate of key present'),
        ({"data": {"a": "x" * (1 << 20) + "y"}}, "data: Too long: may not be more than 1048576 bytes"),
    ],
)
def test_a_bad_config_map_is_told(found: Found, fields: dict[str, Any], told: str) -> None:
    assert told in found(config(**fields))[0]


def test_a_secret_of_a_known_type_needs_its_keys(found: Found) -> None:
    assert found(secret(type="kubernetes.io/tls", data={"tls.crt": b""})) == ["data[tls.key]: Required value"]
    assert found(secret(type="kubernetes.io/basic-auth")) == [
        "data[username]: Required value",
        "data[password]: Required value",
    ]


def test_an_immutable_config_map_stays_as_it_is(found: Found) -> None:
    old = config(data={"a": "1"}, immutable=True)
    assert found(config(data={"a": "1"}, immutable=True), old) == []
    assert found(config(data={"a": "2"}), old) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]


def test_a_secret_keeps_its_type_and_an_immutable_one_all(found: Found) -> None:
    assert found(secret(type="example.com/a"), secret()) == ['type: Invalid value: "example.com/a": field is immutable']
    frozen = secret(data={"a": b"1"}, immutable=True)
    assert found(secret(immutable=True), frozen) == ["data: Forbidden: field is immutable when `immutable` is set"]
