"""Tests of the lake: real HTTP against an S3 server on 127.0.0.1."""
