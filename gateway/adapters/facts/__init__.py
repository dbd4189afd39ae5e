"""The optional facts: one file for each, and the clients that they ask with."""
