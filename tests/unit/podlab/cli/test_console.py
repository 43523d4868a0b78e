from __future__ import annotations

from pathlib import Path

from podlab.cli.console import has_screen, kubeconfigs


def test_the_kubeconfigs_are_those_that_kubectl_reads(tmp_path: Path) -> None:
    assert kubeconfigs({}, tmp_path) == ()
    (tmp_path / ".kube").mkdir()
    own = tmp_path / ".kube/config"
    own.touch()
    other = tmp_path / "other"
    other.touch()
    assert kubeconfigs({}, tmp_path) == (own,)
    assert kubeconfigs({"KUBECONFIG": f"{other}:{tmp_path}/gone:"}, tmp_path) == (other,)


def test_a_browser_is_opened_where_there_is_a_screen() -> None:
    assert has_screen({"DISPLAY": ":0"}, "linux")
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_screen({}, "darwin")
    assert not has_screen({"DISPLAY": ""}, "linux")
