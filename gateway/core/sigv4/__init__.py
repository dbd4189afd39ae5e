"""AWS Signature Version 4, in AWS's own terms."""
