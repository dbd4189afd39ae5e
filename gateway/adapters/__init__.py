"""The world: one outside thing per file. Imports the core and its own library only."""
