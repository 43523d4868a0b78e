"""Which limit on the disk a pod has outgrown, in Kubernetes' words."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.eviction.storage_limits import DiskUsage, exceeded_limit

MIB = 1 << 20


def container(name: str, limit: str = "") -> Json:
    limits = {"ephemeral-storage": limit} if limit else {}
    return {"name": name, "image": "i", "resources": {"limits": limits}}


def spec(*containers: Json, size: str = "", medium: str = "") -> Json:
    source = {"medium": medium, **({"sizeLimit": size} if size else {})}
    return {"containers": list(containers), "volumes": [{"name": "v", "emptyDir": source}]}


VOLUME = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
POD = "Pod ephemeral local storage usage exceeds the total limit of containers {}. "
CONTAINER = 'Container a exceeded its local ephemeral storage limit "1Mi". '


@pytest.mark.parametrize(
    ("given", "volume", "a", "other", "told"),
    [
        pytest.param(spec(container("a")), 900 * MIB, 900 * MIB, 0, "", id="no limit"),
        pytest.param(spec(container("a"), size="1Mi"), MIB, 0, 0, "", id="a volume that is full"),
        pytest.param(spec(container("a"), size="1Mi"), MIB + 1, 0, 0, VOLUME, id="a volume that is over"),
        pytest.param(spec(container("a"), size="0"), MIB, 0, 0, "", id="0 is no limit"),
        pytest.param(spec(container("a"), size="1Mi", medium="Memory"), 2 * MIB, 0, 0, "", id="memory is the kernel's"),
        pytest.param(spec(container("a", "1Mi")), 0, MIB, 0, "", id="a container that is full"),
        pytest.param(spec(container("a", "1Mi")), 0, 2 * MIB, 0, POD.format("1Mi"), id="the only container"),
        pytest.param(spec(container("a", "1Mi"), container("b", "5Mi")), 0, 2 * MIB, 0, CONTAINER, id="one of two"),
        pytest.param(spec(container("a", "1Mi"), container("b", "5Mi")), 4 * MIB, MIB, 2 * MIB, POD.format("6Mi"),
                     id="containers, volumes and the node's files together"),
        pytest.param(spec(container("a", "1Mi"), size="1Mi"), 2 * MIB, 2 * MIB, 0, VOLUME, id="a volume is told first"),
        pytest.param(spec(container("a"), container("b", "1Mi")), 0, 2 * MIB, 0, POD.format("1Mi"),
                     id="a container without a limit counts"),
        pytest.param(spec(container("a", "0")), 0, 0, 0, "", id="nothing of nothing"),
    ],
)  # fmt: skip
def test_what_is_outgrown(pod: MakePod, given: Json, volume: int, a: int, other: int, told: str) -> None:
    assert exceeded_limit(pod(**given), DiskUsage({"v": volume}, {"a": a, "b": 0}, other)) == told
