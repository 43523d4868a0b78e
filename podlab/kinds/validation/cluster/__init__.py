"""What the cluster as a whole is made of may say: nodes, namespaces, settings, rights, quotas, certificates."""
