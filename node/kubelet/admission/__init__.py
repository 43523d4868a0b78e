"""Whether a pod that is bound to this node may begin here: the node's last word, whoever bound it."""
