"""Run images as processes, without a container runtime: layers unpacked, chroot, a PID namespace of their own."""

import json
import os
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from podlab_testing.waiting import WITHIN_S

from podlab.deploy.images import build

ENTER = '/bin/mount -t proc proc "$0/proc" && /bin/mount --bind /dev "$0/dev" && exec /usr/sbin/chroot "$0" "$@"'


@dataclass(frozen=True)
class Running:
    root: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def init(self) -> int:
        """The host's id of the container's process 1."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            command = ["ps", "--ppid", str(self.process.pid), "-o", "pid="]
            listing = subprocess.run(command, check=False, capture_output=True, text=True).stdout
            if listing:
                return int(listing)
            assert time.monotonic() < deadline, self.log.read_text()

    def terminate(self) -> None:
        os.kill(self.init, signal.SIGTERM)

    def wait_for_process(self, name: str) -> None:
        """Until a program of this name runs in the container."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            names = subprocess.run(
                ["ps", "-o", "comm=", "-s", str(self.init)], check=False, capture_output=True, text=True
            ).stdout.split()
            if name in names:
                return
            assert time.monotonic() < deadline, f"no {name}, only {names}: {self.log.read_text()}"
            time.sleep(0.01)

    def wait_for_log(self, text: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, f"no {text!r} in: {self.log.read_text()}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.01)


Run = Callable[..., Running]


def unpack(archive: Path, root: Path) -> list[str]:
    """Lay the image's layers out under `root`; return its entry point and KEY=VALUE environment for env(1)."""
    root.mkdir()
    with tarfile.open(archive) as tar:

        def read(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        def blob(descriptor: Mapping[str, str]) -> bytes:
            return read("blobs/sha256/" + descriptor["digest"].removeprefix("sha256:"))

        manifest = json.loads(blob(json.loads(read("index.json"))["manifests"][0]))
        for layer in manifest["layers"]:
            subprocess.run(["tar", "-xf", "-", "-C", root], input=blob(layer), check=True)
        config = json.loads(blob(manifest["config"]))["config"]
    environment: list[str] = config["Env"]
    entrypoint: list[str] = config["Entrypoint"]
    return environment + entrypoint


@pytest.fixture
def run_image(tmp_path: Path) -> Iterator[Run]:
    if os.geteuid() != 0:
        pytest.skip("running an image needs root")
    started: list[Running] = []

    def run(name: str, **environment: str) -> Running:
        root = tmp_path / f"root{len(started)}"
        command = unpack(build(name, tmp_path), root)
        variables = [word for word in command if "=" in word] + [f"{key}={value}" for key, value in environment.items()]
        entrypoint = [word for word in command if "=" not in word]
        for folder in ("proc", "dev"):
            (root / folder).mkdir()
        log = root.with_suffix(".log")
        with log.open("wb") as output:
            isolated = ["unshare", "--pid", "--fork", "--mount", "--kill-child", "setsid", "env", "-i"]
            process = subprocess.Popen(
                [*isolated, "PATH=/usr/sbin:/usr/bin", *variables, "sh", "-c", ENTER, str(root), *entrypoint],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        started.append(Running(root, process, log))
        return started[-1]

    yield run
    for running in started:
        running.process.kill()
        running.process.wait(timeout=WITHIN_S)


@dataclass(frozen=True)
class Hello:
    container: Running
    port: int

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        try:
            with urlopen(Request(f"http://127.0.0.1:{self.port}{path}", method=method), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + WITHIN_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.container.process.poll() is None, self.container.log.read_text()
            assert time.monotonic() < deadline, self.container.log.read_text()
            time.sleep(0.01)


@pytest.fixture
def hello(run_image: Run) -> Hello:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    container = run_image("podlab.local/hello:1.0", PORT=str(port), POD_NAME="web-7d9c-abcde", NODE_NAME="n1")
    running = Hello(container, port)
    running.wait_until_listening()
    return running


def test_hello_says_which_pod_on_which_node_in_which_version(hello: Hello) -> None:
    assert hello.get("/") == (200, "hello from web-7d9c-abcde on n1, version 1.0\n")
    assert hello.get("/?with=query") == hello.get("/")


def test_hello_shows_a_greeting_that_is_mounted_and_follows_its_changes(hello: Hello) -> None:
    mounted = hello.container.root / "etc" / "hello"
    mounted.mkdir()
    for greeting in ("good day", "good night"):
        (mounted / "greeting").write_text(greeting)  # As in a ConfigMap, there is no newline at the end.
        assert hello.get("/")[1] == f"{greeting} from web-7d9c-abcde on n1, version 1.0\n"


def test_hello_turns_unhealthy_while_a_file_says_so(hello: Hello) -> None:
    assert hello.get("/healthz") == (200, "ok\n")
    mark = hello.container.root / "tmp" / "unhealthy"
    mark.touch()
    assert hello.get("/healthz") == (503, "unhealthy: /tmp/unhealthy exists\n")
    mark.unlink()
    assert hello.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/slow", 400),
        ("GET", "/slow?seconds=x", 400),
        ("POST", "/", 405),
        ("HEAD", "/", 200),
    ],
)
def test_hello_answers_each_request_with_the_right_status(hello: Hello, method: str, path: str, status: int) -> None:
    assert hello.get(path, method)[0] == status


def test_hello_answers_a_burst_of_requests_without_a_refusal(hello: Hello) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: hello.get("/")[0], range(200)))
    assert answers == [200] * 200


