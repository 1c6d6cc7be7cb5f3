"""The connection to 9bits, and everything that is sent over it."""
