"""kubectl exec and cp: streams, terminals, exit codes, files."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace
from podlab_testing.kubectl import Kubectl
from podlab_testing.terminals import COLUMNS, ROWS, terminal

BIG_BYTES = 50_000_000


def sleeper(name: str, *containers: str) -> str:
    spec = {
        "containers": [{"name": each, "image": IMAGE, "command": ["sleep", "3600"]} for each in containers],
        "terminationGracePeriodSeconds": 0,
    }
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One with pod box, and pod two of two containers."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    kubectl("create", "-f", "-", stdin="---\n".join((sleeper("box", "c"), sleeper("two", "one", "other"))))
    kubectl("wait", "pod/box", "pod/two", "--for=condition=Ready", "--timeout=60s")
    return name


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "big"
    path.write_bytes(os.urandom(BIG_BYTES))
    return path


def test_output_and_errors_come_apart_with_the_exit_code(kubectl: Kubectl) -> None:
    done = kubectl("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 3", check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    # kubectl 1.32 sometimes reads the server's first, empty message before it has made its streams, and says so.
    said = [line for line in done.stderr.splitlines() if not line.endswith("Unknown stream id 1, discarding message")]
    assert said == ["err", "command terminated with exit code 3"]


def test_a_container_is_chosen_or_the_first_one_taken(kubectl: Kubectl) -> None:
    assert kubectl.out("exec", "two", "-c", "other", "--", "echo", "hi") == "hi"
    done = kubectl("exec", "two", "--", "echo", "hi")
    assert (done.stdout, done.stderr) == ("hi\n", 'Defaulted container "one" out of: one, other\n')


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody", "--", "true"), 'Error from server (NotFound): pods "nobody" not found'),
        (("box", "-c", "no", "--", "true"), "Error from server (BadRequest): container no is not valid for pod box"),
        (("box", "--", "no-such-program"), "executable file not found in $PATH"),
    ],
)
def test_what_cannot_be_run_is_told(kubectl: Kubectl, arguments: tuple[str, ...], told: str) -> None:
    assert told in kubectl.refused("exec", *arguments)


def test_piped_input_ends_and_all_of_it_arrives(kubectl: Kubectl, big: Path) -> None:
    with big.open("rb") as given:
        command = kubectl.command("exec", "-i", "box", "--", "sh", "-c", "md5sum; echo the end")
        done = subprocess.run(
            command, stdin=given, capture_output=True, timeout=60, check=True, env=kubectl.variables()
        )
    digest, end = done.stdout.decode().splitlines()
    assert digest.split()[0] == hashlib.md5(big.read_bytes()).hexdigest()
    assert end == "the end"


def test_a_terminal_is_one_with_its_size(kubectl: Kubectl) -> None:
    with terminal(kubectl, "exec", "-it", "box", "--", "sh") as shell:
        shell.type("tty; stty size; echo $((40 + 2))\n")
        said = shell.until("42")
        assert "/dev/pts/0" in said
        assert f"{ROWS} {COLUMNS}" in said
        shell.type("exit 5\n")
        assert shell.ended() == 5


def test_files_and_directories_are_copied_both_ways(kubectl: Kubectl, big: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "b").write_text("two")
    (tree / "big").write_bytes(big.read_bytes())
    kubectl("cp", str(tree), "box:/tmp/tree")
    assert kubectl.out("exec", "box", "--", "cat", "/tmp/tree/below/b") == "two"
    kubectl("cp", "box:/tmp/tree", str(tmp_path / "back"))
    assert (tmp_path / "back" / "below" / "b").read_text() == "two"
    assert (tmp_path / "back" / "big").read_bytes() == big.read_bytes()
    assert "doesn't exist in local filesystem" in kubectl.refused("cp", str(tmp_path / "none"), "box:/tmp")
