"""What a bundle is packed from, and what is known to be secret on the controller."""

import base64
import zlib
from pathlib import Path

import pytest

from podlab.deploy import secret_encryption
from podlab.deploy.support import parts
from podlab.deploy.support.redaction import Redactor


def test_hosts_that_told_nothing_are_named(tmp_path: Path) -> None:
    content = base64.b64encode(zlib.compress(b"up since today, sesame\n")).decode()
    parts.write_host(tmp_path, "m1", {"units/status.txt": content}, Redactor(frozenset({"sesame"})))
    parts.write_unreachable(tmp_path, parts.Unreachable("n1", "no route", "check the cable"))
    assert (tmp_path / "hosts/m1/units/status.txt").read_text() == "up since today, (left out)\n"
    assert [(each.host, each.cause) for each in parts.unreachable(tmp_path, ["m1", "n1", "n2"])] == [
        ("n1", "no route"),
        ("n2", "it did not answer in time"),
    ]


def test_a_host_writes_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out of the bundle"):
        parts.write(tmp_path / "inner", "../outside", "x")


def test_a_cluster_s_keys_are_known_by_value(tmp_path: Path) -> None:
    secret_encryption.ensure(tmp_path)
    (tmp_path / "tokens.csv").write_text('"tok3n-value",admin,1,"system:masters"\n')
    key = (tmp_path / "encryption/current.key").read_text().strip()
    known = parts.secrets_in(tmp_path)
    assert {key, "tok3n-value"} <= known
    assert "apiVersion: apiserver.config.k8s.io/v1" not in known
    text = (tmp_path / "encryption/configuration.yaml").read_text()
    assert key not in Redactor(known).text(text)
    assert "kind: EncryptionConfiguration" in Redactor(known).text(text)


def test_secret_variables_are_those_that_are_called_so() -> None:
    given = {"ansible_become_password": "xyzzy", "ansible_password": "", "podlab_cluster": "lab"}
    assert parts.secret_variables(given) == {"xyzzy"}
