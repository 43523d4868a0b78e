from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.watchcache import continue_token
from master.apiserver.watchcache.continue_token import LATEST, ContinueToken
from podlab.errors import BadRequest


@given(st.integers(min_value=1) | st.just(LATEST), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_token_reads_back(revision: int, name: str) -> None:
    made = ContinueToken(revision, "/registry/core/pods/" + name)
    assert continue_token.parse(made.token(), "/registry/core/pods/") == made


@given(st.text())
def test_any_other_text_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        continue_token.parse(text, "/registry/core/pods/")


def test_a_token_of_another_namespace_is_refused() -> None:
    token = ContinueToken(5, "/registry/core/secrets/team-a/key").token()
    with pytest.raises(BadRequest, match="another list"):
        continue_token.parse(token, "/registry/core/secrets/team-b/")
