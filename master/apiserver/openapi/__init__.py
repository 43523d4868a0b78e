"""OpenAPI documents of what is served, made from the messages' descriptors and the comments of their .proto files."""
