"""What one org's export is, as a value: its settings, its days and plan, and what its assets are called."""
