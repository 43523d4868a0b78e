"""Pod security standards: what pods of a namespace may ask for, by its labels. Words and versions are Kubernetes'.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""
