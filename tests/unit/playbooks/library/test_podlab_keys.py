"""What a master says of its keys: digests, and contents that only the pad shows again."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_keys: Any = load("podlab_keys")
PAD = bytes(range(256)) * 8
CONFIGURATION = """\
resources:
- providers:
  - aesgcm:
      keys:
      - name: 08ad870aa244
        secret: c2VjcmV0
      - name: '123456789012'
        secret: b2xk
"""


def test_content_is_told_where_it_is_asked_for_and_never_plainly(tmp_path: Path) -> None:
    encryption, tokens = tmp_path / "encryption.yaml", tmp_path / "tokens.csv"
    encryption.write_text(CONFIGURATION)
    tokens.write_text("topsecret,somebody")
    paths = [str(encryption), str(tokens), str(tmp_path / "missing")]
    found = podlab_keys.look(paths, [str(tokens), str(tmp_path / "missing")], base64.b64encode(PAD).decode(), paths[0])
    assert found["sha256"] == {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in (encryption, tokens)
    }
    assert found["encryption_keys"] == ["08ad870aa244", "123456789012"]
    assert "topsecret" not in json.dumps(found)
    assert base64.b64encode(b"topsecret").decode()[:11] not in json.dumps(found)
    hidden = base64.b64decode(found["hidden"])
    assert json.loads(bytes(a ^ b for a, b in zip(hidden, PAD, strict=False))) == {str(tokens): "topsecret,somebody"}


def test_what_the_pad_does_not_cover_is_not_sent() -> None:
    with pytest.raises(ValueError, match="more than the pad of 3 hides"):
        podlab_keys.hide(b"four", b"pad")
