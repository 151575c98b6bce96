import stat

import pytest
from argon2 import PasswordHasher

from inspector.errors import ConfigError
from inspector.ui.accounts import FILE, Accounts, Role, made_up_password

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(tmp_path):
    return Accounts(tmp_path / "ui", QUICK)


def test_who_was_added_is_known_by_the_right_password_alone(accounts):
    accounts.add("anna", Role.OPERATOR, PASSWORD)

    account = accounts.verified("anna", PASSWORD)
    assert (account.name, account.role) == ("anna", Role.OPERATOR)
    assert accounts.verified("anna", "correct horse batterz") is None
    assert accounts.verified("bert", PASSWORD) is None
    assert accounts.verified("anna", "x" * 1_000_000) is None


def test_the_file_is_for_its_owner_and_holds_no_password(accounts, tmp_path):
    accounts.add("anna", Role.OPERATOR, PASSWORD)

    file = tmp_path / "ui" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "$argon2id$" in file.read_text()
    assert PASSWORD not in file.read_text()
    assert list(file.parent.iterdir()) == [file]


def test_another_process_that_changes_the_file_is_noticed(accounts, tmp_path):
    other = Accounts(tmp_path / "ui", QUICK)
    other.add("anna", Role.VIEWER, PASSWORD)
    assert accounts.all()["anna"].role is Role.VIEWER

    other.change_role("anna", Role.ENGINEER)
    assert accounts.all()["anna"].role is Role.ENGINEER

    other.remove("anna")
    assert accounts.all() == {}


def test_a_new_password_takes_the_place_of_the_old(accounts):
    accounts.add("anna", Role.VIEWER, PASSWORD)

    accounts.change_password("anna", "another password")

    assert accounts.verified("anna", PASSWORD) is None
    assert accounts.verified("anna", "another password").role is Role.VIEWER


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda accounts: accounts.add("anna", Role.VIEWER, PASSWORD), "there is an account anna already"),
        (lambda accounts: accounts.add("bert", Role.VIEWER, "short"), "10 to 200 characters"),
        (lambda accounts: accounts.add("bert", Role.VIEWER, "x" * 201), "10 to 200 characters"),
        (lambda accounts: accounts.add("../bert", Role.VIEWER, PASSWORD), "is no name"),
        (lambda accounts: accounts.add("bert\n", Role.VIEWER, PASSWORD), "is no name"),
        (lambda accounts: accounts.remove("bert"), "there is no account bert; known are anna"),
        (lambda accounts: accounts.change_password("bert", PASSWORD), "no account bert"),
        (lambda accounts: accounts.change_role("bert", Role.VIEWER), "no account bert"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(accounts, tmp_path, change, said):
    accounts.add("anna", Role.VIEWER, PASSWORD)
    before = (tmp_path / "ui" / FILE).read_bytes()

    with pytest.raises(ConfigError, match=said):
        change(accounts)

    assert (tmp_path / "ui" / FILE).read_bytes() == before


def test_a_damaged_file_is_said(accounts, tmp_path):
    accounts.add("anna", Role.VIEWER, PASSWORD)
    (tmp_path / "ui" / FILE).write_text("{")

    with pytest.raises(ConfigError, match="is damaged"):
        accounts.all()


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_those_before_it_may(role):
    order = [Role.VIEWER, Role.OPERATOR, Role.ENGINEER]

    assert [role.may(needed) for needed in order] == [order.index(role) >= order.index(needed) for needed in order]


def test_made_up_passwords_are_long_and_never_twice_the_same():
    made = {made_up_password() for _ in range(100)}

    assert len(made) == 100
    assert all(len(each) == 23 for each in made)
