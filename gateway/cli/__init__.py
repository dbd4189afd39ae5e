"""The command line: one file per verb; `commands` puts them together."""
