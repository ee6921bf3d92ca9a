"""Examples to read: each a file of its own that runs by itself."""
