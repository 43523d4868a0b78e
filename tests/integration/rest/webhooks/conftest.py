"""A server of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from podlab_testing.pod_servers import ServerAuthority
from podlab_testing.webhook_server import WebhookServer


@pytest.fixture(scope="session")
def webhook_authority(tmp_path_factory: pytest.TempPathFactory) -> ServerAuthority:
    """One for all tests: keys take time to make."""
    directory: Path = tmp_path_factory.mktemp("webhooks")
    return ServerAuthority(directory)


@pytest.fixture
async def server(webhook_authority: ServerAuthority) -> AsyncIterator[WebhookServer]:
    made = WebhookServer(webhook_authority)
    await made.start()
    yield made
    await made.close()
