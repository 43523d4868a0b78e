"""`podlab image`: container images on the nodes, with and without a registry; `podlab export`: containers' files."""
