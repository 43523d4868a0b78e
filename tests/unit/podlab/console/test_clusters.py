from __future__ import annotations

from pathlib import Path

import yaml

from podlab.console.clusters import Followed, Reachable, find


def deployed(home: Path, name: str, server: str = "192.0.2.1:7443") -> None:
    folder = home / ".podlab" / name
    (folder / "pki").mkdir(parents=True)
    tls = {part: f"pki/{part}" for part in ("ca", "cert", "key")}
    for path in tls.values():
        (folder / path).write_text(name)
    (folder / "client.yaml").write_text(yaml.safe_dump({"cluster": name, "server": server, "tls": tls}))


def context(folder: Path, name: str) -> Path:
    path = folder / "config"
    entries = {
        "clusters": [{"name": "c", "cluster": {"server": "https://198.51.100.1"}}],
        "contexts": [{"name": name, "context": {"cluster": "c"}}],
    }
    path.write_text(yaml.safe_dump(entries))
    return path


def test_each_directory_is_a_cluster_once_however_often_it_is_looked_for(tmp_path: Path) -> None:
    deployed(tmp_path, "lab")
    deployed(tmp_path, "other", "[2001:db8::1]:7443")
    found = find([tmp_path, tmp_path / "."], [])
    assert {each.name: each.server for each in found.upstreams.values()} == {
        "lab": "https://192.0.2.1:6443",
        "other": "https://[2001:db8::1]:6443",
    }
    assert found.upstreams["lab"].certificate == b"lab"


def test_a_context_of_a_name_that_is_taken_stands_beside_it(tmp_path: Path) -> None:
    deployed(tmp_path, "lab")
    found = find([tmp_path], [context(tmp_path, "lab")])
    assert [(name, each.server) for name, each in found.upstreams.items()] == [
        ("lab", "https://192.0.2.1:6443"),
        ("lab (2)", "https://198.51.100.1"),
    ]


def test_what_cannot_be_used_is_told_and_the_others_are_found(tmp_path: Path) -> None:
    deployed(tmp_path, "broken")
    deployed(tmp_path, "lab")
    (tmp_path / ".podlab/broken/client.yaml").write_text("cluster: broken")
    found = find([tmp_path], [tmp_path / "gone"])
    assert list(found.upstreams) == ["lab"]
    assert [("broken" in trouble, "gone" in trouble) for trouble in found.troubles] == [(True, False), (False, True)]


def test_it_looks_again_after_a_while() -> None:
    now, looks = 0.0, iter([Reachable({}), Reachable({}, ("second",))])
    followed = Followed(lambda: next(looks), lambda: now)
    now = 1.0
    assert followed().troubles == ()
    now = 3.0
    assert followed().troubles == ("second",)
