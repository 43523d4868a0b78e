"""A release is packed once, and again when anything in it changed."""

import tarfile
from pathlib import Path

import pytest

from podlab.deploy.images.catalog import IMAGES
from podlab.deploy.release import bundle, sources, wheels
from podlab.deploy.release.wheels import WheelPlatform

TARGET = WheelPlatform("3.11", "x86_64")


@pytest.fixture
def root() -> Path:
    return sources.project_root()


@pytest.fixture
def cache(tmp_path: Path, root: Path) -> Path:
    """A cache in which the downloads and the build of these sources are done."""
    cache = tmp_path / "cache"
    for name in ("grpcio-1.whl", "pip-26.3-py3-none-any.whl"):
        path = wheels.dependencies_folder(root, TARGET, cache) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    own = cache / f"podlab-{sources.digest(root, sources.source_files(root))}"
    own.mkdir()
    (own / "podlab-0.1.0-py3-none-any.whl").write_text("podlab")
    return cache


def test_the_archive_holds_wheels_and_images_and_pip_at_a_fixed_place(tmp_path: Path, root: Path, cache: Path) -> None:
    directory = tmp_path / "release"
    directory.mkdir()
    release, packed = bundle.ensure(root, TARGET, directory, cache)
    assert packed
    with tarfile.open(release.archive) as archive:
        names = set(archive.getnames())
    assert {"pip.whl", "wheels/grpcio-1.whl", "wheels/podlab-0.1.0-py3-none-any.whl"} <= names
    assert {f"images/{image.file}" for image in release.images} <= names


def test_the_same_release_is_not_packed_twice_and_an_older_one_goes(tmp_path: Path, root: Path, cache: Path) -> None:
    directory = tmp_path / "release"
    directory.mkdir()
    (directory / f"release-{TARGET}-0000.tar").write_text("old")
    release, _ = bundle.ensure(root, TARGET, directory, cache)
    assert bundle.ensure(root, TARGET, directory, cache) == (release, False)
    assert list(directory.glob("release-*")) == [release.archive]


def test_a_release_is_known_before_it_is_packed(tmp_path: Path, root: Path, cache: Path) -> None:
    described = bundle.describe(root, TARGET, tmp_path)
    assert not described.archive.exists()
    assert bundle.ensure(root, TARGET, tmp_path, cache)[0] == described
    assert bundle.describe(root, WheelPlatform("3.13", "x86_64"), tmp_path).digest != described.digest


def test_other_images_make_another_release(tmp_path: Path, root: Path) -> None:
    described = bundle.describe(root, TARGET, tmp_path)
    assert bundle.describe(root, TARGET, tmp_path, names=list(IMAGES)[1:]).digest != described.digest
