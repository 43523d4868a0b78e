"""What only the deploying machine runs: keys, the release, images, and the checks before and after Ansible."""
