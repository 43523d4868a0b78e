"""Requests to the API server without a pause, each over a connection of its own, as kubectl makes them."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

PAUSE_S = 0.05
WITHIN_S = 10.0


@dataclass
class ApiLoad:
    """A context manager. `pki` is the folder with ca.crt, admin.crt and admin.key, which are read for each request."""

    address: str
    port: int
    pki: Path
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(2 * WITHIN_S)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            try:
                context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
                context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
            except OSError:
                continue  # certificate and key are just being replaced, one after the other
            connection = http.client.HTTPSConnection(self.address, self.port, timeout=WITHIN_S, context=context)
            try:
                connection.request("GET", "/api/v1/namespaces/default")
                status = connection.getresponse().status
                if status == http.HTTPStatus.OK:
                    self.answered += 1
                else:
                    self.failures.append(f"{time.strftime('%X')}: {status}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.strftime('%X')}: {error!r}")
            finally:
                connection.close()
