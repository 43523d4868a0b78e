"""Rules of the kinds of resource.k8s.io: devices, classes of them, and claims."""
