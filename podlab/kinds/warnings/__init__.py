"""What is valid and still not what its author means, or will not be served for ever. Pure.

Each is a sentence, in Kubernetes' words, for the `Warning` header of the answer to a write that succeeded, dry runs
included. What clients write over gRPC has no headers, and is not looked at.
"""
