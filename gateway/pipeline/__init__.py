"""The story of a request, told in ports: authenticate, then gate or relay."""
