"""Custom objects in other versions than the one that they are stored in: webhooks are asked, their answers checked."""
