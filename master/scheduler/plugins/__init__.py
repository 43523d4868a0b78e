"""The scheduler's plugins, one file each, with Kubernetes' names. `DEFAULT` is the policy.

https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
"""
