"""The operator's page: who may do what, what a station has said, and the pictures of it. Its own process."""
