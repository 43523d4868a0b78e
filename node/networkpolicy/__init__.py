"""NetworkPolicies: which packets of this node's pods may pass, as rules of nftables."""
