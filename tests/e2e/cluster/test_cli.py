"""The command line on a real cluster: what kubectl's users do every day."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import PROJECT, Cli, MakeNamespace, deployment, pod, wait_until

from podlab.deploy.images.archive import archive
from podlab.deploy.images.busybox import read_busybox
from podlab.deploy.images.catalog import IMAGES

PROGRAM = str(Path(sys.executable).with_name("podlab"))


@pytest.fixture(scope="module")
def namespace(cli: Cli, make_namespace: MakeNamespace) -> Iterator[str]:
    """One for all tests here: they get out of each other's way by names."""
    name = make_namespace()
    yield name
    cli.rest.delete_namespace(name)


@pytest.fixture(scope="module")
def box(cli: Cli, namespace: str) -> str:
    """A pod in the namespace, running."""
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("box"))
    wait_until(lambda: cli.get("pod", "box", "-n", namespace)["status"]["phase"] == "Running", "box runs", 30)
    return "box"


def test_what_get_prints_applies_without_a_change_and_without_a_rollout(cli: Cli, namespace: str) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=deployment("web", 1))
    cli("rollout", "status", "deployment/web", "-n", namespace, "--timeout", "60")
    (before,) = cli.items("pods", "-n", namespace, "-l", "app=web")
    for output in ("yaml", "json"):
        exported = cli("get", "deployments,replicasets,pods", "-n", namespace, "-l", "app=web", "-o", output)
        cli("apply", "-f", "-", stdin=exported)
        told = cli("apply", "-f", "-", stdin=exported).splitlines()
        assert all(line.endswith(" unchanged") for line in told), told
    (after,) = cli.items("pods", "-n", namespace, "-l", "app=web")
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert cli.get("deployment", "web", "-n", namespace)["metadata"]["generation"] == 1


def test_exec_carries_megabytes_both_ways_and_codes_as_shells_have_them(cli: Cli, namespace: str, box: str) -> None:
    blob = os.urandom(5_000_000)
    exec_box = [PROGRAM, "exec", "-i", box, "-n", namespace, "--"]
    environment = os.environ | {"PODLAB_CLUSTER": cli.cluster}

    def run(*command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*exec_box, *command],
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
            cwd=PROJECT,
            env=environment,
        )

    echoed = run("cat", given=blob)
    assert (echoed.returncode, echoed.stdout == blob) == (0, True)
    missing = run("no-such-program")
    assert missing.returncode == 127
    assert missing.stderr.decode().strip() == (
        'error: the command could not be run: exec: "no-such-program": executable file not found in $PATH'
    )
    assert run("/etc").returncode == 126
    early = run("head", "-c", "4", given=b"y\n" * 4_000_000)
    assert early.stdout == b"y\ny\n", "a command that ends before its input does not hang"


