"""The store on one SQLite file, for a control plane with a single master. Start at `store.py`."""
