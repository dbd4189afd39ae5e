"""What S3 is asked for: requests, operations."""
