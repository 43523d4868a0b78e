"""Real members of etcd, on loopback, that end with the test."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from podlab_testing.ports import reserved_ports

PROGRAM = Path("/usr/bin/etcd")
_STARTED_S = 30.0

Found = TypeVar("Found")


@dataclass
class EtcdMember:
    """A process, which can be ended and started again with what it has stored."""

    name: str
    client_url: str
    peer_url: str
    arguments: Sequence[str]
    directory: Path
    command: Sequence[str] = ()
    """What the program is run by, as `ip netns exec NAME`."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        return self.client_url.partition("://")[2]

    def start(self) -> None:
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, PROGRAM, *self.arguments], stdout=log, stderr=subprocess.STDOUT, env={}
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As if its machine had lost power, but for its disk."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def hang(self) -> None:
        """It takes connections, and answers nothing."""
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def answers(self) -> bool:
        """Whether it answers a linearizable read."""
        try:
            self.asked("kv/range", {"key": "AA=="})
        except OSError:
            return False
        return True

    def asked(self, path: str, body: dict[str, object]) -> dict[str, object]:
        """What its JSON gateway answers."""
        request = urllib.request.Request(f"{self.client_url}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: dict[str, object] = json.loads(answer.read())
            return found


@dataclass
class EtcdCluster:
    """All members, running."""

    members: list[EtcdMember]

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(member.endpoint for member in self.members)

    def leader(self) -> EtcdMember:
        """The member that leads. Waits until there is one."""
        return _eventually(self._leader, "a member of etcd leads")

    def _leader(self) -> EtcdMember | None:
        for member in self.members:
            if member.process is None:
                continue
            with contextlib.suppress(OSError):
                status = member.asked("maintenance/status", {})
                header = status["header"]
                assert isinstance(header, dict)
                if status.get("leader") == header["member_id"]:
                    return member
        return None

    def wait(self) -> None:
        """Until every member that runs has answered a linearizable read."""
        for member in self.members:
            if member.process is not None:
                _eventually(member.answers, f"etcd's member {member.name} answers")

    def end(self) -> None:
        for member in self.members:
            member.kill()


@contextlib.contextmanager
def running(
    directory: Path, size: int = 1, *, arguments: Sequence[str] = (), scheme: str = "http", wait: bool = True
) -> Iterator[EtcdCluster]:
    """So many members. What they store is below `directory`."""
    with reserved_ports(2 * size) as free:
        addresses = [f"127.0.0.1:{port}" for port in free]
        cluster = EtcdCluster(members(directory, addresses[:size], addresses[size:], arguments, scheme))
        try:
            for member in cluster.members:
                member.start()
            if wait:
                cluster.wait()
            yield cluster
        finally:
            cluster.end()


def members(
    directory: Path,
    clients: Sequence[str],
    peers: Sequence[str],
    arguments: Sequence[str] = (),
    scheme: str = "http",
) -> list[EtcdMember]:
    """Members of one cluster that talk to each other at `peers`; none runs yet."""
    directory.mkdir(exist_ok=True)
    names = [f"m{index}" for index in range(len(clients))]
    all_of_them = ",".join(f"{name}=http://{peer}" for name, peer in zip(names, peers, strict=True))
    made = []
    for name, client, peer in zip(names, clients, peers, strict=True):
        own = {
            "name": name,
            "data-dir": str(directory / name),
            "listen-client-urls": f"{scheme}://{client}",
            "advertise-client-urls": f"{scheme}://{client}",
            "listen-peer-urls": f"http://{peer}",
            "initial-advertise-peer-urls": f"http://{peer}",
            "initial-cluster": all_of_them,
            "log-level": "error",
        }
        flags = [f"--{flag}={value}" for flag, value in own.items()]
        made.append(EtcdMember(name, f"{scheme}://{client}", f"http://{peer}", [*flags, *arguments], directory))
    return made


def _eventually(question: Callable[[], Found | None], what: str) -> Found:
    """The first answer that says yes."""
    until_s = time.monotonic() + _STARTED_S
    while not (found := question()):
        assert time.monotonic() < until_s, f"not so after {_STARTED_S:g} s: {what}"
        time.sleep(0.05)
    return found
