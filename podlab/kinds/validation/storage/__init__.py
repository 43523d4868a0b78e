"""What volumes, claims and their classes may say."""
