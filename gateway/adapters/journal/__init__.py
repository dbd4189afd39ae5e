"""The journal of decisions: one schema, one chain of hashes, two back ends."""
