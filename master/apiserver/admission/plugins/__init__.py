"""The admission plugins, named as Kubernetes names them. They look things up; what they decide stands in `rules`."""
