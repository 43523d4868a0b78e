"""The registry's password is made once, and its file and its hash say the same."""

import base64
import grp
import os
from pathlib import Path

import pytest
from podlab_testing.ansible_code import load

podlab_registry = load("podlab_registry")
# A known pair: crypt_blowfish's own test.
KNOWN, PASSWORD = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"


@pytest.fixture
def params(tmp_path: Path) -> dict[str, str]:
    return {"directory": str(tmp_path / "registry"), "group": grp.getgrgid(os.getgid()).gr_name}


def test_the_hash_is_bcrypt_as_the_registry_takes_it() -> None:
    assert podlab_registry.crypt(PASSWORD, KNOWN) == KNOWN
    assert podlab_registry.is_of(f"podlab:{KNOWN}\n", PASSWORD)
    assert not podlab_registry.is_of(f"podlab:{KNOWN}\n", "other")
    assert not podlab_registry.is_of(f"other:{KNOWN}\n", PASSWORD)
    assert podlab_registry.salt() != podlab_registry.salt()


def test_a_password_is_made_once_and_only_root_reads_it(params: dict[str, str]) -> None:
    changed, authorization = podlab_registry.ensured(params, check=False)
    folder = Path(params["directory"])
    password = (folder / "password").read_text().strip()
    assert changed
    assert base64.b64decode(authorization).decode() == f"podlab:{password}"
    assert len(password) > 40
    assert [(folder / name).stat().st_mode & 0o777 for name in ("password", "htpasswd")] == [0o600, 0o640]
    assert podlab_registry.is_of((folder / "htpasswd").read_text(), password)
    assert podlab_registry.ensured(params, check=False) == (False, authorization)


def test_a_hash_of_another_password_is_made_anew_and_the_password_stays(params: dict[str, str]) -> None:
    _, authorization = podlab_registry.ensured(params, check=False)
    (Path(params["directory"]) / "htpasswd").write_text(f"podlab:{KNOWN}\nintruder:{KNOWN}\n")
    assert podlab_registry.ensured(params, check=True) == (True, authorization)
    assert podlab_registry.ensured(params, check=False) == (True, authorization)
    assert "intruder" not in (Path(params["directory"]) / "htpasswd").read_text()


def test_a_check_makes_nothing(params: dict[str, str]) -> None:
    changed, _ = podlab_registry.ensured(params, check=True)
    assert changed
    assert not Path(params["directory"]).exists()
