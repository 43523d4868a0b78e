"""Cluster DNS of one node: what names there are, and how the node's DNS server learns of them."""
