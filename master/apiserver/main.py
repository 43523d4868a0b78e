"""podlab-apiserver."""

from __future__ import annotations

import asyncio

from master.apiserver.app.server import serve
from master.apiserver.settings import ApiServerSettings
from master.store.errors import StoreError
from podlab import component
from podlab.settings import SettingsError


async def _serve(settings: ApiServerSettings, stop: asyncio.Event) -> None:
    try:
        await serve(settings, stop)
    except (StoreError, SettingsError, ValueError) as error:
        raise RuntimeError(str(error)) from error


def main() -> None:
    """Run until SIGTERM."""
    component.run("apiserver", ApiServerSettings, _serve)


if __name__ == "__main__":
    main()
