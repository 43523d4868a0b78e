"""A release is packed once, and again when anything in it changed."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from podlab.deploy.images.catalog import IMAGES, build
from podlab.deploy.release import bundle, sources
from podlab.deploy.release.environment import Variant
from podlab.deploy.release.wheels import WheelPlatform

TARGET = WheelPlatform("3.11", "x86_64")
MASTER, NODE = Variant(TARGET, ("master",)), Variant(TARGET, ("node",))


def make_image(name: str, output: Path, machine: str) -> Path:
    return build(name, output)


@pytest.fixture
def root() -> Path:
    return sources.project_root()


@pytest.fixture
def cache(tmp_path: Path, root: Path) -> Path:
    """A cache in which these sources are built."""
    own = tmp_path / "cache" / f"podlab-{sources.digest(root, sources.source_files(root))}"
    own.mkdir(parents=True)
    with zipfile.ZipFile(own / "podlab-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("podlab/__init__.py", "")
    return own.parent


def test_the_archive_holds_podlab_where_python_looks_for_it_and_images(tmp_path: Path, root: Path, cache: Path) -> None:
    directory = tmp_path / "release"
    directory.mkdir()
    release, packed = bundle.ensure(root, NODE, directory, cache, make_image)
    assert packed
    with tarfile.open(release.archive) as archive:
        names = set(archive.getnames())
    assert "./venv/lib/python3.11/site-packages/podlab/__init__.py" in names
    assert {f"./images/{image.file}" for image in release.images} <= names


def test_the_same_release_is_not_packed_twice_and_an_older_one_goes(tmp_path: Path, root: Path, cache: Path) -> None:
    directory = tmp_path / "release"
    directory.mkdir()
    (directory / f"release-{TARGET}-0000.tar").write_text("old")
    release, _ = bundle.ensure(root, NODE, directory, cache, make_image)
    assert bundle.ensure(root, NODE, directory, cache, make_image) == (release, False)
    assert list(directory.glob("release-*")) == [release.archive]


def test_masters_and_nodes_share_one_archive_under_names_of_their_own(tmp_path: Path, root: Path, cache: Path) -> None:
    release, _ = bundle.ensure(root, NODE, tmp_path, cache, make_image)
    other, packed = bundle.ensure(root, MASTER, tmp_path, cache, make_image)
    assert not packed
    assert (other.archive, other.images) == (release.archive, release.images)
    assert (other.name.endswith("-master"), release.name.endswith("-node")) == (True, True)


def test_a_release_is_known_before_it_is_packed(tmp_path: Path, root: Path, cache: Path) -> None:
    described = bundle.describe(root, NODE, tmp_path, make_image)
    assert not described.archive.exists()
    assert bundle.ensure(root, NODE, tmp_path, cache, make_image)[0] == described
    newer = Variant(WheelPlatform("3.13", "x86_64"), ("node",))
    assert bundle.describe(root, newer, tmp_path, make_image).name != described.name


def test_other_images_make_another_release(tmp_path: Path, root: Path) -> None:
    described = bundle.describe(root, NODE, tmp_path, make_image)
    assert bundle.describe(root, NODE, tmp_path, make_image, names=list(IMAGES)[1:]).name != described.name
