"""podlab-apiserver."""

from __future__ import annotations

import asyncio
import gc

from master.apiserver.app.server import serve
from master.apiserver.settings import ApiServerSettings
from master.store.errors import StoreError
from podlab import component
from podlab.settings import SettingsError

# Requests leave little to the collector of cycles: what they make goes by its count of references. It looks for more
# after so many objects, not after Python's 700, which was a twentieth of all work.
_COLLECTED_AFTER = (10_000, 20, 20)


async def _serve(settings: ApiServerSettings, stop: asyncio.Event) -> None:
    try:
        await serve(settings, stop)
    except (StoreError, SettingsError, ValueError) as error:
        raise RuntimeError(str(error)) from error


def main() -> None:
    """Run until SIGTERM."""
    gc.freeze()  # what has been imported stays: no collection has to go through it
    gc.set_threshold(*_COLLECTED_AFTER)
    component.run("apiserver", ApiServerSettings, _serve)


if __name__ == "__main__":
    main()
