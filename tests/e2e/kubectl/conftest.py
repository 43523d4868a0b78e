"""kubectl on the lab that PODLAB_CLUSTER names (`lab` by default), brought up with `make up`.

Each test works in a namespace of its own. A module that shares one overrides `namespace` with a wider scope.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator

import pytest
from deployed import PROJECT
from kubectl import Kubectl

from podlab.lab.lab import Lab

NAMESPACES_GONE_WITHIN_S = 120
MakeNamespace = Callable[[], str]


@pytest.fixture(scope="session")
def administrator(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """The lab's own kubeconfig, as `make up` leaves it."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed")
    return Kubectl(program, PROJECT / ".podlab" / lab.name / "kubeconfig", tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def make_namespace(administrator: Kubectl) -> Iterator[MakeNamespace]:
    """Makes namespaces, and waits at the very end until all are gone."""
    made: list[str] = []

    def make() -> str:
        made.append(f"kubectl-{secrets.token_hex(3)}")
        administrator("create", "namespace", made[-1])
        return made[-1]

    yield make
    if made:
        administrator("delete", "namespace", *made, "--ignore-not-found", timeout_s=NAMESPACES_GONE_WITHIN_S)


@pytest.fixture
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> Iterator[str]:
    """One of the test's own, which goes away while the next test runs."""
    name = make_namespace()
    yield name
    administrator("delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(administrator: Kubectl, namespace: str) -> Kubectl:
    """The administrator's kubectl, in the test's namespace."""
    return administrator.inside(namespace)
