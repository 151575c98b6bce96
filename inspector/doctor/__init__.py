"""``inspector doctor``: looks at everything that a line needs, and says what to do about what is wrong."""
