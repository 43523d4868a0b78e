"""A support bundle: what is needed to find out what is wrong with a cluster, in one archive, without its secrets."""
