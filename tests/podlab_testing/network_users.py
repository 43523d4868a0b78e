"""Those who use the network all the time while others change it: requests from outside and from nodes, and names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from podlab.lab.lab import Lab
from podlab_testing import dns_client
from podlab_testing.source_code import PROJECT

STEADY = PROJECT / "tests/podlab_testing/steady.py"
REQUESTS_PER_SECOND, NAMES_PER_SECOND = 20, 10
AGENT_PYTHON = "/opt/podlab/venv/bin/python"
# Behind dns_client's text: prints how many answers are right, then a line for each that is not. What a server that is
# killed has received and not read is lost; as resolvers do (attempts:2), it is asked again.
STEADY_NAMES = """
import sys, time
server, name, address, per_second, seconds = sys.argv[1:]
right, wrong, due_s = 0, [], time.monotonic()
until_s = due_s + float(seconds)
while due_s < until_s:
    time.sleep(max(0.0, due_s - time.monotonic()))
    due_s += 1 / float(per_second)
    for attempt in range(2):
        try:
            reply = ask(server, 53, name, timeout_s=3)
            found = f"{reply.rcode} {' '.join(record.data for record in reply.answers)}"
            break
        except TimeoutError as error:
            found = repr(error)
        except OSError as error:
            found = repr(error)
            break
    if found == f"0 {address}":
        right += 1
    else:
        wrong.append(f"{time.strftime('%X')} {found}")
print(right)
print(*wrong, sep=chr(10))
"""


class Users:
    """They begin at once, for so long; `told` waits for their end."""

    def __init__(self, lab: Lab, for_s: float) -> None:
        self._lab, self._for_s = lab, for_s
        self._pool = ThreadPoolExecutor()
        self._asking: dict[str, Future[subprocess.CompletedProcess[str]]] = {}

    def ask_from_outside(self, url: str) -> None:
        """Half of the requests over connections that are kept."""
        words = [sys.executable, str(STEADY), url, str(REQUESTS_PER_SECOND), str(self._for_s)]
        self._asking[f"requests from outside to {url}"] = self._pool.submit(
            subprocess.run, words, capture_output=True, text=True, timeout=self._for_s + 60, check=False
        )

    def ask_from(self, node: str, url: str) -> None:
        words = ["python3", "-c", STEADY.read_text(), url, str(REQUESTS_PER_SECOND), str(self._for_s)]
        self._start(f"requests from {node} to {url}", node, words)

    def ask_name(self, node: str, server: str, name: str, address: str) -> None:
        script = Path(dns_client.__file__).read_text() + STEADY_NAMES
        words = [AGENT_PYTHON, "-c", script, server, name, address, str(NAMES_PER_SECOND), str(self._for_s)]
        self._start(f"names asked on {node}", node, words)

    def _start(self, what: str, node: str, words: Sequence[str]) -> None:
        self._asking[what] = self._pool.submit(self._lab.run, node, words, timeout_s=self._for_s + 60)

    def told(self) -> dict[str, tuple[int, list[str]]]:
        """Of each, how much was answered, and what was not."""
        found = {}
        for what, asking in self._asking.items():
            done = asking.result()
            assert done.returncode == 0, f"{what}: {done.stderr}"
            count, *lost = done.stdout.split("\n")
            found[what] = int(count), [line for line in lost if line]
        return found
