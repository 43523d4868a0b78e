"""A host's own containerd configuration stays in force beside ours, and comes back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.ansible_code import load

podlab_containerd = load("podlab_containerd")

CRI = "io.containerd.grpc.v1.cri"
OURS = {
    "plugins": {
        CRI: {"sandbox_image": "podlab.local/pause:1", "cni": {"conf_dir": "/etc/cni/podlab.d"}},
        "io.containerd.internal.v1.opt": {"path": "/var/lib/containerd/opt"},
    }
}
FOREIGN = f"""# the host's own
version = 2
disabled_plugins = ["{CRI}", "io.containerd.snapshotter.v1.btrfs"]
[debug]
level = "info"
[plugins."{CRI}"]
sandbox_image = "registry.k8s.io/pause:3.6"
[plugins."{CRI}".registry]
config_path = "/etc/containerd/certs.d"
"""

keys = st.text(min_size=1, max_size=8)
scalars = st.text(max_size=8) | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_written_is_read_as_the_same(table: dict[str, Any]) -> None:
    assert tomllib.loads(podlab_containerd.render(table)) == table


def test_ours_wins_the_rest_stays_and_cri_is_switched_on() -> None:
    merged = podlab_containerd.merge(podlab_containerd.parse(FOREIGN, Path("config.toml")), OURS)
    assert merged["disabled_plugins"] == ["io.containerd.snapshotter.v1.btrfs"]
    assert merged["debug"] == {"level": "info"}
    assert merged["plugins"][CRI] == {
        "sandbox_image": "podlab.local/pause:1",
        "registry": {"config_path": "/etc/containerd/certs.d"},
        "cni": {"conf_dir": "/etc/cni/podlab.d"},
    }


def test_what_docker_s_package_brings_is_of_version_1_and_switches_cri_off() -> None:
    found = podlab_containerd.parse('disabled_plugins = ["cri"]\n#root = "/var/lib/containerd"\n', Path("config.toml"))
    assert podlab_containerd.merge(found, OURS) == {"version": 2, "disabled_plugins": [], **OURS}


def test_version_1_s_plugins_get_their_full_names() -> None:
    found = podlab_containerd.parse("[plugins.cri.registry]\nconfig_path = '/x'\n", Path("config.toml"))
    assert found == {"version": 2, "plugins": {CRI: {"registry": {"config_path": "/x"}}}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 3\n", "config.toml is of version 3: write it in version 2"),
        ("version = \n", "config.toml is no TOML: "),
        ("[plugins.mine]\n", "names the plugin 'mine': write it in version 2"),
    ],
)
def test_what_cannot_be_merged_is_named_with_a_remedy(text: str, words: str) -> None:
    with pytest.raises(podlab_containerd.ConfigurationError) as told:
        podlab_containerd.parse(text, Path("config.toml"))
    assert words in str(told.value)


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(podlab_containerd, "succeeds", lambda *command: True)
    monkeypatch.setattr(podlab_containerd, "images", lambda: ["theirs:1"])
    monkeypatch.setattr(podlab_containerd, "DATA", tmp_path / "data")
    return {
        "settings": OURS,
        "path": str(tmp_path / "containerd/config.toml"),
        "record": str(tmp_path / "lib/before"),
    }


@pytest.mark.parametrize("text", [FOREIGN, None])
def test_what_was_there_comes_back_byte_for_byte(params: dict[str, Any], text: str | None) -> None:
    path, record = Path(params["path"]), Path(params["record"])
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)
        path.chmod(0o640)
    assert podlab_containerd.merged(params, check=True)
    assert not record.exists()
    assert podlab_containerd.merged(params, check=False)
    assert record.stat().st_mode & 0o777 == 0o600
    assert not podlab_containerd.merged(params, check=False)
    assert podlab_containerd.restored(params, check=False) == (True, [])
    assert (path.read_text() if path.exists() else None) == text
    assert text is None or path.stat().st_mode & 0o777 == 0o640
    assert podlab_containerd.restored(params, check=False) == (False, [])


def test_what_somebody_adds_later_stays_in_force_and_is_kept_when_the_old_comes_back(params: dict[str, Any]) -> None:
    path = Path(params["path"])
    podlab_containerd.merged(params, check=False)
    path.write_text(path.read_text() + '\n[metrics]\naddress = "127.0.0.1:1338"\n')
    assert not podlab_containerd.merged(params, check=False)
    assert "1338" in path.read_text()
    _, (warning,) = podlab_containerd.restored(params, check=False)
    assert "config.toml.podlab" in warning
    assert not path.exists()
    assert "1338" in path.with_name("config.toml.podlab").read_text()


def test_what_an_earlier_release_wrote_was_not_the_host_s(params: dict[str, Any]) -> None:
    path = Path(params["path"])
    path.parent.mkdir()
    path.write_text('# Ansible managed\nversion = 2\n[plugins."x"]\nsandbox_image = "podlab.local/pause:1"\n')
    podlab_containerd.merged(params, check=False)
    before = json.loads(Path(params["record"]).read_text())
    assert (before["config"], before["active"], before["images"]) == (None, False, [])
