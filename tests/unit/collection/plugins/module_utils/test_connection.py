from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.ansible_code import COLLECTION, load

from podlab import pki

connection = load("connection", COLLECTION)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    pki.ensure_certificate(pki.ensure_ca(tmp_path), tmp_path, "admin", "kubernetes-admin", ["system:masters"], [])
    return tmp_path


def asked(**given: Any) -> dict[str, Any]:
    return {"cluster": None, "kubeconfig": None, **given}


def test_a_cluster_s_folder_says_where_it_is(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = certificates / ".podlab/mine"
    folder.mkdir(parents=True)
    tls = {"ca": "../../ca.crt", "cert": "../../admin.crt", "key": "../../admin.key"}
    (folder / "client.yaml").write_text(yaml.safe_dump({"server": "192.0.2.1:7443,192.0.2.2:7443", "tls": tls}))
    monkeypatch.setenv("PODLAB_HOME", str(certificates))
    server = connection.server_of(asked(cluster="mine"))
    assert (server.host, server.port) == ("192.0.2.1", 6443)


def test_a_kubeconfig_s_context_of_now_is_taken(certificates: Path) -> None:
    def embedded(name: str) -> str:
        return base64.b64encode((certificates / name).read_bytes()).decode()

    cluster = {"server": "https://api.example:443", "certificate-authority-data": embedded("ca.crt")}
    user = {"client-certificate": "admin.crt", "client-key-data": embedded("admin.key"), "token": "t"}
    path = certificates / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "b",
                "contexts": [{"name": "a", "context": {}}, {"name": "b", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    server = connection.server_of(asked(kubeconfig=str(path)))
    assert (server.host, server.port, server.token) == ("api.example", 443, "t")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODLAB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(connection.ConnectionSettingsError, match=r"no .podlab/nowhere"):
        connection.server_of(asked(cluster="nowhere"))
    with pytest.raises(connection.ConnectionSettingsError, match=r"nothing.yaml: FileNotFoundError"):
        connection.server_of(asked(kubeconfig=str(tmp_path / "nothing.yaml")))
