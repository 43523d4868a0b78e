"""Those who use the network all the time while others change it: requests from outside and from nodes, and names.

Beside each who asks a Service there is a control, which asks just as often and from the same place, with none of the
Service's rules on its way: what is lost while it loses something is the machine's doing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from podlab.lab.lab import Lab
from podlab_testing import dns_client
from podlab_testing.losses import Loss, Told, not_by_the_machine
from podlab_testing.source_code import PROJECT

STEADY = PROJECT / "tests/podlab_testing/steady.py"
REQUESTS_PER_SECOND, NAMES_PER_SECOND = 20, 10
AGENT_PYTHON = "/opt/podlab/venv/bin/python"
# Behind dns_client's text: prints what `steady.py` does, of answers that are right and of others. What a server that is
# killed has received and not read is lost; as resolvers do (attempts:2), it is asked again.
STEADY_NAMES = """
import sys, time
server, name, address, per_second, seconds = sys.argv[1:]
right, wrong, due_s = 0, [], time.monotonic()
until_s = due_s + float(seconds)
while max(due_s, time.monotonic()) < until_s:
    time.sleep(max(0.0, due_s - time.monotonic()))
    due_s += 1 / float(per_second)
    began_s = time.time()
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
        wrong.append(f"{began_s:.3f} {time.time():.3f} {found}")
print(right)
print(*wrong, sep=chr(10))
"""


OUTSIDE = "outside"


@dataclass(frozen=True)
class Outcome:
    """`faults` are those losses that the machine is not to blame for; a control has none."""

    who: str
    answered: int
    lost: tuple[Loss, ...]
    faults: tuple[Loss, ...] = ()

    def __str__(self) -> str:
        return f"{self.who}: {self.answered} answered, {len(self.lost)} lost, {len(self.faults)} of them by fault"


@dataclass(frozen=True)
class _Asking:
    who: str
    place: str
    is_control: bool
    process: Future[subprocess.CompletedProcess[str]]


class Users:
    """They begin at once, for so long; `outcomes` waits for their end. A place is a node, or `OUTSIDE`.

    `control` are the URLs that the controls ask in turn.
    """

    def __init__(self, lab: Lab, for_s: float, control: Sequence[str]) -> None:
        self._lab, self._for_s, self._control = lab, for_s, ",".join(control)
        self._pool = ThreadPoolExecutor(64)
        self._asking: list[_Asking] = []

    def ask(self, place: str, url: str) -> None:
        """Half of the requests over connections that are kept, if the server keeps them."""
        self._ask(f"requests from {place} to {url}", place, url)
        self._ask(f"control of requests from {place} to {url}", place, self._control, is_control=True)

    def ask_name(self, node: str, server: str, name: str, address: str) -> None:
        """The controls of the node's requests are this one's, too."""
        script = Path(dns_client.__file__).read_text() + STEADY_NAMES
        words = [AGENT_PYTHON, "-c", script, server, name, address, str(NAMES_PER_SECOND), str(self._for_s)]
        self._start(f"names asked on {node}", node, words)

    def _ask(self, who: str, place: str, urls: str, *, is_control: bool = False) -> None:
        program = [sys.executable, str(STEADY)] if place == OUTSIDE else ["python3", "-c", STEADY.read_text()]
        self._start(who, place, [*program, urls, str(REQUESTS_PER_SECOND), str(self._for_s)], is_control=is_control)

    def _start(self, who: str, place: str, words: Sequence[str], *, is_control: bool = False) -> None:
        process = self._pool.submit(self._run, place, words)
        self._asking.append(_Asking(who, place, is_control, process))

    def _run(self, place: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        timeout_s = self._for_s + 60
        if place == OUTSIDE:
            return subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
        return self._lab.run(place, words, timeout_s=timeout_s)

    def outcomes(self) -> list[Outcome]:
        """What became of all that was asked."""
        found = [(each, _told(each)) for each in self._asking]
        control: dict[str, list[Loss]] = {each.place: [] for each in self._asking}
        for each, told in found:
            if each.is_control:
                control[each.place] += told.lost
        return [
            Outcome(
                each.who,
                told.answered,
                told.lost,
                () if each.is_control else tuple(not_by_the_machine(told.lost, control[each.place])),
            )
            for each, told in found
        ]


def _told(asking: _Asking) -> Told:
    done = asking.process.result()
    assert done.returncode == 0, f"{asking.who}: {done.stderr}"
    return Told.read(done.stdout)
