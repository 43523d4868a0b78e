"""The archive of a cluster gives back what it got, or is refused by name."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.deploy import cluster_archive
from podlab.deploy.cluster_archive import ArchiveError, Manifest

TOLD = Manifest(cluster_archive.FORMAT, "lab", "2026-11-30T12:00:00Z", "1.0", 4711, {"secrets": 2}, {})
FILES = {
    "ca.crt": "certificate",
    "ca.key": "key",
    "admin.key": "leaf",
    "encryption/current.key": "secret",
    "m1/apiserver.crt": "leaf",
    "m1/apiserver.key": "leaf",
}


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    for name, content in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return directory


@pytest.fixture
def packed(tmp_path: Path, pki: Path) -> Path:
    store = tmp_path / "store"
    store.write_bytes(b"\0entries" * 1000)
    target = tmp_path / "backups" / "lab.tar"
    cluster_archive.pack(target, store, pki, TOLD)
    return target


def test_what_was_packed_comes_back_for_its_owner_alone(packed: Path, pki: Path, tmp_path: Path) -> None:
    manifest = cluster_archive.read(packed)
    assert (manifest.cluster, manifest.revision, manifest.objects) == ("lab", 4711, {"secrets": 2})
    cluster_archive.extract_store(packed, tmp_path / "new-store")
    cluster_archive.extract_pki(packed, tmp_path / "new-pki")
    assert (tmp_path / "new-store").read_bytes() == b"\0entries" * 1000
    assert {name: (tmp_path / "new-pki" / name).read_text() for name in FILES} == FILES
    written = [packed, tmp_path / "new-store", *(tmp_path / "new-pki" / name for name in FILES)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert [path.name for path in packed.parent.iterdir()] == ["lab.tar"]


def test_files_of_its_pki_are_read_by_their_names_where_it_has_them(packed: Path) -> None:
    assert cluster_archive.texts(packed, ("ca.crt", "etcd/ca.crt")) == ["certificate"]


def test_an_archive_takes_nobody_s_place_and_needs_an_authority(packed: Path, pki: Path, tmp_path: Path) -> None:
    before = packed.read_bytes()
    with pytest.raises(FileExistsError):
        cluster_archive.pack(packed, tmp_path / "store", pki, TOLD)
    assert packed.read_bytes() == before
    (pki / "ca.key").unlink()
    with pytest.raises(ArchiveError, match=r"ca\.key is not there; run this where the cluster was deployed from"):
        cluster_archive.pack(packed.with_name("other"), tmp_path / "store", pki, TOLD)


@given(st.data())
def test_a_byte_of_a_file_that_was_changed_or_cut_off_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("damaged")
    (directory / "pki").mkdir()
    (directory / "pki/ca.key").write_bytes(b"k" * 600)
    (directory / "store").write_bytes(b"s" * 3000)
    archive = directory / "a.tar"
    cluster_archive.pack(archive, directory / "store", directory / "pki", TOLD)
    content = bytearray(archive.read_bytes())
    with tarfile.open(archive) as tar:
        spans = [(one.offset_data, one.size) for one in tar if one.name != "manifest.json"]
    start, size = data.draw(st.sampled_from(spans))
    at = start + data.draw(st.integers(0, size - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    archive.write_bytes(content if data.draw(st.booleans()) else content[:at])
    with pytest.raises(ArchiveError, match=r"damaged|no whole archive"):
        cluster_archive.read(archive)


def tar(path: Path, **files: str) -> Path:
    with tarfile.open(path, "w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content.encode()))
    return path


MANIFEST = json.dumps({**TOLD.__dict__, "files": {"store.archive": "00"}})


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "it is empty"),
        ({"store.archive": "x"}, "it begins with 'store.archive'"),
        ({"manifest.json": "{"}, "it is damaged"),
        ({"manifest.json": '{"format": "podlab-backup/2"}'}, "it has format 'podlab-backup/2', this Podlab reads"),
        ({"manifest.json": '{"format": "podlab-backup/1"}'}, "cluster: required and missing"),
        ({"manifest.json": MANIFEST}, "store.archive is missing"),
        ({"manifest.json": MANIFEST, "pki/../../x": ""}, "it has 'pki/../../x'"),
        ({"manifest.json": MANIFEST, "/etc/passwd": ""}, "it has '/etc/passwd'"),
        ({"manifest.json": MANIFEST, "pki/ca.key": ""}, "'pki/ca.key' is not in its manifest"),
        ({"manifest.json": MANIFEST, "store.archive": "x"}, "store.archive is not what its manifest says"),
    ],
)
def test_what_is_no_archive_of_a_cluster_is_named(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        cluster_archive.read(tar(tmp_path / "a", **files))
    assert told in str(refused.value)
    assert str(tmp_path / "a") in str(refused.value)


def test_a_link_and_a_file_that_is_no_tar_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w") as made:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    with pytest.raises(ArchiveError, match=r"it has 'manifest\.json'"):
        cluster_archive.read(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"no tar at all" * 100)
    with pytest.raises(ArchiveError, match=r"no whole archive that backup\.yml has written"):
        cluster_archive.read(tmp_path / "b")


def test_other_keys_differ_and_certificates_made_of_them_do_not(packed: Path, pki: Path) -> None:
    manifest = cluster_archive.read(packed)
    assert cluster_archive.differing(manifest, pki) == []
    (pki / "m1/apiserver.key").write_text("renewed")
    (pki / "admin.key").unlink()
    assert cluster_archive.differing(manifest, pki) == []
    (pki / "encryption/current.key").write_text("rotated")
    (pki / "ca.key").unlink()
    assert cluster_archive.differing(manifest, pki) == ["ca.key", "encryption/current.key"]
