"""An org in a code location that was there before."""
