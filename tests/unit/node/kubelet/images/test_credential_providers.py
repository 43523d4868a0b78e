import json
from pathlib import Path

import pytest

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.images.credential_providers import CredentialProviders, read_config
from podlab.settings import SettingsError

VERSION = "credentialprovider.kubelet.k8s.io/v1"
PLUGIN = """#!/bin/sh
cat >> "$ASKED"; echo >> "$ASKED"
[ "$1" = fail ] && { echo no network >&2; exit 3; }
printf '%s' "$ANSWER"
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """The requests that the plugin was given."""
    (tmp_path / "asked").touch()
    program = tmp_path / "plugin"
    program.write_text(PLUGIN)
    program.chmod(0o755)
    return tmp_path / "asked"


def requests(asked: Path) -> list[str]:
    return asked.read_text().splitlines()


def providers(asked: Path, *, args: tuple[str, ...] = (), **answer: object) -> CredentialProviders:
    response = {
        "apiVersion": VERSION,
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "auth": {
            "*.example.com": {"username": "ann", "password": "wide"},
            "r.example.com/team": {"username": "bob", "password": "narrow"},
        },
        **answer,
    }
    environment = [{"name": "ASKED", "value": str(asked)}, {"name": "ANSWER", "value": json.dumps(response)}]
    entry = {
        "name": "plugin",
        "apiVersion": VERSION,
        "matchImages": ["*.example.com"],
        "defaultCacheDuration": "1h",
        "args": list(args),
        "env": environment,
    }
    return CredentialProviders(read_config(config(asked.parent, entry), asked.parent))


def config(directory: Path, *entries: dict[str, object], kind: str = "CredentialProviderConfig") -> Path:
    path = directory / "config.yaml"
    path.write_text(json.dumps({"apiVersion": "kubelet.config.k8s.io/v1", "kind": kind, "providers": entries}))
    return path


async def test_a_plugin_is_asked_once_for_a_registry_as_long_as_its_answer_holds(asked: Path) -> None:
    plugins = providers(asked)
    found = await plugins.for_image("r.example.com/team/web:1")
    assert found == (RegistryCredentials("bob", "narrow"), RegistryCredentials("ann", "wide"))
    assert await plugins.for_image("r.example.com/other:1") == (RegistryCredentials("ann", "wide"),)
    (request,) = requests(asked)
    expected = {"apiVersion": VERSION, "kind": "CredentialProviderRequest", "image": "r.example.com/team/web:1"}
    assert json.loads(request) == expected
    assert await plugins.for_image("another.org/web") == ()


async def test_an_answer_that_holds_for_no_time_is_asked_for_again(asked: Path) -> None:
    plugins = providers(asked, cacheDuration="0s")
    await plugins.for_image("r.example.com/a")
    await plugins.for_image("r.example.com/a")
    assert len(requests(asked)) == 2


async def test_an_answer_for_one_image_is_not_used_for_another(asked: Path) -> None:
    plugins = providers(asked, cacheKeyType="Image")
    for image in ("r.example.com/a", "r.example.com/a", "r.example.com/b"):
        await plugins.for_image(image)
    assert len(requests(asked)) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"args": ("fail",)}, "exit code 3: no network"),
        ({"kind": "Other"}, "Other"),
        ({"cacheKeyType": "Pod"}, "'Pod'"),
    ],
)
async def test_a_plugin_that_fails_has_no_credentials_and_the_log_says_why(
    asked: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, object], why: str
) -> None:
    assert await providers(asked, **changes).for_image("r.example.com/a") == ()  # type: ignore[arg-type]
    assert why in caplog.text


def test_a_configuration_that_cannot_work_is_refused_with_the_reason(asked: Path) -> None:
    entry: dict[str, object] = {
        "name": "plugin",
        "apiVersion": VERSION,
        "matchImages": ["a.b"],
        "defaultCacheDuration": "1m",
    }
    assert len(read_config(config(asked.parent, entry), asked.parent)) == 1
    for wrong, why in (
        ({**entry, "name": "absent"}, "absent is no program"),
        ({**entry, "matchImages": []}, "matchImages"),
        ({**entry, "apiVersion": "v1"}, "'v1' is not credentialprovider"),
        ({**entry, "defaultCacheDuration": "soon"}, "'soon' is not a duration"),
    ):
        with pytest.raises(SettingsError, match=why):
            read_config(config(asked.parent, wrong), asked.parent)
    with pytest.raises(SettingsError, match="is to be a CredentialProviderConfig"):
        read_config(config(asked.parent, entry, kind="Other"), asked.parent)
