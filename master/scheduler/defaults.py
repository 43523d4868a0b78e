"""The policy as Kubernetes has it: its default plugins, in its order, with its weights.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from __future__ import annotations

from master.scheduler.plugins.balanced_allocation import NodeResourcesBalancedAllocation
from master.scheduler.plugins.image_locality import ImageLocality
from master.scheduler.plugins.interpod_affinity import InterPodAffinity
from master.scheduler.plugins.node_affinity import NodeAffinity
from master.scheduler.plugins.node_name import NodeName
from master.scheduler.plugins.node_ports import NodePorts
from master.scheduler.plugins.node_resources_fit import NodeResourcesFit
from master.scheduler.plugins.node_unschedulable import NodeUnschedulable
from master.scheduler.plugins.taint_toleration import TaintToleration
from master.scheduler.plugins.topology_spread import PodTopologySpread
from master.scheduler.profile import DEFAULT_NAME, Profile, Weighted

_AFFINITY, _FIT, _TAINTS = NodeAffinity(), NodeResourcesFit(), TaintToleration()
_SPREAD, _PODS = PodTopologySpread(), InterPodAffinity()
_SCORES = (_TAINTS, _AFFINITY, _FIT, _SPREAD, _PODS, NodeResourcesBalancedAllocation(), ImageLocality())

DEFAULT_PROFILE = Profile(
    scheduler_name=DEFAULT_NAME,
    filters=(NodeUnschedulable(), NodeName(), _TAINTS, _AFFINITY, NodePorts(), _FIT, _SPREAD, _PODS),
    scores=tuple(Weighted(plugin, plugin.weight) for plugin in _SCORES),
)
