"""Those who ask: one client by itself, and dnsperf with many."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.dns.record import name_to_wire

NAMES = 50_000
SECONDS = 8
CLIENTS = 8
_ANSWERED = re.compile(r"^> \S+ \S+ \S+ (\d+\.\d+)$", re.MULTILINE)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Asking:
    """One client that asks, waits, and asks again."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect((address, port))

    def code(self, name: str) -> int:
        """The response code for an A question."""
        self._socket.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + name_to_wire(name) + b"\0\1\0\1")
        return self._socket.recv(4096)[3] & 15


@dataclass(frozen=True)
class Load:
    """What dnsperf has seen: answers a second, how many questions had none, and how long answers took, in ms."""

    rate: float
    lost: int
    times_ms: Sequence[float]


def is_installed() -> bool:
    return shutil.which("dnsperf") is not None


def load(address: str, port: int, name: Callable[[], str], most: int = 0) -> Load:
    """Questions from CLIENTS sockets for SECONDS, `most` a second; where that is 0 as many as are answered, untimed.

    Raises CalledProcessError.
    """
    with tempfile.TemporaryDirectory() as temporary:
        names, said = Path(temporary, "names"), Path(temporary, "said")
        names.write_text("".join(f"{name()} A\n" for _ in range(NAMES)))
        words = ["dnsperf", "-s", address, "-p", str(port), "-d", str(names), "-l", str(SECONDS), "-c", str(CLIENTS)]
        with said.open("w") as file:
            subprocess.run([*words, *(("-v", "-Q", str(most)) if most else ())], stdout=file, check=True)
        printed = said.read_text()
    completed, lost = (int(re.findall(rf"Queries {word}:\s+(\d+)", printed)[0]) for word in ("completed", "lost"))
    return Load(completed / SECONDS, lost, [float(each) * 1000 for each in _ANSWERED.findall(printed)])
