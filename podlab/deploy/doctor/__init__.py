"""What is wrong with a running cluster, its hosts and what runs there: asked, judged, and told with the worst first."""
