"""Kubernetes' client libraries on the lab that PODLAB_CLUSTER names, each in a namespace of its own."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import PROJECT

from podlab.lab.lab import Lab


@pytest.fixture(scope="session")
def kubeconfig(lab: Lab) -> Path:
    return PROJECT / ".podlab" / lab.name / "kubeconfig"


@pytest.fixture(scope="session")
def new_kubectl() -> Path:
    """kubectl 1.37, also where another is installed."""
    program = Path(sys.prefix) / "kubectl" / "bin" / "kubectl"
    if not program.exists():
        pytest.skip("kubectl 1.37 is not installed: scripts/bootstrap clients")
    return program


@pytest.fixture(autouse=True)
def _connections_left_open() -> Iterator[None]:
    """The libraries leave connections to the garbage collector: here, not in a later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
