"""What a host needs is installed here, and unpacked there."""

import importlib.util
import sys
import tarfile
import zipfile
from pathlib import Path

from podlab.deploy.release import environment
from podlab.deploy.release.wheels import WheelPlatform

HERE = WheelPlatform(f"{sys.version_info.major}.{sys.version_info.minor}", "x86_64")
OTHER = WheelPlatform("3.99", "x86_64")


def packed(tmp_path: Path, target: WheelPlatform) -> Path:
    wheel, archive = tmp_path / "podlab.whl", tmp_path / f"{target}.tar"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr("podlab/__init__.py", "answer = 42\n")
        content.writestr("podlab/template.py", "this is {no} Python\n")
    environment.own(wheel, target, "0123abcd", [], archive)
    return archive


def test_code_is_compiled_where_the_hosts_have_this_machine_s_python(tmp_path: Path) -> None:
    with tarfile.open(packed(tmp_path, HERE)) as archive:
        archive.extractall(tmp_path / "host")  # it was packed above
    folder = tmp_path / "host" / environment.packages_folder(HERE) / "podlab"
    assert (folder / "BUILD").read_text() == "0123abcd\n"
    compiled = Path(importlib.util.cache_from_source(str(folder / "__init__.py")))
    # 1: found by its hash, and not compared with its source.
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"
    assert [path.name for path in folder.glob("__pycache__/*")] == [compiled.name]


def test_code_for_another_python_is_left_to_the_hosts(tmp_path: Path) -> None:
    with tarfile.open(packed(tmp_path, OTHER)) as archive:
        assert not [name for name in archive.getnames() if name.endswith(".pyc")]


def test_all_is_root_s_and_the_same_bytes_whoever_packs_it(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/program").touch(mode=0o700)
    (tmp_path / "tree/module.py").touch(mode=0o600)
    environment.pack(tmp_path / "tree", tmp_path / "one.tar")
    (tmp_path / "tree/module.py").touch(mode=0o664)
    environment.pack(tmp_path / "tree", tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        found = {(member.name, member.mode, member.uid, member.gid) for member in archive}
    assert found == {(".", 0o755, 0, 0), ("./program", 0o755, 0, 0), ("./module.py", 0o644, 0, 0)}
