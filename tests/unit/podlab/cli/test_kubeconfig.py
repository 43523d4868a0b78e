import base64
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from podlab.cli import kubeconfig
from podlab.client.config import ClientConfig
from podlab.settings import SettingsError
from podlab.tls import Tls


@pytest.fixture
def config(tmp_path: Path) -> ClientConfig:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"the {name}")
    return ClientConfig("lab", "10.0.0.11:7443", Tls(tmp_path / "ca", tmp_path / "cert", tmp_path / "key"))


def test_a_kubeconfig_holds_all_that_kubectl_needs(config: ClientConfig) -> None:
    made = yaml.safe_load(kubeconfig.content(config))
    (cluster,), (user,), (context,) = made["clusters"], made["users"], made["contexts"]
    assert cluster["cluster"]["server"] == "https://10.0.0.11:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"the ca"
    assert base64.b64decode(user["user"]["client-certificate-data"]) == b"the cert"
    assert base64.b64decode(user["user"]["client-key-data"]) == b"the key"
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert made["current-context"] == context["name"]


@pytest.mark.parametrize(
    ("server", "endpoint", "url"),
    [
        ("10.0.0.11:7443,10.0.0.12:7443", "", "https://10.0.0.11:6443"),
        ("10.0.0.11:7443,10.0.0.12:7443", "api.example.org:443", "https://api.example.org:443"),
        ("[fd00::1]:7443", "", "https://[fd00::1]:6443"),
    ],
)
def test_of_several_api_servers_the_endpoint_is_named_or_the_first(
    config: ClientConfig, server: str, endpoint: str, url: str
) -> None:
    made = yaml.safe_load(kubeconfig.content(replace(config, server=server, endpoint=endpoint)))
    assert made["clusters"][0]["cluster"]["server"] == url


def test_nobody_else_can_read_it_even_where_a_readable_one_was(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    kubeconfig.write(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({}, ""),
        ({"http_proxy": "http://p:1"}, ""),
        ({"https_proxy": "http://p:1"}, "export NO_PROXY=10.0.0.11"),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "localhost"}, "export NO_PROXY=localhost,10.0.0.11"),
        ({"https_proxy": "http://p:1", "NO_PROXY": "localhost,10.0.0.11"}, ""),
        ({"https_proxy": ""}, ""),
    ],
)
def test_a_proxy_that_kubectl_would_ask_is_told_with_the_remedy(environment: dict[str, str], advice: str) -> None:
    warning = kubeconfig.proxy_warning("10.0.0.11", environment)
    assert warning.endswith(advice)
    assert bool(warning) == bool(advice)


def test_a_key_that_is_missing_is_named(config: ClientConfig) -> None:
    config.tls.key.unlink()
    with pytest.raises(SettingsError, match=r"key: cannot be read: .*make up"):
        kubeconfig.content(config)
