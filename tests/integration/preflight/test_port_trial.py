"""Hosts try each other's ports, played by processes of this machine on loopback: the script as it runs on hosts."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S

from podlab.deploy.preflight.hosts import port_trial


def run(task: dict[str, Any]) -> Any:
    source = Path(str(port_trial.__file__)).read_bytes()
    command = [sys.executable, "-", json.dumps(task)]
    return json.loads(subprocess.run(command, input=source, capture_output=True, timeout=20, check=True).stdout)


def target(port: int, host: str = "m1", *, attended: bool = True) -> dict[str, Any]:
    return {"host": host, "address": "127.0.0.1", "port": port, "attended": attended}


def faults(visitor: str, *tried: dict[str, Any]) -> list[str]:
    return [each["fault"] for each in run({"act": "try", "host": visitor, "targets": list(tried)})]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until_free(port: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_free(port):
        assert time.monotonic() < deadline, f"port {port} is still held"
        time.sleep(0.01)


@pytest.fixture
def ports() -> Iterator[tuple[int, ...]]:
    """Two that nobody listens on, reserved for the test."""
    with reserved_ports(2) as reserved:
        yield reserved


def test_doors_are_open_until_everybody_has_come_and_strangers_are_told_apart(ports: tuple[int, int]) -> None:
    first, second = ports
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = int(other.getsockname()[1])
        task = {"act": "listen", "host": "m1", "awaited": {first: ["n1", "n2"], second: ["n1"], taken: ["n1"]}}
        answer = run(task)
        assert answer["open"] == sorted([first, second])
        assert list(answer["held"]) == [str(taken)]
        assert faults("n1", target(first), target(second), target(taken, attended=False)) == ["", "", ""]
    assert not is_free(first)  # n2 has not come yet
    (wrong,) = faults("n3", target(first, host="m9"))
    assert wrong == "somebody else answers there: 'm1'"
    assert faults("n2", target(first)) == [""]
    wait_until_free(first)
    (refused,) = faults("n2", target(first))
    assert refused == "Connection refused"


def test_a_second_try_takes_the_place_of_the_first_at_once(ports: tuple[int, int]) -> None:
    port, _ = ports
    for _ in range(2):
        assert run({"act": "listen", "host": "m1", "awaited": {port: ["n1"]}}) == {
            "open": [port],
            "held": {},
            "echo": False,
        }
    assert faults("n1", target(port)) == [""]
    wait_until_free(port)


def test_those_that_begin_at_one_moment_take_turns(ports: tuple[int, int]) -> None:
    """As two runs of preflight on one host, or hosts of an inventory that are one machine."""
    task = {"act": "listen", "host": "m1", "awaited": {ports[0]: ["n1"]}}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: run(task), range(16)))
    assert {tuple(answer["open"]) + tuple(answer["held"]) for answer in answers} <= {(ports[0],), (str(ports[0]),)}
    port_trial.end_earlier()
    wait_until_free(ports[0])


def test_an_address_that_is_bound_and_not_listened_on_is_waited_for() -> None:
    tried = threading.Event()

    def sleep(delay_s: float) -> None:
        tried.set()
        time.sleep(delay_s)

    with socket.socket(socket.AF_UNIX) as bound, ThreadPoolExecutor(1) as pool:
        bound.bind(port_trial.CONTROL)
        claimed = pool.submit(port_trial.claim, sleep)
        assert tried.wait(timeout=WITHIN_S)
        assert not claimed.done()
        bound.close()
        claimed.result(timeout=WITHIN_S).close()
