"""Training: pictures in, a model bundle for the daemon out."""
