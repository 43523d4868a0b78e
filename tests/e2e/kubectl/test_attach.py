"""kubectl attach and run -it: the streams of a container's own process."""

from __future__ import annotations

import yaml
from podlab_testing.deployed import IMAGE
from podlab_testing.kubectl import Kubectl
from podlab_testing.terminals import terminal

READS = "while read line; do echo heard $line; done; echo no more"


def listener(name: str, **container: object) -> str:
    told = {"name": "c", "image": IMAGE, "stdin": True, "command": ["sh", "-c", READS], **container}
    spec = {"containers": [told], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def test_who_leaves_lets_it_run_on_and_may_come_back(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=listener("open"))
    kubectl("wait", "pod/open", "--for=condition=Ready", "--timeout=30s")
    for word in ("one", "two"):
        with kubectl.running("attach", "-i", "open") as attached:
            attached.type(f"{word}\n")
            attached.until(f"heard {word}")
    assert kubectl.out("logs", "open") == "heard one\nheard two"


def test_an_input_that_is_opened_once_ends_with_who_gave_it(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=listener("once", stdinOnce=True))
    kubectl("wait", "pod/once", "--for=condition=Ready", "--timeout=30s")
    assert "heard me" in kubectl("attach", "-i", "once", stdin="me\n").stdout
    kubectl("wait", "pod/once", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s")
    assert kubectl.out("logs", "once") == "heard me\nno more"
    assert "cannot attach a container in a completed pod" in kubectl.refused("attach", "once")


def test_run_on_a_terminal_and_remove(kubectl: Kubectl) -> None:
    arguments = ("run", "shell", f"--image={IMAGE}", "-it", "--rm", "--restart=Never", "--command", "--", "sh")
    with terminal(kubectl, *arguments) as shell:
        shell.until("/ #")
        shell.type("echo $((40 + 2))\n")
        shell.until("42")
        shell.type("exit\n")
        assert shell.ended() == 0
        assert 'pod "shell" deleted' in shell.said.decode()
    assert kubectl.items("pods") == []


def test_piped_run_has_the_containers_exit_code(kubectl: Kubectl) -> None:
    arguments = ("run", "once", f"--image={IMAGE}", "-i", "--rm", "--quiet", "--restart=Never", "--command", "--")
    done = kubectl(*arguments, "sh", "-c", "read x; echo got $x; exit 4", stdin="this\n", check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (4, "got this")
