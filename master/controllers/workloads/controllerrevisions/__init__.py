"""The revisions that StatefulSets and DaemonSets keep of their templates."""