def test_hello_finishes_its_requests_after_sigterm_and_takes_no_new_ones(hello: Hello) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(hello.get, "/slow?seconds=2")
        hello.container.wait_for_process("sleep")
        hello.container.terminate()
        hello.container.wait_for_log("stopped listening")
        with pytest.raises(URLError, match="refused"):
            hello.get("/")
        assert hello.container.process.poll() is None
        assert slow.result(timeout=WITHIN_S) == (200, "hello from web-7d9c-abcde on n1, version 1.0\n")
    assert hello.container.process.wait(timeout=WITHIN_S) == 0
    assert "finished" in hello.container.log.read_text()


def test_hello_without_requests_ends_at_once(hello: Hello) -> None:
    hello.container.terminate()
    assert hello.container.process.wait(timeout=WITHIN_S) == 0


def test_hello_fails_when_its_port_is_taken(run_image: Run) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6) as server:
        container = run_image("podlab.local/hello:1.1", PORT=str(server.getsockname()[1]))
        assert container.process.wait(timeout=WITHIN_S) == 1
    assert "Address already in use" in container.log.read_text()


def test_pause_waits_in_a_few_kilobytes_until_sigterm(run_image: Run) -> None:
    container = run_image("podlab.local/pause:1")
    container.wait_for_process("pause")
    if container.process.poll() is None:
        rollup = Path(f"/proc/{container.init}/smaps_rollup").read_text()
        (pss,) = (int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        assert pss < 64
    container.terminate()
    assert container.process.wait(timeout=WITHIN_S) == 0


def test_pause_reaps_the_orphans_of_its_pod(run_image: Run) -> None:
    container = run_image("podlab.local/pause:1")
    container.wait_for_process("pause")
    # The subshell's child outlives it and becomes a child of process 1.
    enter = ["nsenter", "--target", str(container.init), "--pid", "sh", "-c", "(sleep 0.2 & echo orphaned)"]
    assert subprocess.run(enter, check=True, capture_output=True, timeout=10).stdout == b"orphaned\n"
    deadline = time.monotonic() + WITHIN_S
    while children(container.init):
        assert time.monotonic() < deadline, children(container.init)
        time.sleep(0.01)
    assert container.process.poll() is None


def children(process: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "--ppid", str(process), "-o", "stat=,comm="], check=False, capture_output=True, text=True
    )
    return listing.stdout.splitlines()
