"""What a host tells for a support bundle."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load


@pytest.fixture
def module() -> Any:
    return load("podlab_collect")


def unpacked(content: str) -> str:
    return zlib.decompress(base64.b64decode(content)).decode()


def test_a_text_that_is_too_long_is_told_from_its_end_in_whole_lines(module: Any) -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    assert unpacked(module.packed(text, 20)) == "... 770 bytes before\nline 98\nline 99\n"
    assert unpacked(module.packed(text, 2000)) == text


def test_a_program_that_is_missing_or_fails_is_told(module: Any) -> None:
    assert module.output(["podlab-no-such-program"]) == "podlab-no-such-program is not there\n"
    assert module.output(["sh", "-c", "echo no >&2; exit 3"]) == "sh -c echo no >&2; exit 3 ended with 3: no\n"


def test_files_that_are_there_to_be_secret_are_not_opened(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apiserver.yaml", "encryption.yaml", "my-secrets.yaml", "tokens.yaml"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(module, "SETTINGS", (f"{tmp_path}/*.yaml",))
    assert dict(module.settings()) == {f"settings{tmp_path}/apiserver.yaml": "x"}


def test_a_folder_is_listed_with_modes_and_without_contents(module: Any, tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir(mode=0o700)
    (tmp_path / "pki/a.key").write_text("s3cret")
    (tmp_path / "pki/a.key").chmod(0o600)
    told = module.listing(str(tmp_path))
    assert f"-rw------- 0 0 6 {tmp_path}/pki/a.key\n" in told.replace(" 1000 1000 ", " 0 0 ")
    assert "s3cret" not in told
