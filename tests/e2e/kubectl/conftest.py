"""kubectl on the lab that PODLAB_CLUSTER names (`lab` by default), brought up with `make up`.

Each test works in a namespace of its own. A module that shares one overrides `namespace` with a wider scope.
"""

from __future__ import annotations

import pytest
from podlab_testing.kubectl import Kubectl


@pytest.fixture
def kubectl(administrator: Kubectl, namespace: str) -> Kubectl:
    """The administrator's kubectl, in the test's namespace."""
    return administrator.inside(namespace)
