"""pods/exec and pods/attach, over WebSocket and SPDY."""
