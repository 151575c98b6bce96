"""The script that makes a plant's certificates, judged by what Python's own X.509 library reads in them."""

import shutil
import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from inspector.inspection import utc_now
from tests.plant import SCRIPT, Plant
from tests.requirements import needs


@pytest.fixture
def plant(tmp_path):
    needs(shutil.which("openssl"), "openssl (Debian: apt-get install openssl)")
    return Plant(tmp_path)


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def said_by_failing(plant, *words):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        plant.make(*words)
    return caught.value.stderr


def contents(plant):
    """Every key, certificate and list, by its path."""
    return {
        file: file.read_bytes() for file in plant.certificates.rglob("*") if file.suffix in {".key", ".pem", ".crl"}
    }


def test_a_client_is_known_by_its_name_and_signed_by_the_plant(plant):
    plant.make("client", "station", "press-1")

    authority, client = read(plant.certificates / "plant-ca.pem"), read(plant.certificates / "clients" / "press-1.pem")
    client.verify_directly_issued_by(authority)
    assert [each.value for each in client.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["press-1"]
    assert not client.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_client_cannot_pose_as_the_broker_nor_the_broker_as_a_client(plant):
    plant.make("client", "station", "press-1")

    def uses(path):
        return list(read(path).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)

    assert uses(plant.certificates / "clients" / "press-1.pem") == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert uses(plant.certificates / "broker.pem") == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_broker_is_known_by_every_name_and_address(plant):
    plant.make("broker", "broker.plant.example", "10.0.0.5", "fd00::5")

    names = (
        read(plant.certificates / "broker.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
    assert names.get_values_for_type(x509.DNSName) == ["broker.plant.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.5", "fd00::5"]


def test_other_addresses_are_a_new_certificate_for_the_same_key(plant):
    key = (plant.certificates / "broker.key").read_bytes()

    plant.make("broker", "localhost", "10.0.0.5")

    assert (plant.certificates / "broker.key").read_bytes() == key


def test_certificates_hold_from_yesterday_for_years_and_end_before_their_authority(plant):
    plant.make("client", "plc", "plc-1")
    authority, client = read(plant.certificates / "plant-ca.pem"), read(plant.certificates / "clients" / "plc-1.pem")

    for each in (authority, client):
        assert timedelta(hours=23) < utc_now() - each.not_valid_before_utc < timedelta(hours=25)
    assert timedelta(days=1800) < client.not_valid_after_utc - utc_now() < timedelta(days=1900)
    assert client.not_valid_after_utc < authority.not_valid_after_utc


def test_no_other_user_reads_a_key(plant):
    plant.make("client", "station", "press-1")

    keys = list(plant.certificates.rglob("*.key"))
    assert len(keys) == 3
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_a_second_run_changes_nothing_and_says_so(plant):
    plant.make("client", "station", "press-1")
    before = contents(plant)

    said = [
        plant.make("authority", "Another Plant"),
        plant.make("broker", "localhost", "127.0.0.1"),
        plant.make("client", "station", "press-1"),
    ]

    assert all("is there already" in each for each in said)
    assert contents(plant) == before


def test_a_run_that_was_broken_off_before_the_certificate_goes_on_with_the_same_key(plant):
    plant.make("client", "station", "press-1")
    certificate, key = (plant.certificates / "clients" / f"press-1.{ending}" for ending in ("pem", "key"))
    before = key.read_bytes()
    certificate.unlink()

    plant.make("client", "station", "press-1")

    assert key.read_bytes() == before
    assert (
        read(certificate).public_key()
        == x509.load_pem_x509_csr((plant.certificates / "issued" / "press-1.client.csr").read_bytes()).public_key()
    )


def test_renewal_keeps_the_key_and_the_name(plant):
    plant.make("client", "station", "press-1")
    before, old = contents(plant), read(plant.certificates / "clients" / "press-1.pem")

    plant.make("renew", "press-1")

    new = read(plant.certificates / "clients" / "press-1.pem")
    assert new.serial_number != old.serial_number
    assert (new.subject, new.public_key()) == (old.subject, old.public_key())
    assert {file: key for file, key in contents(plant).items() if file.suffix == ".key"} == {
        file: key for file, key in before.items() if file.suffix == ".key"
    }


def test_only_what_ends_soon_is_renewed_unasked(plant, tmp_path):
    plant.make("client", "station", "press-1")
    assert plant.make("renew") == ""

    short = tmp_path / "make-certificates"
    short.write_text(SCRIPT.read_text().replace("SOON_DAYS=90 ", "SOON_DAYS=2000 "))
    said = subprocess.run(["sh", short, "-d", plant.certificates, "renew"], check=True, capture_output=True, text=True)

    assert [line.split(":")[0] for line in said.stdout.splitlines()] == ["broker", "press-1"]


def test_revocation_takes_back_every_certificate_of_the_name_and_the_key(plant):
    plant.make("client", "station", "press-1", "press-10")
    serials = {read(plant.certificates / "clients" / "press-1.pem").serial_number}
    plant.make("renew", "press-1")
    serials.add(read(plant.certificates / "clients" / "press-1.pem").serial_number)
    key = (plant.certificates / "clients" / "press-1.key").read_bytes()

    plant.make("revoke", "press-1")

    revoked = x509.load_pem_x509_crl((plant.certificates / "plant-ca.crl").read_bytes())
    assert {each.serial_number for each in revoked} == serials
    assert revoked.next_update_utc > utc_now() + timedelta(days=7000)
    plant.make("client", "station", "press-1")
    assert (plant.certificates / "clients" / "press-1.key").read_bytes() != key


def test_a_name_is_one_clients(plant):
    plant.make("client", "station", "press-1")

    assert "press-1 is a station already" in said_by_failing(plant, "client", "plc", "press-1")
    assert "broker is the broker's own name" in said_by_failing(plant, "client", "plc", "broker")


@pytest.mark.parametrize("name", ["+", "#", "press/1", "press 1", "../press", "-press", "", "x" * 65, "press\n1", "$p"])
def test_a_name_that_would_mean_more_in_a_topic_or_a_path_is_refused(plant, name):
    before = contents(plant)

    assert "make-certificates: '" in said_by_failing(plant, "client", "station", name)
    assert contents(plant) == before


@pytest.mark.parametrize("words", [(), ("client",), ("client", "station"), ("client", "boss", "anna"), ("certify",)])
def test_a_wrong_command_says_how_it_is_used(plant, words):
    assert "usage: make-certificates" in said_by_failing(plant, *words)


def test_without_an_authority_it_says_what_to_do(tmp_path):
    needs(shutil.which("openssl"), "openssl (Debian: apt-get install openssl)")
    tried = subprocess.run([SCRIPT, "-d", tmp_path, "list"], capture_output=True, text=True, check=False)

    assert tried.returncode == 1
    assert "make-certificates authority NAME" in tried.stderr


def test_a_lost_authority_key_is_never_made_anew(plant):
    (plant.certificates / "plant-ca.key").unlink()

    assert "bring it back" in said_by_failing(plant, "client", "station", "press-1")
    assert "is there already" in plant.make("authority", "Sample Plant")
    assert not (plant.certificates / "plant-ca.key").exists()


def test_the_list_tells_every_end(plant):
    plant.make("client", "station", "press-1")

    rows = [line.split()[:2] for line in plant.make("list").splitlines()]
    assert rows[1:] == [["broker", "broker"], ["press-1", "station"]]
