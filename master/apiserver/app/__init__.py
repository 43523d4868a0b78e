"""The process: how the API server is put together, what it does at start, and what it does all the time."""
