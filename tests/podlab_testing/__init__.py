"""What tests share: samples, servers, labs, and what reads the code itself."""
