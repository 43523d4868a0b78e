"""Kubernetes' client libraries on the lab that PODLAB_CLUSTER names, each in a namespace of its own."""

from __future__ import annotations

import gc
import os
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import PROJECT, Cli

from podlab.lab.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    own = Lab(os.environ.get("PODLAB_CLUSTER", "lab"))
    if not own.exists():
        pytest.skip(f"no lab {own.name!r}: bring it up with `make up`")
    return own


@pytest.fixture(scope="session")
def kubeconfig(lab: Lab) -> Path:
    return PROJECT / ".podlab" / lab.name / "kubeconfig"


@pytest.fixture
def namespace(lab: Lab) -> Iterator[str]:
    cli, name = Cli(lab.name), f"clients-{secrets.token_hex(3)}"
    cli("create", "namespace", name)
    yield name
    cli("delete", "namespace", name)


@pytest.fixture(autouse=True)
def _connections_left_open() -> Iterator[None]:
    """The libraries leave connections to the garbage collector: here, not in a later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
