"""What the page lets nobody do: asked as an attacker would, byte by byte."""

import http.client
import re
import sqlite3
from contextlib import ExitStack, closing
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from inspector.ui.hub import MOST
from tests.broker import wait_until
from tests.page import PASSWORDS

FORM = "application/x-www-form-urlencoded"
HERE = {"User-Agent": "a browser"}


@pytest.fixture
def ask(line):
    """One request, from one of this machine's addresses; the answer's status, headers and text."""

    def ask(method, path, form=None, address="127.0.0.1", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", line.port, timeout=20, source_address=(address, 0))
        body = urlencode(form) if isinstance(form, dict) else form
        sent = HERE | ({"Content-Type": FORM} if form is not None else {}) | headers
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    return ask


@pytest.fixture
def log_in(ask):
    """Logs in, and gives the cookie."""

    def log_in(name):
        status, headers, _ = ask("POST", "/login", {"name": name, "password": PASSWORDS[name]})
        assert status == 303
        return headers["Set-Cookie"].partition(";")[0]

    return log_in


def csrf_in(text):
    return re.search(r'name="csrf" value="([^"]+)"', text)[1]


@pytest.mark.parametrize("path", ["/", "/parts", "/parts/press-1/01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_a_stranger_is_sent_to_log_in(ask, path):
    status, headers, _ = ask("GET", path)

    assert (status, headers["Location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/news", "/pictures/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/last/press-1/x"])
def test_a_stranger_gets_no_pictures_and_no_news(ask, path):
    assert ask("GET", path)[0] == 401
    assert ask("GET", path, Cookie="inspector_session=guessed")[0] == 401


def test_one_session_leaves_room_for_others(ask, log_in, line):
    cookie = log_in("vera")
    with ExitStack() as stack:
        for _ in range(MOST):
            connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", line.port, timeout=20)))
            connection.request("GET", "/news", headers=HERE | {"Cookie": cookie})
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.readline() == b"event: card\n"
        assert ask("GET", "/news", Cookie=cookie)[0] == 429
    wait_until(lambda: is_heard(line, cookie), "room again")


def is_heard(line, cookie):
    with closing(http.client.HTTPConnection("127.0.0.1", line.port, timeout=20)) as connection:
        connection.request("GET", "/news", headers=HERE | {"Cookie": cookie})
        return connection.getresponse().status == 200


def test_every_answer_carries_the_headers_that_browsers_need(ask, log_in):
    cookie = log_in("vera")
    for path in ("/login", "/", "/parts", "/static/page.css", "/nowhere", "/pictures/x"):
        _, headers, _ = ask("GET", path, Cookie=cookie)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] is None
    assert ask("GET", "/", Cookie=cookie)[1]["Cache-Control"] == "no-store"


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(ask):
    _, headers, _ = ask("POST", "/login", {"name": "vera", "password": PASSWORDS["vera"]})

    flags = {flag.strip().lower() for flag in headers["Set-Cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags


def test_a_stolen_cookie_opens_nothing_and_ends_the_session(ask, log_in):
    cookie = log_in("vera")
    assert ask("GET", "/", Cookie=cookie)[0] == 200

    assert ask("GET", "/", Cookie=cookie, **{"User-Agent": "another browser"})[0] == 303
    assert ask("GET", "/", Cookie=cookie)[0] == 303


def test_a_form_of_another_site_changes_nothing(ask, log_in):
    cookie = log_in("vera")
    csrf = csrf_in(ask("GET", "/", Cookie=cookie)[2])

    for form, headers in (
        ({}, {}),
        ({"csrf": "guessed"}, {}),
        ({"csrf": csrf_in(ask("GET", "/", Cookie=log_in("otto"))[2])}, {}),
        ({"csrf": csrf}, {"Origin": "http://evil.example"}),
        ({"csrf": csrf}, {"Origin": "null"}),
    ):
        assert ask("POST", "/logout", form, Cookie=cookie, **headers)[0] == 403
    assert ask("GET", "/", Cookie=cookie)[0] == 200

    assert ask("POST", "/logout", {"csrf": csrf}, Cookie=cookie)[0] == 303
    assert ask("GET", "/", Cookie=cookie)[0] == 303


@pytest.mark.parametrize(
    ("path", "form", "who"),
    [
        ("/alarms/press-1/camera_lost", {"what": "acknowledge"}, ["vera"]),
        ("/stations/press-1", {"what": "pause"}, ["vera", "otto"]),
        ("/stations/press-1", {"what": "rollback"}, ["vera", "otto"]),
    ],
)
def test_nobody_does_what_his_role_does_not_allow(ask, log_in, path, form, who):
    for name in who:
        cookie = log_in(name)
        csrf = csrf_in(ask("GET", "/", Cookie=cookie)[2])
        assert ask("POST", path, form | {"csrf": csrf}, Cookie=cookie)[0] == 403


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/stations/press-9", "pause"),
        ("/stations/press-1", "deploy"),
        ("/stations/press-1", ""),
        ("/alarms/x/y", "reset"),
    ],
)
def test_there_is_no_other_command(ask, log_in, path, what):
    cookie = log_in("erna")
    csrf = csrf_in(ask("GET", "/", Cookie=cookie)[2])

    assert ask("POST", path, {"what": what, "csrf": csrf}, Cookie=cookie)[0] == 404


def test_another_site_logs_nobody_in(ask):
    form = {"name": "vera", "password": PASSWORDS["vera"]}

    assert ask("POST", "/login", form, Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../accounts.py",
        "/static/%2e%2e/accounts.py",
        "/static/..%2f..%2fconfig.py",
        "/static//etc/passwd",
        "/pictures/..%2f..%2fui%2faccounts.json",
        "/pictures/%2fetc%2fpasswd",
        "/pictures/*",
        "/last/..%2f..%2fui/accounts.json",
        "/last/press-1/..%2f..%2faccounts",
        "/last/%2e%2e/x",
        "/parts/..%2fpress-1/x",
        "/parts/press-1/'%20OR%201=1--",
    ],
)
def test_no_path_leads_out_of_the_archive(ask, log_in, path):
    status, _, text = ask("GET", path, Cookie=log_in("erna"))

    assert status == 404
    assert "argon2" not in text


@pytest.mark.parametrize(
    "query", ["station=press-9", "show=everything", "below=-1", "below=1e9", "since=yesterday", "until=9999-99-99"]
)
def test_questions_that_make_no_sense_are_refused(ask, log_in, query):
    assert ask("GET", f"/parts?{query}", Cookie=log_in("vera"))[0] == 400


@pytest.mark.parametrize(
    "query", ["station=press-9", "since=yesterday", "since=2026-01-02&until=2026-01-01", "since=1999-01-01"]
)
def test_reports_of_no_span_are_refused(ask, log_in, query):
    assert ask("GET", f"/report?{query}", Cookie=log_in("vera"))[0] == 400


def test_a_form_that_is_too_large_is_not_read(ask):
    assert ask("POST", "/login", {"name": "vera", "password": "x" * 100_000})[0] == 413


def test_files_are_not_taken(ask):
    body = '--x\r\nContent-Disposition: form-data; name="name"; filename="a.png"\r\n\r\nPNG\r\n--x--\r\n'

    assert ask("POST", "/login", body, **{"Content-Type": "multipart/form-data; boundary=x"})[0] == 400


def test_passwords_cannot_be_tried_out(ask, line):
    def attempt(name, password, address="127.0.0.2"):
        return ask("POST", "/login", {"name": name, "password": password}, address)

    for number in range(5):
        status, _, text = attempt("nobody", f"attempt {number}")
        assert status == 403
        assert "Name or password is wrong" in text
    status, headers, text = attempt("nobody", "attempt 5")
    assert (status, "Too many attempts" in text) == (429, True)
    assert int(headers["Retry-After"]) >= 1
    # Even the right password has to wait where so many wrong ones came from, and nowhere else.
    assert attempt("vera", PASSWORDS["vera"])[0] == 429
    assert attempt("vera", PASSWORDS["vera"], "127.0.0.1")[0] == 303

    wait_until(lambda: attempt("vera", PASSWORDS["vera"])[0] == 303, "the end of the wait")
    assert "attempt" not in line.log("ui")


def test_the_audit_knows_who_was_there_and_no_password(line, log_in, ask):
    log_in("otto")
    ask("POST", "/login", {"name": PASSWORDS["otto"], "password": "otto"}, "127.0.0.3")

    with sqlite3.connect(line.folder / "ui" / "operator-page.sqlite") as connection:
        rows = connection.execute("SELECT kind, payload FROM rows").fetchall()
    assert any(kind == "login" and '"by":"otto"' in payload for kind, payload in rows)
    assert any(kind == "login_refused" and '"name":null' in payload for kind, payload in rows)
    assert not any(password in payload for _, payload in rows for password in PASSWORDS.values())


def test_script_in_a_part_id_stays_text(person, line):
    name = "<img src=x onerror=alert(1)>"
    page = person("vera")
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))

    line.show(name, scratched=True)

    expect(page.get_by_role("link", name=name)).to_be_visible()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    assert page.locator("img[src=x]").count() == 0


def test_who_is_removed_is_out_at_once(ask, line, log_in):
    cookie = log_in("vera")
    accounts = line.folder / "ui" / "accounts.json"
    before = accounts.read_bytes()
    try:
        line.manage("remove", "vera")
        assert ask("GET", "/", Cookie=cookie)[0] == 303
    finally:
        accounts.write_bytes(before)
