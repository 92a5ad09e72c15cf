"""What the contact centre does."""
