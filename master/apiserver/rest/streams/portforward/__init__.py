"""pods/portforward, over WebSocket and SPDY."""
