"""Labels by which objects of different components find each other, under Kubernetes' names.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
"""On an EndpointSlice: the Service whose endpoints it holds."""
