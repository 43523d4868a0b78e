from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from podlab.deploy.offline import archive
from podlab.deploy.offline.archive import BundleError, Contents
from podlab.deploy.offline.opened import Bundle
from podlab.deploy.release import sources, wheels
from podlab.deploy.release.wheels import WheelPlatform

ROOT = sources.project_root()
CONTENTS = Contents(
    podlab="0.1.0",
    requirements=wheels.requirements(ROOT),
    targets=["cp311-x86_64"],
    systems=["debian-12-x86_64"],
    packages=["containerd"],
    images=["podlab.local/pause:1"],
)


def opened(tmp_path: Path, contents: Contents = CONTENTS) -> Bundle:
    folder = tmp_path / "made"
    for name in ("wheels/cp311-x86_64/grpcio.whl", "images/x86_64/pause-1.tar"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    archive.pack(tmp_path / "bundle.tar", folder, contents)
    return Bundle.open(tmp_path / "bundle.tar", tmp_path / "cache")


def test_wheels_and_images_are_the_bundle_s(tmp_path: Path) -> None:
    bundle = opened(tmp_path)
    (wheel,) = bundle.wheels(ROOT, WheelPlatform.parse("cp311-x86_64")).iterdir()
    assert wheel.name == "grpcio.whl"
    image = bundle.image("podlab.local/pause:1", tmp_path / "images", "x86_64")
    assert image == tmp_path / "images/pause-1.tar"
    assert image.read_text() == "images/x86_64/pause-1.tar"


def test_what_it_does_not_have_is_named(tmp_path: Path) -> None:
    bundle = opened(tmp_path)
    with pytest.raises(BundleError, match="has wheels for cp311-x86_64 and not for cp313-x86_64"):
        bundle.wheels(ROOT, WheelPlatform.parse("cp313-x86_64"))
    with pytest.raises(BundleError, match=r"no image podlab.local/hello:1.0 for x86_64"):
        bundle.image("podlab.local/hello:1.0", tmp_path / "images", "x86_64")


def test_one_of_another_release_is_refused(tmp_path: Path) -> None:
    bundle = opened(tmp_path, replace(CONTENTS, requirements=["other>=1", *CONTENTS.requirements]))
    with pytest.raises(BundleError, match=r"another release of Podlab, which differs in other>=1"):
        bundle.wheels(ROOT, WheelPlatform.parse("cp311-x86_64"))
