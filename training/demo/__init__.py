"""``make demo``: solar cells, from pictures to verdicts over MQTT."""
