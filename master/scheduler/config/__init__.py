"""KubeSchedulerConfiguration, and the profiles that are made of it. Pure."""
