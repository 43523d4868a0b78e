from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from podlab.console import kubeconfig
from podlab.console.upstream import Upstream, UpstreamError

Entry = dict[str, object]


def written(
    folder: Path, *, cluster: Entry | None = None, user: Entry | None = None, context: Entry | None = None
) -> Path:
    path = folder / "config"
    named: Entry = {"cluster": "c", "user": "u", **(context or {})}
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443/", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "mine", "context": named}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def only(path: Path) -> Upstream:
    (found,) = kubeconfig.contexts(path)
    assert isinstance(found, Upstream), found
    return found


def test_what_stands_in_the_file_itself_is_read(tmp_path: Path) -> None:
    found = only(
        written(
            tmp_path,
            cluster={"certificate-authority-data": b64encode(b"CA").decode(), "certificate-authority": "not/there"},
            user={
                "client-certificate-data": b64encode(b"CERT").decode(),
                "client-key-data": b64encode(b"KEY").decode(),
            },
            context={"namespace": "web"},
        )
    )
    assert (found.name, found.server, found.namespace) == ("mine", "https://192.0.2.1:6443", "web")
    assert (found.ca, found.certificate, found.key) == (b"CA", b"CERT", b"KEY")
    assert found.verified


def test_files_are_looked_for_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "ca.crt").write_text("CA")
    found = only(written(tmp_path, cluster={"certificate-authority": "ca.crt"}, user={"tokenFile": "token"}))
    assert found.ca == b"CA"
    assert found.authorization() == {"Authorization": "Bearer secret"}
    assert "secret" not in repr(found)


def test_a_password_and_a_server_that_proves_nothing_are_taken_as_they_are(tmp_path: Path) -> None:
    found = only(written(tmp_path, cluster={"insecure-skip-tls-verify": True}, user={"username": "a", "password": "b"}))
    assert found.authorization() == {"Authorization": "Basic YTpi"}
    assert not found.verified


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"context": {"cluster": "gone"}}, "no cluster 'gone'"),
        ({"context": {"user": "gone"}}, "no user 'gone'"),
        ({"user": {"exec": {"command": "aws"}}}, "user u has exec"),
        ({"cluster": {"proxy-url": "http://proxy"}}, "proxy-url"),
        ({"cluster": {"certificate-authority": "gone.crt"}}, "gone.crt"),
        ({"user": {"client-key-data": "%"}}, "client-key-data is not base64"),
    ],
)
def test_a_context_that_cannot_be_used_says_why(tmp_path: Path, parts: dict[str, Entry], told: str) -> None:
    (found,) = kubeconfig.contexts(written(tmp_path, **parts))
    assert isinstance(found, UpstreamError)
    assert told in str(found)


@pytest.mark.parametrize("text", ["- a list", "{", "text"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(UpstreamError, match="config"):
        list(kubeconfig.contexts(tmp_path / "config"))
