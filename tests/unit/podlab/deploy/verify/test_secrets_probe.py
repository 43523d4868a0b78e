from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from podlab import pki
from podlab.deploy.verify import secrets_probe

TOKEN = "0123456789abcdefghij"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pki.ensure_certificate(pki.ensure_ca(tmp_path), tmp_path, "apiserver", "system:apiserver", [], [])
    (tmp_path / "tokens.csv").write_text(f'{TOKEN},system:bootstrap:podlab,1,"system:bootstrappers"\n')
    keys = [{"name": "k1", "secret": "c2VjcmV0IG9mIGFuIGVuY3J5cHRpb24ga2V5"}]
    document = {"resources": [{"providers": [{"aesgcm": {"keys": keys}}]}]}
    (tmp_path / "encryption.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "etcd-password").write_text("a password of some length\n")
    return tmp_path


def test_what_is_secret_in_a_file_is_found(files: Path) -> None:
    found = secrets_probe.secrets([f"{files}/{name}" for name in ("*.key", "*.csv", "*.yaml", "etcd-password")])
    assert {Path(path).name for path in found.values()} == {
        "ca.key", "apiserver.key", "tokens.csv", "encryption.yaml", "etcd-password"
    }  # fmt: skip
    assert found[TOKEN.encode()] == str(files / "tokens.csv")
    assert b"a password of some length" in found


def test_no_part_of_a_key_is_in_its_certificate_or_in_other_keys(files: Path) -> None:
    text = (files / "apiserver.crt").read_bytes() + (files / "ca.key").read_bytes()
    (word,) = secrets_probe.secrets([str(files / "apiserver.key")])
    assert word not in text
    assert word in (files / "apiserver.key").read_bytes()


def test_a_secret_is_found_in_a_log_and_on_a_command_line_and_not_told(files: Path) -> None:
    log = files / "some.log"
    log.write_text(f"called with {TOKEN}\n")
    asked = {"files": [str(files / "tokens.csv")], "logs": [str(files / "*.log")]}
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        answer = secrets_probe.main(asked)
    whose = f"{files / 'tokens.csv'} is in"
    assert answer == {
        "secrets": 1,
        "found": sorted([f"{whose} {log}", f"{whose} the command line of process {process.pid}"]),
    }
