"""What people say of parts that were judged, and its way into the next training."""
