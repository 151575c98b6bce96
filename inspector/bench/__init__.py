"""``inspector bench``: what a bundle takes on this machine, on the daemon's own path."""