def test_exec_gives_a_terminal(cli: Cli, namespace: str, box: str) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(PROJECT)
        os.environ["PODLAB_CLUSTER"] = cli.cluster
        os.execv(PROGRAM, ["podlab", "exec", "-it", box, "-n", namespace, "--", "sh"])
    said = b""

    def expect(text: bytes) -> None:
        nonlocal said
        deadline = time.monotonic() + 20
        while text not in said:
            assert time.monotonic() < deadline, (text, said)
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 4096)

    expect(b"# ")
    os.write(terminal, b"tty; echo $((40 + 2))\n")
    expect(b"/dev/pts/")
    expect(b"42\r\n")
    os.write(terminal, b"echo begun; sleep 100\n")
    expect(b"\r\nbegun\r\n")  # the shell has given the terminal back to what it runs
    os.write(terminal, b"\x03")
    expect(b"^C")
    os.write(terminal, b"echo $?-interrupted\n")
    expect(b"130-interrupted\r\n")
    os.write(terminal, b"exit 9\n")
    expect(b"exit code 9")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_an_imported_image_runs_on_the_node_that_has_it(cli: Cli, namespace: str, tmp_path: Path) -> None:
    node = cli.items("nodes")[-1]["metadata"]["name"]
    image = IMAGES["podlab.local/hello:1.0"].make("podlab.local/hello:imported", read_busybox())
    (tmp_path / "hello.tar").write_bytes(archive(image))
    told = cli("image", "import", str(tmp_path / "hello.tar"), "--node", node)
    assert told.startswith(f"{node}: podlab.local/hello:imported (")
    assert told.endswith("2 of 2 layers there)\n"), "all layers are those of an image that every node has"
    manifest = pod("new", image="podlab.local/hello:imported", imagePullPolicy="Never", spec={"nodeName": node})
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    wait_until(lambda: cli.get("pod", "new", "-n", namespace)["status"]["phase"] == "Running", "it runs", 30)
    assert "this is not what was decided then" in cli("why", "pod", "new", "-n", namespace)
    cli("exec", "new", "-n", namespace, "--", "sh", "-c", "echo written > /tmp/note")
    cli("export", "pod/new", "-n", namespace, "-o", str(tmp_path / "files.tar"))
    with tarfile.open(tmp_path / "files.tar") as tar:
        assert {"bin/busybox", "hello/serve"} <= set(tar.getnames())
        note = tar.extractfile("tmp/note")
        assert note is not None
        assert note.read() == b"written\n"


def test_bash_completes_kinds_names_and_namespaces(cli: Cli, namespace: str, box: str) -> None:
    # From bash, as its user asks for it: the shell is found out by who started the program.
    asking = ["bash", "-c", f"{PROGRAM} --show-completion; exit $?"]
    script = subprocess.run(asking, capture_output=True, text=True, timeout=30, check=True).stdout

    def completed(line: str) -> list[str]:
        words = ["podlab", *line.split(" ")]
        asked = f"{script}\nCOMP_WORDS=({' '.join(words[:-1])} {words[-1]!r}); COMP_CWORD={len(words) - 1}"
        shell = f"{asked}; _podlab_completion {PROGRAM}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        environment = os.environ | {"PODLAB_CLUSTER": cli.cluster}
        done = subprocess.run(
            ["bash", "-c", shell], capture_output=True, text=True, timeout=30, check=True, cwd=PROJECT, env=environment
        )
        return done.stdout.split()

    assert completed("get deploy") == ["deploy", "deployments"]
    assert namespace in completed(f"get pods -n {namespace[:4]}")
    assert completed(f"exec -n {namespace} b") == [box]
    assert completed(f"logs -n {namespace} pod/b") == [f"pod/{box}"]


def test_lab_ssh_passes_output_and_exit_code_on(cli: Cli) -> None:
    host = cli.items("nodes")[0]["metadata"]["name"]
    done = cli.run("lab", "ssh", host, "--", "sh", "-c", "echo out; echo err >&2; cat; exit 5", stdin="in")
    assert (done.returncode, done.stdout, done.stderr) == (5, "out\nin", "err\n")
    assert cli("lab", "ssh", host, "--", "hostname; echo a b | wc -w").split() == [host, "2"]


def test_top_and_describe_tell_of_what_runs(cli: Cli, namespace: str, box: str) -> None:
    over = pod("over", command=["true"], readinessProbe=None, lifecycle=None, spec={"restartPolicy": "Never"})
    cli("apply", "-n", namespace, "-f", "-", stdin=over)
    wait_until(lambda: cli.get("pod", "over", "-n", namespace)["status"]["phase"] == "Succeeded", "it is over", 30)
    rows = wait_until(lambda: cli("top", "pods", "-n", namespace).splitlines()[1:], "figures", 30)
    names = [row.split()[0] for row in rows]
    assert box in names
    assert "over" not in names
    told = cli("describe", "pod", box, "-n", namespace)
    reasons = [line.split()[1] for line in told.partition("Events:")[2].splitlines()[3:]]
    assert reasons.index("Pulled") < reasons.index("Created") < reasons.index("Started")
