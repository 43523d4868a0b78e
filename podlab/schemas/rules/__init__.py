"""Rules of structural schemas in CEL (x-kubernetes-validations): types, compilation, evaluation, faults.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
"""
