"""The way of a pod."""

from __future__ import annotations

import pytest
from podlab_testing import timelines

from podlab.v1.timeline_pb2 import PodTimelineResponse


@pytest.fixture
def answer() -> PodTimelineResponse:
    return timelines.timeline()
