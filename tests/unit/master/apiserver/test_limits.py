from __future__ import annotations

import pytest

from master.apiserver.limits import Limit
from podlab.errors import TooManyRequests


def test_each_user_has_so_many_at_once() -> None:
    limit = Limit("requests in flight", 2)
    with limit.held_by("jane"), limit.held_by("jane"):
        with (
            pytest.raises(TooManyRequests, match='User "jane" has 2 requests in flight') as refused,
            limit.held_by("jane"),
        ):
            pass
        assert refused.value.retry_after_s == 1
        with limit.held_by("joe"):
            pass
    with limit.held_by("jane"), limit.held_by("jane"):
        pass


def test_what_fails_is_in_flight_no_longer() -> None:
    limit = Limit("requests in flight", 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="bad"), limit.held_by("jane"):
            raise ValueError("bad")
