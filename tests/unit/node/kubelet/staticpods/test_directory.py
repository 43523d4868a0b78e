from __future__ import annotations

from pathlib import Path

from node.kubelet.staticpods.directory import KEEP_MALFORMED_S, ManifestDirectory

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec: {{containers: [{{name: a, image: "{image}"}}]}}
"""


def _write(path: Path, name: str = "web", image: str = "a:1") -> None:
    path.write_text(POD.format(name=name, image=image))


def _names(directory: ManifestDirectory) -> list[str]:
    return sorted(pod.metadata.name for pod in directory.read().pods.values())


def test_each_file_is_a_pod_but_hidden_ones_folders_and_dead_links(tmp_path: Path) -> None:
    directory = ManifestDirectory(tmp_path / "manifests", "n1")
    assert directory.read().pods == {}, "there is no directory yet"
    directory.path.mkdir()
    _write(directory.path / "web.yaml")
    _write(directory.path / "db.json", "db")
    _write(directory.path / ".web.yaml.swp", "swap")
    (directory.path / "folder").mkdir()
    (directory.path / "link").symlink_to(tmp_path / "nowhere")
    assert _names(directory) == ["db-n1", "web-n1"]
    (directory.path / "db.json").unlink()
    assert _names(directory) == ["web-n1"]


def test_a_file_that_says_something_else_is_another_pod(tmp_path: Path) -> None:
    directory = ManifestDirectory(tmp_path, "n1")
    _write(tmp_path / "web.yaml")
    (before,) = directory.read().pods
    assert list(directory.read().pods) == [before]
    _write(tmp_path / "web.yaml", image="a:22")
    (after,) = directory.read().pods
    assert after != before


def test_a_malformed_file_is_told_of_once_and_its_pod_stays_for_a_while(tmp_path: Path) -> None:
    now = 100.0
    directory = ManifestDirectory(tmp_path, "n1", clock=lambda: now)
    path = tmp_path / "web.yaml"
    _write(path)
    before = directory.read()
    path.write_text("{")
    broken = directory.read()
    assert len(broken.problems) == 1
    assert broken.problems[0].startswith(f"{path}: couldn't parse as pod(")
    assert broken.pods == before.pods
    assert directory.read().problems == ()
    now += KEEP_MALFORMED_S + 1
    assert directory.read().pods == {}
    _write(path)
    assert directory.read() == before


def test_of_two_files_with_pods_of_one_name_the_first_counts(tmp_path: Path) -> None:
    directory = ManifestDirectory(tmp_path, "n1")
    _write(tmp_path / "a.yaml")
    _write(tmp_path / "b.yaml", image="b:1")
    found = directory.read()
    assert [pod.spec.containers[0].image for pod in found.pods.values()] == ["a:1"]
    assert found.problems == (f"{tmp_path}/b.yaml: pod default/web-n1 is that of {tmp_path}/a.yaml",)
