"""A release is named by the sources it is made from."""

from pathlib import Path

import pytest

from podlab.deploy.release import sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("podlab/api/kinds.py", "master/x.py", "node/y.py", "protos/a.proto", "scripts/s.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "README.md").write_text("read")
    return tmp_path


def digest(root: Path) -> str:
    return sources.digest(root, sources.source_files(root))


@pytest.mark.parametrize("name", ["podlab/api/kinds.py", "protos/a.proto", "pyproject.toml"])
def test_a_changed_file_gives_another_name(root: Path, name: str) -> None:
    before = digest(root)
    (root / name).write_text("other content")
    assert digest(root) != before


def test_a_renamed_file_gives_another_name(root: Path) -> None:
    before = digest(root)
    (root / "node/y.py").rename(root / "node/z.py")
    assert digest(root) != before


@pytest.mark.parametrize(
    "name", ["podlab/api/pod_pb2.py", "podlab/api/pod_pb2.pyi", "node/__pycache__/y.pyc", "docs/d.md"]
)
def test_what_is_generated_or_elsewhere_does_not_count(root: Path, name: str) -> None:
    before = digest(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("content")
    assert digest(root) == before


def test_touching_a_file_changes_nothing(root: Path) -> None:
    before = digest(root)
    (root / "node/y.py").touch()
    assert digest(root) == before


def test_these_sources_are_a_checkout() -> None:
    assert (sources.project_root() / "playbooks").is_dir()


def test_an_installed_wheel_has_its_packages_beside_what_deploys_them(tmp_path: Path) -> None:
    root = tmp_path / "podlab/project"
    for name in (
        "podlab/a.py",
        "podlab/a_pb2.py",
        "master/b.py",
        "node/c.py",
        "podlab/project/playbooks/library/d.py",
        "podlab/console/static/i.js",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (root / "pyproject.toml").touch()
    assert sources.packages_root(root) == tmp_path
    found = {str(path.relative_to(tmp_path)) for path in sources.source_files(root)}
    assert found == {"podlab/a.py", "podlab/a_pb2.py", "master/b.py", "node/c.py", "podlab/project/pyproject.toml"}
    assert sources.digest(root, sources.source_files(root))
