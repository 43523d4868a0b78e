"""kubectl on the lab that PODLAB_CLUSTER names (`lab` by default), brought up with `make up`.

Each test works in a namespace of its own. A module that shares one overrides `namespace` with a wider scope.
"""

from __future__ import annotations

import shutil

import pytest
from podlab_testing.deployed import PROJECT
from podlab_testing.kubectl import Kubectl

from podlab.lab.lab import Lab


@pytest.fixture(scope="session")
def administrator(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """The lab's own kubeconfig, as `make up` leaves it."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed")
    return Kubectl(program, PROJECT / ".podlab" / lab.name / "kubeconfig", tmp_path_factory.mktemp("home"))


@pytest.fixture
def kubectl(administrator: Kubectl, namespace: str) -> Kubectl:
    """The administrator's kubectl, in the test's namespace."""
    return administrator.inside(namespace)
