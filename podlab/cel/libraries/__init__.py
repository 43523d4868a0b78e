"""The functions that expressions may call: those of the language, and Kubernetes' own."""
