"""The archive is for its owner alone, and is redacted once more as a whole."""

import stat
import tarfile
from pathlib import Path

import pytest

from podlab.deploy.support.archive import pack, readme
from podlab.deploy.support.parts import Unreachable
from podlab.deploy.support.redaction import Redactor


def test_all_parts_are_below_one_folder_without_what_is_known(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    (parts / "hosts/m1").mkdir(parents=True)
    (parts / "hosts/m1/a.txt").write_text("the word is sesame")
    archive = tmp_path / "b.tar.gz"
    pack(parts, "bundle", archive, Redactor(frozenset({"sesame"})), {"README.txt": "read me"})
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        found = {name: tar.extractfile(name).read().decode() for name in tar.getnames()}  # type: ignore[union-attr]
    assert found == {"bundle/README.txt": "read me", "bundle/hosts/m1/a.txt": "the word is (left out)"}
    with pytest.raises(FileExistsError, match="name another with --output"):
        pack(parts, "bundle", archive, Redactor(), {})
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_is_missing_is_said() -> None:
    told = readme("lab", "today", "1", [Unreachable("n1", "no route", "check the cable")], ["pods: refused"])
    assert "host n1 is missing: no route\n  check the cable\nmissing: pods: refused\n" in told
