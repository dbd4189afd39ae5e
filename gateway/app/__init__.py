"""The wiring: settings, lifetimes, the aiohttp listener."""
