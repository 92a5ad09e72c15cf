"""What must hold for each partition."""
