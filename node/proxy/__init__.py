"""The Service proxy: ClusterIPs and NodePorts as iptables rules."""
