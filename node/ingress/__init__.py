"""Ingresses on the nodes that take requests for them: an agent that tells HAProxy what to do with each."""
