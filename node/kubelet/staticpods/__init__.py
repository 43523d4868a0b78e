"""Pods that files of the node describe: they run without an API server, which is shown copies of them."""
