from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.builtin_kinds import CATALOG

from master.apiserver.app import encryption
from master.store.contract import Put
from master.store.sqlite.store import SqliteStore
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
    encryption.encrypted(tmp_path / "encryption/configuration.yaml", None, CATALOG)  # type: ignore[arg-type]


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
    "no such resource of a group": (
        {"resources": ("deployment.apps",)},
        "'deployment.apps' is no resource of this server",
    ),
    "twice": ({"resources": ("*.", "secrets")}, r"'secrets' is part of '\*\.' already; leave it out"),
    "all twice": ({"resources": ("*.*", "*.example.com")}, r"'\*.example.com' is part of '\*\.\*' already"),
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
        encryption.encrypted(configuration(tmp_path, **more), None, CATALOG)  # type: ignore[arg-type]
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("resources", "hidden", "plain"),
    [
        (("secrets",), ("core/secrets",), ("core/configmaps", "example.com/crontabs")),
        (("crontabs.example.com",), ("example.com/crontabs",), ("example.com/jobs", "core/secrets")),
        (
            ("*.example.com", "secrets"),
            ("example.com/crontabs", "core/secrets"),
            ("other.example.com/crontabs", "core/pods"),
        ),
        (("*.",), ("core/secrets", "core/pods"), ("apps/deployments",)),
        (("*.*",), ("core/secrets", "apps/deployments", "example.com/crontabs"), ()),
    ],
)
async def test_built_in_and_custom_resources_and_whole_groups_are_encrypted(
    resources: tuple[str, ...], hidden: tuple[str, ...], plain: tuple[str, ...], tmp_path: Path
) -> None:
    inner = await SqliteStore.open(tmp_path / "store.db")
    store = encryption.encrypted(configuration(tmp_path, resources=resources), inner, CATALOG)
    at = {place: f"/registry/{place}/default/a" for place in (*hidden, *plain)}
    await store.commit([*(Put(key, b"value", 0) for key in at.values()), Put("/claims/a", b"value", 0)])
    found = {place: await inner.get(key) for place, key in (at | {"claim": "/claims/a"}).items()}
    assert {place for place, entry in found.items() if entry is not None and entry.value == b"value"} == {
        *plain,
        "claim",
    }
    assert all([(await store.get(key)) is not None for key in at.values()])
    await store.close()
