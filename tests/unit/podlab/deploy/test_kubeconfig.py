"""The administrator's kubeconfig follows the certificates, and keeps what else its owner wrote into it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from podlab import pki
from podlab.deploy import kubeconfig

CLUSTER = "blue"


def written(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_only_the_embedded_certificates_of_this_cluster_are_replaced(tmp_path: Path) -> None:
    path, folder = tmp_path / "kubeconfig", tmp_path / "pki"
    pki.ensure_certificate(pki.ensure_ca(folder), folder, "admin", "kubernetes-admin", ["system:masters"], [])
    other = {"name": "green", "cluster": {"server": "https://192.0.2.2:6443", "certificate-authority-data": "b2xk"}}
    own = {"server": "https://192.0.2.1:6443", "certificate-authority-data": "b2xk"}
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": CLUSTER, "cluster": own}, other],
                "users": [{"name": f"{CLUSTER}-admin", "user": {"client-key-data": "b2xk"}}],
                "current-context": "mine",
            }
        )
    )
    assert kubeconfig.renew(path, CLUSTER, folder)
    found = written(path)
    ca = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    assert found["clusters"] == [
        {"name": CLUSTER, "cluster": {"server": own["server"], "certificate-authority-data": ca}},
        other,
    ]
    key = base64.b64decode(found["users"][0]["user"]["client-key-data"])
    assert key == (folder / "admin.key").read_bytes()
    assert found["current-context"] == "mine"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not kubeconfig.renew(path, CLUSTER, folder)


def test_where_there_is_none_none_is_made(tmp_path: Path) -> None:
    assert not kubeconfig.renew(tmp_path / "kubeconfig", CLUSTER, tmp_path)
    assert not (tmp_path / "kubeconfig").exists()
