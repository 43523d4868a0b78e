from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.kubelet.disk.state_file import StateFile


def test_what_was_saved_last_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "below" / "state"
    assert StateFile[dict[str, object]](path, "").load() is None
    StateFile[dict[str, object]](path, "").save({"a": [1]})
    StateFile[dict[str, object]](path, "").save({"a": [1, 2]})
    assert StateFile[dict[str, object]](path, "").load() == {"a": [1, 2]}
    assert [each.name for each in path.parent.iterdir()] == ["state"]


def test_what_somebody_else_has_changed_is_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state"
    StateFile[dict[str, object]](path, "").save({"a": 1})
    path.write_text(path.read_text().replace('"a": 1', '"a": 2'))
    assert StateFile[dict[str, object]](path, "all begins anew").load() is None
    assert caplog.messages == [f"{path} is corrupt; all begins anew"]


def test_a_file_of_an_earlier_release_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "state").write_text(json.dumps({"claims": []}))
    assert StateFile[dict[str, object]](tmp_path / "state", "").load() == {"claims": []}
