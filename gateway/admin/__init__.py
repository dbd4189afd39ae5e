"""The admin page: what was decided, and why. It reads; it changes nothing.

Pages are rendered here, on the server; everything works without JavaScript. What the pages show
comes through the ports of `gateway.admin.ports`, which wiring fills.
"""
