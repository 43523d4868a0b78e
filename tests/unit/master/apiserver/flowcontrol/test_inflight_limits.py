from __future__ import annotations

import pytest

from master.apiserver.flowcontrol.inflight_limits import InflightLimit
from podlab.errors import TooManyRequests


def test_each_user_has_so_many_at_once() -> None:
    limit = InflightLimit("requests in flight", 2)
    for user in ("jane", "jane", "joe"):
        limit.take(user)
    with pytest.raises(TooManyRequests, match='User "jane" has 2 requests in flight') as refused:
        limit.take("jane")
    assert refused.value.retry_after_s == 1
    limit.take("joe")
    limit.give_back("jane")
    limit.take("jane")
