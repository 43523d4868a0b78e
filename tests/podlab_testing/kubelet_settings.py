"""A kubelet of the lab with other settings, for the length of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from podlab.lab.lab import Lab

SETTINGS = "/etc/podlab/kubelet.yaml"
_RESTART = "systemctl restart podlab-kubelet"


def on_host(lab: Lab, host: str, *lines: str) -> str:
    """What the shell says, as root; each line has to succeed."""
    done = lab.run(host, ["sh", "-euc", "\n".join(lines)], timeout_s=120)
    assert done.returncode == 0, f"{lines}: {done.stdout}{done.stderr}"
    return str(done.stdout)


def change(lab: Lab, node: str, **settings: object) -> None:
    """Writes them over those of the same names. The kubelet takes them up when it starts again."""
    changed = yaml.safe_dump({**yaml.safe_load(on_host(lab, node, f"cat {SETTINGS}")), **settings})
    # Written into the file that is there, which keeps its owner and mode.
    on_host(lab, node, f"cp -a {SETTINGS} {SETTINGS}.before", f"cat > {SETTINGS} <<'END'\n{changed}\nEND")


def restore(lab: Lab, node: str) -> None:
    """Puts back what stood there before `change`."""
    on_host(lab, node, f"mv {SETTINGS}.before {SETTINGS}")


@contextmanager
def changed(lab: Lab, node: str, **settings: object) -> Iterator[None]:
    """The node's kubelet runs with them. A host that is off at the end is started."""
    change(lab, node, **settings)
    try:
        on_host(lab, node, _RESTART)
        yield
    finally:
        if not all(status.running for status in lab.status()):
            lab.start([node])
        restore(lab, node)
        on_host(lab, node, _RESTART)
