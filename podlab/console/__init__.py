"""The console's server: the browser's pages, and a way from them to the REST API with its user's own rights."""
