"""What answers a REST request: verbs on objects, subresources, reviews, and what is about no objects."""
