"""The scheduler's plugins, one file each, with Kubernetes' names. `FILTERS` and `SCORES` are the policy.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""

from master.scheduler.plugins import (
    balanced_allocation,
    image_locality,
    node_affinity,
    node_name,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    taint_toleration,
)
from master.scheduler.plugins.protocol import Filter, Score

# Asked in this order; a node that one refuses is not shown to the next.
FILTERS: tuple[Filter, ...] = (
    node_unschedulable.NodeUnschedulable(),
    node_name.NodeName(),
    taint_toleration.TaintToleration(),
    node_affinity.NodeAffinity(),
    node_ports.NodePorts(),
    node_resources_fit.NodeResourcesFit(),
)
SCORES: tuple[Score, ...] = (
    taint_toleration.TaintToleration(),
    node_affinity.NodeAffinity(),
    node_resources_fit.NodeResourcesFit(),
    balanced_allocation.NodeResourcesBalancedAllocation(),
    image_locality.ImageLocality(),
)
