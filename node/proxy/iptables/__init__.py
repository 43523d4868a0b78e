"""Services as iptables rules: pure modules render and trace them, `writer` writes them."""
