"""What policy is asked, what it may say, and what counts as a yes."""
