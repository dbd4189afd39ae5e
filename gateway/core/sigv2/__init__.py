"""AWS Signature Version 2, in the one form that a setting may let in: presigned object URLs."""
