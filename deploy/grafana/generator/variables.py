"""What the viewer of a dashboard chooses."""

from grafana_foundation_sdk.builders.dashboard import TextBoxVariable

from deploy.grafana.generator.page import of_labels

LINES = of_labels("line", "Line", "label_values(inspector_camera_up, line)", several=True)
STATIONS = of_labels("station", "Station", 'label_values(inspector_camera_up{line=~"$line"}, station)', several=True)
STATION = of_labels("station", "Station", 'label_values(inspector_camera_up{line=~"$line"}, station)', several=False)
OPERATOR = (
    TextBoxVariable("operator")
    .label("Operator's page")
    .description("Address of the operator's page, which shows the rejects with their pictures: inspector ui.")
    .default_value("http://127.0.0.1:8108")
)
