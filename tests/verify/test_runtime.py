from typing import Any

import pytest
from testinfra.host import Host as Machine

from podlab.deploy.images import IMAGES
from podlab.deploy.verify import cri_probe
from podlab.deploy.verify.machines import run_script

PODLAB_PYTHON = "/opt/podlab/venv/bin/python"
SANDBOX_IMAGE = "podlab.local/pause:1"


@pytest.mark.on("nodes")
def test_containerd_answers_cri(machine: Machine) -> None:
    """containerd answers over CRI that runtime and network are ready."""
    answer: Any = run_script(machine, cri_probe, python=PODLAB_PYTHON)
    assert "error" not in answer, f"containerd's CRI answers {answer['error']}; see journalctl -u containerd"
    missing = [name for name, holds in answer["conditions"].items() if not holds]
    assert not missing, f"containerd says that these do not hold: {', '.join(missing)}"
    assert answer["sandbox_image"] == SANDBOX_IMAGE, "containerd runs with other settings; run site.yml again"


@pytest.mark.on("nodes")
def test_podlabs_own_images_are_there(machine: Machine) -> None:
    """Podlab's own images are in containerd."""
    present = machine.check_output("ctr --namespace k8s.io images list --quiet").split()
    missing = [name for name in IMAGES if name not in present]
    assert not missing, f"{', '.join(missing)} missing; run site.yml again"
