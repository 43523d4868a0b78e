"""Webhooks case by case: asked over real connections by a real API server."""

from __future__ import annotations

import aiohttp
import pytest
from podlab_testing.cases import Case, cases
from podlab_testing.webhook_cases import run
from podlab_testing.webhook_server import WebhookServer


@pytest.mark.parametrize("case", cases(__file__, "webhooks"))
async def test_webhooks_are_asked_and_obeyed(http: aiohttp.ClientSession, server: WebhookServer, case: Case) -> None:
    await run(http, server, case)
