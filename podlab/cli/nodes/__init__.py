"""Commands about nodes: drain, images, and what they use."""
