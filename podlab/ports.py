"""The ports that components listen on unless their settings say otherwise; docs/ports.md says for whom.

The role `podlab` gives the same numbers to the hosts; a test ties the two.
"""

from __future__ import annotations

from typing import Final

REST: Final = 6443
"""The API server's Kubernetes REST API."""
APISERVER: Final = 7443
"""The API server's gRPC."""
SCHEDULER: Final = 7444
CONTROLLERS: Final = 7445
KUBELET: Final = 7450
"""Its gRPC, for API servers."""
KUBELET_HTTPS: Final = 10250
"""Where kubelets answer agents, under Kubernetes' number: what a Node's status tells as its kubelet's port."""
PROXY: Final = 7451
DNS: Final = 7452
ETCD: Final = 2379
"""Of etcd's members: what API servers ask."""
PEERS: Final = 2380
"""Of etcd's members, where they ask each other."""
REGISTRY: Final = 5000
"""Of the cluster's own images, where there is one."""
VXLAN: Final = 4789
"""UDP, where packets between pods on different network segments arrive: the number that IANA gave to VXLAN."""
