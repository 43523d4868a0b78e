"""The scheduler's plugins, one file each, with Kubernetes' names. `protocol` says what a plugin is. Pure.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""
