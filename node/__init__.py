"""What runs on every node: kubelet, proxy, network, NetworkPolicies."""

import os

# Before gRPC is loaded: its handlers at fork end the child that should become a command such as iptables-save
# ("Check failed: next_worker->state == KICKED").
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
