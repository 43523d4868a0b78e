from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from podlab.deploy.offline import archive
from podlab.deploy.offline.archive import BundleError, Contents

CONTENTS = Contents(
    podlab="0.1.0.abc",
    requirements=["grpcio>=1.80"],
    targets=["cp311-x86_64"],
    systems=["debian-12-x86_64"],
    packages=["containerd"],
    images=["podlab.local/pause:1"],
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "wheels/cp311-x86_64").mkdir(parents=True)
    (folder / "wheels/cp311-x86_64/grpcio.whl").write_bytes(b"wheel" * 1000)
    (folder / "INSTALL").write_text("how\n")
    archive.pack(tmp_path / "bundle.tar", folder, CONTENTS)
    return tmp_path / "bundle.tar"


def test_what_was_packed_is_unpacked_once(bundle: Path, tmp_path: Path) -> None:
    folder = archive.unpacked(bundle, tmp_path / "cache")
    assert (folder / "wheels/cp311-x86_64/grpcio.whl").read_bytes() == b"wheel" * 1000
    (folder / "INSTALL").unlink()
    assert archive.unpacked(bundle, tmp_path / "cache") == folder
    assert not (folder / "INSTALL").exists()


def test_it_says_what_it_is_for(bundle: Path) -> None:
    told = archive.contents(bundle)
    assert (told.podlab, told.systems) == ("0.1.0.abc", ["debian-12-x86_64"])
    assert sorted(told.files) == ["INSTALL", "wheels/cp311-x86_64/grpcio.whl"]


def test_a_byte_that_changed_on_the_way_is_found_and_nothing_is_left_in_the_cache(bundle: Path, tmp_path: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[content.index(b"wheelwheel")] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(BundleError, match=r"grpcio.whl is not what its list says; copy it again"):
        archive.unpacked(bundle, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_one_that_was_cut_off_is_no_whole_bundle(bundle: Path, tmp_path: Path, kept: float) -> None:
    content = bundle.read_bytes()
    bundle.write_bytes(content[: int(len(content.rstrip(b"\0")) * kept)])
    with pytest.raises(BundleError, match="no whole bundle"):
        archive.unpacked(bundle, tmp_path / "cache")


def test_a_file_that_is_none_is_named_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no bundle .*none.tar: playbooks/bundle.yml"):
        archive.contents(tmp_path / "none.tar")
    (tmp_path / "text").write_text("text")
    with pytest.raises(BundleError, match="no whole bundle"):
        archive.contents(tmp_path / "text")
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("other"))
    with pytest.raises(BundleError, match="is no bundle"):
        archive.contents(tmp_path / "other.tar")


def test_a_member_cannot_leave_the_folder(tmp_path: Path) -> None:
    told = json.dumps({**vars(CONTENTS), "files": {"../out": "0"}}).encode()
    with tarfile.open(tmp_path / "bundle.tar", "w") as tar:
        for name, content in (("bundle.json", told), ("../out", b"x")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(BundleError, match="would be outside of it"):
        archive.unpacked(tmp_path / "bundle.tar", tmp_path / "cache")


def test_another_release_s_bundle_and_another_python_s_lack_something() -> None:
    assert archive.lacking(CONTENTS, ["grpcio>=1.80"], "cp311-x86_64") == ""
    assert "differs in numpy>=2" in archive.lacking(CONTENTS, ["grpcio>=1.80", "numpy>=2"], "cp311-x86_64")
    assert "not for cp313-x86_64" in archive.lacking(CONTENTS, ["grpcio>=1.80"], "cp313-x86_64")
