from __future__ import annotations

from pathlib import Path

import pytest

from podlab.console import pages
from podlab.console.upstream import UpstreamError


def test_no_policy_lets_a_script_run_that_stands_in_a_page_or_comes_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in pages.policy("N").split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self' 'nonce-N'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in pages.policy("N")


def test_pages_that_were_not_built_are_missed_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pages.resources, "files", lambda package: tmp_path)
    with pytest.raises(UpstreamError, match="scripts/bootstrap console"):
        pages.folder()
    (tmp_path / "static").mkdir()
    (tmp_path / "static/index.html").touch()
    assert pages.folder() == tmp_path / "static"
