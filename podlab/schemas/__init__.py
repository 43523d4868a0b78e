"""Schemas of custom kinds, as CustomResourceDefinitions have them, and what they do to JSON values. Pure.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
"""
