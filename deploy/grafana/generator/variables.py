"""What the viewer of a dashboard chooses."""

from grafana_foundation_sdk.builders.dashboard import TextBoxVariable

from deploy.grafana.generator.page import of_labels

LINES = of_labels("line", "Line", "label_values(inspector_camera_up, line)", several=True)
STATIONS = of_labels("station", "Station", 'label_values(inspector_camera_up{line=~"$line"}, station)', several=True)
STATION = of_labels("station", "Station", 'label_values(inspector_camera_up{line=~"$line"}, station)', several=False)
PICTURES = (
    TextBoxVariable("pictures")
    .label("Pictures at")
    .description("Address of the web server that shows the picture archive, one folder a station.")
    .default_value("http://127.0.0.1:8080")
)
