"""Files that containers may have tampered with: walked, measured, removed and opened without trusting them."""
