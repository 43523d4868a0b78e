import base64
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


def test_nobody_else_can_read_it_even_where_a_readable_one_was(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    kubeconfig.write(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_missing_is_named(config: ClientConfig) -> None:
    config.tls.key.unlink()
    with pytest.raises(SettingsError, match=r"key: cannot be read: .*make up"):
        kubeconfig.content(config)
