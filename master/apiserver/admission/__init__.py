"""Admission: what completes new objects, and what refuses writes because of other objects of the cluster.

`chain.py` has the plugins in their order. `plugins/` look things up in the watch cache, by way of `lister.py`, and ask
the pure `rules/`. What a plugin changes besides the object, as the usage of quotas, is committed with the write.
"""
