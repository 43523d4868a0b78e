"""containerd is waited for, held to Podlab's settings, and given the images that it lacks."""

import sys
from pathlib import Path

import pytest
from podlab_testing.ansible_code import load

podlab_images = load("podlab_images")
LISTED = """REF TYPE DIGEST SIZE PLATFORMS LABELS
podlab.local/pause:1 application/vnd.oci.image.manifest.v1+json sha256:aa 1.0 KiB linux/amd64 -
podlab.local/hello:1.0 application/vnd.oci.image.manifest.v1+json sha256:bb 1.0 MiB linux/amd64 -
"""


def image(name: str, digest: str) -> dict[str, str]:
    return {"name": name, "digest": digest, "file": "f.tar"}


def test_images_are_known_by_name_and_digest() -> None:
    there = image("podlab.local/pause:1", "sha256:aa")
    older = image("podlab.local/hello:1.0", "sha256:cc")
    new = image("podlab.local/hello:1.1", "sha256:bb")
    assert podlab_images.lacking(LISTED, [there, older, new]) == [older, new]
    assert podlab_images.lacking("", [there]) == [there]


def test_another_sandbox_is_named_with_a_remedy() -> None:
    podlab_images.check_sandbox({"sandbox_image": "podlab.local/pause:1"}, "podlab.local/pause:1")
    with pytest.raises(podlab_images.ContainerdError, match=r"is pause:3, not podlab.* take its part on"):
        podlab_images.check_sandbox({"sandbox_image": "pause:3"}, "podlab.local/pause:1")


def test_a_wait_that_was_in_vain_says_what_containerd_said(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!{sys.executable}\nprint(\'{{"error": "UNAVAILABLE: no such socket"}}\')\n')
    python.chmod(0o755)
    with pytest.raises(podlab_images.ContainerdError, match="over CRI: UNAVAILABLE: no such socket\nThe end of its"):
        podlab_images.ask(str(python), timeout_s=0.5)
