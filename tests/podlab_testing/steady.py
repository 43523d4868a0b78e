"""Asks so many times a second, half of it over connections that are kept. Run on a host of the lab by its text.

    python3 steady.py URL[,URL...] PER_SECOND SECONDS

prints the number of answers, then a line for each request that failed: when it began and when it had failed, in seconds
since 1970, and why.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from urllib.parse import urlsplit

TIMEOUT_S = 5
THREADS = 10


class Asking(threading.Thread):
    """Every other thread keeps its connection as long as the server does."""

    def __init__(self, url: str, every_s: float, until_s: float, keeps: bool) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(url)
        self.host, self.path = parts.netloc, parts.path or "/"
        self.every_s, self.until_s, self.keeps = every_s, until_s, keeps
        self.answered, self.failures = 0, list[str]()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        due_s = time.monotonic()
        # Also where answers took so long that requests are overdue, it ends in time.
        while max(due_s, time.monotonic()) < self.until_s:
            time.sleep(max(0.0, due_s - time.monotonic()))
            began_s = time.time()
            try:
                self._ask()
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                self.failures.append(f"{began_s:.3f} {time.time():.3f} {self.host}: {error!r}")
            due_s += self.every_s

    def _ask(self) -> None:
        kept = self._connection
        try:
            self._ask_over(kept or http.client.HTTPConnection(self.host, timeout=TIMEOUT_S))
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server may end a connection that idles; whoever keeps one asks again (RFC 9110, 9.2.2).
            if kept is None:
                raise
            self._ask_over(http.client.HTTPConnection(self.host, timeout=TIMEOUT_S))

    def _ask_over(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", self.path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        self._connection = connection if self.keeps and not answer.will_close else None


def main(urls: str, per_second: str, seconds: str) -> None:
    until_s, every_s, places = time.monotonic() + float(seconds), THREADS / float(per_second), urls.split(",")
    asking = [Asking(places[number // 2 % len(places)], every_s, until_s, number % 2 == 0) for number in range(THREADS)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    print(sum(each.answered for each in asking))
    for each in asking:
        for failure in each.failures:
            print(failure)


if __name__ == "__main__":
    main(*sys.argv[1:])
