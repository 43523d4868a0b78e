from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from master.apiserver.app import encryption
from podlab.deploy import secret_encryption
from podlab.settings import SettingsError

KEY = {"name": "one", "secret": "MTIzNDU2Nzg5MDEyMzQ1Ng=="}


def configuration(
    tmp_path: Path, *, resources: tuple[str, ...] = ("secrets",), providers: Any = None, **more: Any
) -> Path:
    gcm = {"aesgcm": {"keys": [KEY]}}
    entry = {"resources": list(resources), "providers": [gcm] if providers is None else providers}
    path = tmp_path / "encryption.yaml"
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    path.write_text(yaml.safe_dump(head | {"resources": [entry]} | more))
    return path


def test_what_the_controller_makes_can_be_read(tmp_path: Path) -> None:
    assert secret_encryption.ensure(tmp_path) == ["encryption/current.key", "encryption/configuration.yaml"]
    assert secret_encryption.ensure(tmp_path) == []
    encryption.encrypted(tmp_path / "encryption/configuration.yaml", None)  # type: ignore[arg-type]


def test_a_renamed_key_still_reads(tmp_path: Path) -> None:
    secret_encryption.ensure(tmp_path)
    path = tmp_path / "encryption/configuration.yaml"
    (before,) = named(path)
    (tmp_path / "encryption/current.key").rename(tmp_path / "encryption/old.key")
    assert secret_encryption.ensure(tmp_path) == ["encryption/current.key", "encryption/configuration.yaml"]
    current, old = named(path)
    assert old == before != current
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in path.parent.iterdir())


def named(path: Path) -> list[dict[str, str]]:
    (entry,) = yaml.safe_load(path.read_text())["resources"]
    return list(entry["providers"][0]["aesgcm"]["keys"])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"kind": "Policy"}, "expected apiserver.config.k8s.io/v1 EncryptionConfiguration"),
    "no such resource": ({"resources": ("gadgets",)}, "'gadgets' is no resource of this server"),
    "identity first": ({"providers": [{"identity": {}}, {"aesgcm": {"keys": [KEY]}}]}, "expected aesgcm"),
    "no providers": ({"providers": []}, "expected aesgcm"),
    "no keys": ({"providers": [{"aesgcm": {"keys": []}}]}, "there is no key"),
    "short": ({"providers": [{"aesgcm": {"keys": [{"name": "k", "secret": "MTIz"}]}}]}, "16, 24 or 32 bytes"),
    "no base64": ({"providers": [{"aesgcm": {"keys": [{"name": "k", "secret": "?hunter2"}]}}]}, "in base64"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_configuration_that_means_nothing_is_refused(name: str, tmp_path: Path) -> None:
    more, told = BAD[name]
    with pytest.raises(SettingsError, match=told) as refused:
        encryption.encrypted(configuration(tmp_path, **more), None)  # type: ignore[arg-type]
    assert "hunter2" not in str(refused.value)
