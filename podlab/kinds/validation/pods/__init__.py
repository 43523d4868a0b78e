"""What pods, and the templates that pods are made from, may say."""
