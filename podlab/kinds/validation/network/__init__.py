"""What Services, endpoints, ingresses and network policies may say."""
