"""Devices, and which of them a pod's ResourceClaims get on a node. Pure.

It knows no pods and no snapshot: `allocator` is asked for claims, what is offered, what is taken, and a node.
https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4381-dra-structured-parameters
"""
