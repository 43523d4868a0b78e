"""How groups and versions are preferred to others, as Kubernetes has it for those that it serves itself. Pure.

Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/controlplane/apiserver/aggregator.go
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from podlab.api.values import versions


class GroupVersion(NamedTuple):
    """A group, empty for the core group, in one of its versions."""

    group: str
    version: str

    @property
    def service_name(self) -> str:
        """What its APIService is called."""
        return f"{self.version}.{self.group}"

    @property
    def path(self) -> str:
        """Where it is served, without a slash at the end."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def api_version(self) -> str:
        """What its objects say."""
        return f"{self.group}/{self.version}" if self.group else self.version


class ApiServicePriority(NamedTuple):
    """The greater is preferred: among groups, and among the versions of a group."""

    group: int
    version: int


OWN: Final = "apiregistration.k8s.io"
"""The group of APIServices has none of its own: it is this server's whatever they say, and comes first."""
CUSTOM: Final = ApiServicePriority(1000, 100)
"""Of groups that CustomResourceDefinitions add."""
METRICS: Final = GroupVersion("metrics.k8s.io", "v1beta1")
"""Answered here unless somebody says that another server does."""
OTHER: Final = ApiServicePriority(100, 100)
"""Of what Kubernetes does not serve itself; the metrics server's own, for one."""
BUILT_IN: Final[Mapping[GroupVersion, ApiServicePriority]] = {
    GroupVersion("", "v1"): ApiServicePriority(18_000, 1),
    GroupVersion("apps", "v1"): ApiServicePriority(17_800, 15),
    GroupVersion("events.k8s.io", "v1"): ApiServicePriority(17_750, 15),
    GroupVersion("authentication.k8s.io", "v1"): ApiServicePriority(17_700, 15),
    GroupVersion("authorization.k8s.io", "v1"): ApiServicePriority(17_600, 15),
    GroupVersion("autoscaling", "v1"): ApiServicePriority(17_500, 15),
    GroupVersion("autoscaling", "v2"): ApiServicePriority(17_500, 30),
    GroupVersion("batch", "v1"): ApiServicePriority(17_400, 15),
    GroupVersion("certificates.k8s.io", "v1"): ApiServicePriority(17_300, 15),
    GroupVersion("networking.k8s.io", "v1"): ApiServicePriority(17_200, 15),
    GroupVersion("policy", "v1"): ApiServicePriority(17_100, 15),
    GroupVersion("rbac.authorization.k8s.io", "v1"): ApiServicePriority(17_000, 15),
    GroupVersion("storage.k8s.io", "v1"): ApiServicePriority(16_800, 15),
    GroupVersion("apiextensions.k8s.io", "v1"): ApiServicePriority(16_700, 15),
    GroupVersion("admissionregistration.k8s.io", "v1"): ApiServicePriority(16_700, 15),
    GroupVersion("scheduling.k8s.io", "v1"): ApiServicePriority(16_600, 15),
    GroupVersion("coordination.k8s.io", "v1"): ApiServicePriority(16_500, 15),
    GroupVersion("node.k8s.io", "v1"): ApiServicePriority(16_300, 15),
    GroupVersion("discovery.k8s.io", "v1"): ApiServicePriority(16_200, 15),
    GroupVersion("flowcontrol.apiserver.k8s.io", "v1"): ApiServicePriority(16_100, 21),
    GroupVersion("resource.k8s.io", "v1"): ApiServicePriority(15_900, 20),
}
_FIRST: Final = ApiServicePriority(1 << 31, 1)


def of(served: GroupVersion, *, custom: bool) -> ApiServicePriority:
    """What this server's own APIService of it says."""
    return CUSTOM if custom else BUILT_IN.get(served, OTHER)


def ordered(found: Mapping[GroupVersion, ApiServicePriority]) -> dict[str, list[str]]:
    """Groups, the ones to prefer first, with their versions, the ones to prefer first.

    A group's priority is the greatest of its versions'. Of equal groups the alphabet decides; of equal versions the
    newer comes first.
    """
    versions_of: dict[str, dict[str, int]] = {}
    groups: dict[str, int] = {}
    for one, said in found.items():
        own = _FIRST if one.group == OWN else said
        groups[one.group] = max(own.group, groups.get(one.group, 0))
        versions_of.setdefault(one.group, {})[one.version] = said.version
    return {
        group: sorted(versions_of[group], key=_preference(versions_of[group]), reverse=True)
        for group in sorted(groups, key=lambda name: (-groups[name], name))
    }


def _preference(said: Mapping[str, int]) -> Callable[[str], tuple[object, ...]]:
    return lambda version: (said[version], *versions.priority(version))


def at_path(path: str) -> GroupVersion | None:
    """The group version that a path is in; None for another path, and where a group begins."""
    root, *parts = path.lstrip("/").split("/", 3)
    if root == "api" and parts and parts[0]:
        return GroupVersion("", parts[0])
    if root == "apis" and len(parts) > 1 and parts[0] and parts[1]:
        return GroupVersion(parts[0], parts[1])
    return None
