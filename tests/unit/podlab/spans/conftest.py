"""The way of a pod."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from podlab_testing import timelines

from podlab.v1.timeline_pb2 import ComponentSpans, PodTimelineResponse


@pytest.fixture
def spans_of() -> Callable[..., ComponentSpans]:
    return timelines.component


@pytest.fixture
def answer() -> PodTimelineResponse:
    return timelines.timeline()
