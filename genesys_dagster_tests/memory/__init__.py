"""What is wanted, and when it is asked for."""
