"""Which authorities hosts of a cluster may believe, by what this machine and an archive have of it."""

from pathlib import Path

from podlab import pki
from podlab.deploy import cluster_archive, etcd_certificates, rotation
from podlab.deploy.cluster_archive import Manifest
from podlab.deploy.preflight import trusted
from podlab.deploy.preflight.hosts import authorities

TOLD = Manifest(cluster_archive.FORMAT, "lab", "2026-11-30T12:00:00Z", "1.0", 4711, {}, {})


def keys(directory: Path) -> frozenset[str]:
    return authorities.keys([(directory / "ca.crt").read_text()])


def test_a_machine_without_a_cluster_s_keys_knows_no_authority(tmp_path: Path) -> None:
    assert trusted.keys(tmp_path / "pki") == frozenset()


def test_those_of_now_of_before_and_of_etcd_are_known(tmp_path: Path) -> None:
    etcd = tmp_path / etcd_certificates.FOLDER
    pki.ensure_ca(tmp_path)
    pki.ensure_ca(etcd)
    before = keys(tmp_path)
    for step in ("trust", "sign", "alone"):
        rotation.advance(tmp_path, pki.CA_NAME, step)
    assert trusted.keys(tmp_path) == before | keys(tmp_path) | keys(etcd)


def test_an_archive_has_the_authority_of_its_cluster_s_hosts(tmp_path: Path) -> None:
    archived, other, store = tmp_path / "archived", tmp_path / "pki", tmp_path / "store"
    pki.ensure_ca(archived)
    pki.ensure_ca(other)
    store.write_bytes(b"entries")
    cluster_archive.pack(tmp_path / "lab.tar", store, archived, TOLD)
    assert trusted.keys(tmp_path / "none", tmp_path / "lab.tar") == keys(archived)
    assert trusted.keys(other, tmp_path / "lab.tar") == keys(archived) | keys(other)
