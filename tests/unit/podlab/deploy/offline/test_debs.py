from __future__ import annotations

from pathlib import Path

import pytest

from podlab.deploy.offline.archive import BundleError
from podlab.deploy.offline.debs import System, archive, indexed, settings

STANZAS = """\
Package: libaudit1
Version: 1:3.0.9-1
Architecture: amd64
Description: library
 of two lines
Filename: pool/main/a/audit/libaudit1_3.0.9-1_amd64.deb
SHA256: 00

Package: libaudit1
Version: 1:2.0
Architecture: amd64
Filename: pool/main/a/audit/libaudit1_2.0_amd64.deb
SHA256: 11
"""


def test_the_index_names_files_as_they_are_called_in_the_archive() -> None:
    (stanza,) = indexed(STANZAS.split("\n\n"), [Path("libaudit1_1%3a3.0.9-1_amd64.deb")])
    assert stanza.splitlines()[-2:] == ["Filename: ./libaudit1_1:3.0.9-1_amd64.deb", "SHA256: 00"]
    assert " of two lines" in stanza


def test_a_file_that_no_source_describes_is_an_error() -> None:
    with pytest.raises(BundleError, match="runc_1_amd64"):
        list(indexed(STANZAS.split("\n\n"), [Path("runc_1_amd64.deb")]))


def test_a_system_is_a_release_of_debian_and_a_machine() -> None:
    assert System.parse("debian-13-aarch64") == System("trixie", "aarch64")
    assert System.parse("debian-12-x86_64").target == "cp311-x86_64"


@pytest.mark.parametrize("text", ["debian-11-x86_64", "ubuntu-24.04-x86_64", "debian-12-riscv64", "debian-12"])
def test_a_system_that_there_are_no_packages_for_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(BundleError, match=f"no packages for '{text}', but for debian-12-x86_64"):
        System.parse(text)


def test_apt_works_in_its_own_folder_for_the_other_machine() -> None:
    lines = settings(Path("/folder"), "arm64")
    assert 'APT::Architecture "arm64";' in lines
    assert 'Dir::State::status "/folder/status";' in lines
    assert lines[0] == "#clear APT::Architectures;"


def test_a_machine_that_knows_no_mirror_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "apt-get"
    told.write_text("#!/bin/sh\necho 'Ubuntu|http://192.0.2.1/ubuntu|noble|main'\n")
    told.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(BundleError, match="knows no mirror of Debian: make the bundle on a machine with Debian"):
        archive(System("bookworm", "x86_64"), ["etcd-server"], tmp_path / "packages.tar")
