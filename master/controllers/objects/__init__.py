"""What several controllers ask of objects: who owns them, how a pod is, how a template is named. Pure."""
