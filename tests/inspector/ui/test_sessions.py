import pytest

from inspector.ui.accounts import Account, Role
from inspector.ui.sessions import MOST, Sessions

HERE, ELSEWHERE = "10.0.0.7 Firefox", "10.0.0.8 Firefox"
ANNA = Account(name="anna", role=Role.OPERATOR, password="hash of a password")


class Plant:
    def __init__(self):
        self.now_s = 1000.0
        self.accounts = {"anna": ANNA}
        self.sessions = Sessions(lambda: self.accounts, idle_s=60, longest_s=600, clock=lambda: self.now_s)

    def is_in(self, token, place=HERE, *, touch=True):
        return self.sessions.of(token, place, touch=touch) is not None


@pytest.fixture
def plant():
    return Plant()


def test_a_token_opens_its_own_session(plant):
    token = plant.sessions.begin(ANNA, HERE)

    session, account = plant.sessions.of(token, HERE, touch=True)

    assert account is ANNA
    assert session.csrf not in token
    assert not plant.is_in("another")
    assert not plant.is_in("")


def test_a_session_ends_with_nobody_touching_it_and_a_picture_is_no_touch(plant):
    token = plant.sessions.begin(ANNA, HERE)
    for _ in range(5):
        plant.now_s += 50
        assert plant.is_in(token)

    plant.now_s += 50
    assert plant.is_in(token, touch=False)
    plant.now_s += 50
    assert not plant.is_in(token)
    assert not plant.is_in(token)


def test_no_session_outlives_its_shift(plant):
    token = plant.sessions.begin(ANNA, HERE)
    for _ in range(12):
        plant.now_s += 50
        assert plant.is_in(token)

    plant.now_s += 1
    assert not plant.is_in(token)


def test_a_stolen_token_ends_the_session_for_both(plant):
    token = plant.sessions.begin(ANNA, HERE)

    assert not plant.is_in(token, ELSEWHERE)
    assert not plant.is_in(token, HERE)


@pytest.mark.parametrize("accounts", [{}, {"anna": ANNA.model_copy(update={"password": "another"})}])
def test_who_is_removed_or_has_another_password_is_out(plant, accounts):
    token = plant.sessions.begin(ANNA, HERE)

    plant.accounts = accounts

    assert not plant.is_in(token)


def test_another_role_counts_at_once(plant):
    token = plant.sessions.begin(ANNA, HERE)

    plant.accounts = {"anna": ANNA.model_copy(update={"role": Role.VIEWER})}

    _, account = plant.sessions.of(token, HERE, touch=True)
    assert account.role is Role.VIEWER


def test_logging_out_ends_this_session_alone(plant):
    first, second = plant.sessions.begin(ANNA, HERE), plant.sessions.begin(ANNA, HERE)

    plant.sessions.end(first)
    plant.sessions.end(first)

    assert not plant.is_in(first)
    assert plant.is_in(second)


def test_of_too_many_the_quietest_goes(plant):
    quiet = plant.sessions.begin(ANNA, HERE)
    plant.now_s += 1
    tokens = [plant.sessions.begin(ANNA, HERE) for _ in range(MOST)]

    assert not plant.is_in(quiet)
    assert plant.is_in(tokens[0])
