from __future__ import annotations

import logging

import pytest

from podlab.client.outages import Outages
from podlab.errors import Forbidden, ServiceUnavailable

AWAY = ServiceUnavailable("connection refused")


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_server_that_is_away_is_told_once_whoever_meets_it_and_however_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    outages = Outages("m:7443", clock=lambda: now[0])
    for _ in range(3):
        for doing in ("follow pods", "follow nodes"):
            outages.failed(doing, AWAY)
    now[0] = 12.0
    outages.ended("follow pods")
    outages.ended("follow nodes")
    outages.ended("follow nodes")
    assert caplog.messages == [
        "cannot reach the API server at m:7443: ServiceUnavailable: connection refused; trying again until it can",
        "cannot reach the API server at m:7443: over after 12.0 s",
    ]


def test_what_the_server_refuses_is_told_by_name(caplog: pytest.LogCaptureFixture) -> None:
    outages = Outages("m:7443")
    outages.failed("follow pods", AWAY)
    outages.failed("follow secrets", Forbidden("not yours"))
    assert caplog.messages[1:] == ["cannot follow secrets at m:7443: Forbidden: not yours; trying again until it can"]


def test_the_next_outage_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    outages = Outages("m:7443")
    for _ in range(2):
        outages.failed("follow pods", AWAY)
        outages.ended("follow pods")
    assert len(caplog.messages) == 4
