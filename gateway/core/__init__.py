"""The pure ring: values in, values out. No clock, no socket, no environment, no logger."""
