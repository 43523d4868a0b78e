from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.images.pull_secrets import for_image
from podlab.core.v1 import config_pb2

ANN, BOB = RegistryCredentials("ann", "secret"), RegistryCredentials("bob", "other")


def secret(auths: Any, kind: str = "kubernetes.io/dockerconfigjson") -> config_pb2.Secret:
    modern = kind == "kubernetes.io/dockerconfigjson"
    value = {"auths": auths} if modern else auths
    key = ".dockerconfigjson" if modern else ".dockercfg"
    return config_pb2.Secret(type=kind, data={key: json.dumps(value).encode()})


def entry(of: RegistryCredentials) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{of.username}:{of.password}".encode()).decode()}


@pytest.mark.parametrize(
    ("server", "image", "fits"),
    [
        ("registry.example.com", "registry.example.com/team/web:1", True),
        ("https://registry.example.com/v2/", "registry.example.com/web", True),
        ("registry.example.com:5000", "registry.example.com:5000/web", True),
        ("registry.example.com", "registry.example.com:5000/web", False),
        ("registry.example.com/team", "registry.example.com/team/web", True),
        ("registry.example.com/team", "registry.example.com/teams/web", False),
        ("*.example.com", "registry.example.com/web", True),
        ("*.example.com", "deep.registry.example.com/web", False),
        ("https://index.docker.io/v1/", "nginx", True),
        ("docker.io", "library/nginx:1", True),
        ("docker.io", "registry.example.com/nginx", False),
    ],
)
def test_credentials_are_for_their_registry(server: str, image: str, fits: bool) -> None:
    assert for_image(image, [secret({server: entry(ANN)})]) == ((ANN,) if fits else ())


def test_the_most_specific_ones_come_first_and_each_once() -> None:
    wide, narrow = secret({"example.com": entry(ANN)}), secret({"example.com/team": entry(BOB)})
    assert for_image("example.com/team/web", [wide, narrow, wide]) == (BOB, ANN)


def test_both_forms_of_secrets_and_of_entries_are_read() -> None:
    plain = {"example.com": {"username": "ann", "password": "secret"}}
    assert for_image("example.com/web", [secret(plain, "kubernetes.io/dockercfg")]) == (ANN,)
    token = RegistryCredentials("", "", "token")
    assert for_image("example.com/web", [secret({"example.com": {"identitytoken": "token"}})]) == (token,)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"auths": 3}', b'{"auths": {"a.b": {"auth": "!"}}}'])
def test_a_broken_secret_has_no_credentials(data: bytes) -> None:
    broken = config_pb2.Secret(type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": data})
    assert for_image("a.b/c", [broken]) == ()


def test_what_is_secret_is_not_printed() -> None:
    assert "secret" not in repr(ANN)
