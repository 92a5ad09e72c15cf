"""An org whose credentials stand in AWS Secrets Manager."""
