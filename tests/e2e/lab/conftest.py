import os
from collections.abc import Iterator

import pytest
from podlab_testing.own_labs import own_lab

from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec


@pytest.fixture(scope="session", autouse=True)
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("lab hosts need root")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab of this module's own, of one master and one node."""
    own = own_lab("l")
    own.destroy()
    own.create(LabSpec(name=own.name, masters=1, nodes=1))
    yield own
    own.destroy()


@pytest.fixture
def spare() -> Iterator[Lab]:
    """A name for a lab that the test makes and breaks itself."""
    own = own_lab("s")
    own.destroy()
    yield own
    own.destroy()
