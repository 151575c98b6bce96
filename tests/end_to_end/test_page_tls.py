"""The operator's page by TLS, as browsers and Python's own client see it."""

import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from inspector.doctor.command import examine
from tests.page import PagedLine
from tests.requirements import needs


def certificate(folder, name):
    """For this machine, signed by itself: the file and its key."""
    needs(shutil.which("openssl"), "openssl")
    file, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=page", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", *words, *names, "-keyout", key, "-out", file], check=True, capture_output=True)
    return file, key


@pytest.fixture(scope="module")
def line(tmp_path_factory, small_bundle):
    folder = tmp_path_factory.mktemp("tls")
    file, key = certificate(folder, "page")
    with PagedLine(folder, small_bundle, ui=f"certificate: {file}, key: {key}", trusted=file) as running:
        yield running


@pytest.fixture
def trusting(person):
    """A browser that takes a certificate that nobody has signed; whether it is right is asked below."""
    return lambda name: person(name, ignore_https_errors=True)


def test_verdicts_and_pictures_arrive(trusting, line):
    page = trusting("vera")
    assert page.url.startswith("https://")

    line.show("lid-1", scratched=True)

    card = page.locator('[data-station="press-1"]')
    expect(card).to_contain_text("lid-1")
    image = card.get_by_role("img", name="The last picture")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 0


def test_the_session_is_for_https_alone_and_no_script_sees_it(trusting, line):
    page = trusting("vera")

    (cookie,) = [each for each in page.context.cookies() if each["name"] == "inspector_session"]

    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")


def test_a_client_that_checks_finds_the_certificate_right_and_is_told_to_come_by_tls(line):
    with urllib.request.urlopen(f"{line.url}/health", context=line.trust) as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")

    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{line.url}/health")


def test_the_doctor_finds_the_port_in_the_pages_hands(line):
    assert {finding.about: finding.says for finding in examine(line.config)}["ui.port"] == "the page that runs has it"


def test_nothing_is_said_without_tls(line):
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(f"http://127.0.0.1:{line.port}/health", timeout=5)


def test_a_key_of_another_certificate_is_a_mistake_that_is_said(small_bundle, tmp_path):
    file, _ = certificate(tmp_path, "one")
    _, key = certificate(tmp_path, "other")
    line = PagedLine(tmp_path / "line", small_bundle, ui=f"certificate: {file}, key: {key}")
    line.add_accounts()

    command = [sys.executable, "-m", "inspector.cli", "ui", line.config]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    assert str(key) in done.stderr
