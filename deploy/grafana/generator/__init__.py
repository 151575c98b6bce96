"""Writes ``deploy/grafana/dashboards/*.json``: ``python -m deploy.grafana.generator``, from the project's folder."""
