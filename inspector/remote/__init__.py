"""What a person at this machine asks of a daemon that runs: deploy, rollback and the commands of a station."""
