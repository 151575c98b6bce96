import subprocess

from inspector.doctor.findings import Mark
from inspector.doctor.secrets import look_at_secrets
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


def test_every_secret_is_found_wherever_it_stands(tmp_path):
    names = ("broker", "camera", "key", "page")
    for name in names:
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)
    camera = {"kind": "opencv", "source": "rtsp://camera/", "username": "u", "password_file": "camera"}
    mqtt = {"kind": "mqtt", "username": "u", "password_file": "broker"}
    tls = {"ca_file": "ca", "cert_file": "certificate", "key_file": "key"}
    sparkplug = {"kind": "sparkplug", "group": "hall-2", "tls": tls}
    page = {"folder": "ui", "certificate": "page.pem", "key": "page"}
    subject = a_subject(tmp_path, station={"camera": camera, "sinks": [sparkplug, mqtt]}, ui=page)

    assert marks(look_at_secrets(subject)) == {f"secret {name}": Mark.GOOD for name in names}

    (tmp_path / "key").chmod(0o644)
    told = the_bad(look_at_secrets(subject))
    assert told.about == "secret key"
    subprocess.run(told.advice.split(), check=True)
    assert Mark.BAD not in marks(look_at_secrets(subject)).values()


def test_what_is_not_there_is_left_to_those_who_need_it(tmp_path):
    mqtt = {"kind": "mqtt", "username": "u", "password_file": "missing"}

    assert not list(look_at_secrets(a_subject(tmp_path, sinks=[mqtt])))
