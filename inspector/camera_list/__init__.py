"""``inspector cameras``: what is connected, and what to write into the configuration for it."""
