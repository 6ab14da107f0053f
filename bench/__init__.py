"""What ``make bench`` measures: speed beside the peers that a user would pick, and memory."""
