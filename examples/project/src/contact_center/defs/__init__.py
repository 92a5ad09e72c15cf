"""One folder or module for each thing that is defined."""
