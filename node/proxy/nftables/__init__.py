"""Services as nftables' rules and maps: pure modules render and trace them, `writer` writes them."""
