"""Which links of a page are followed, and what their answers say."""

from __future__ import annotations

import pytest

from flows.decisions.page_links import (
    FOLLOWED,
    Answer,
    asks_for_password,
    judge_links,
    links_of,
)

URL = "https://boutique.test/"
HOSTS = ("boutique.test", "www.boutique.test")
PAGE = """<!doctype html><html><head>
<link rel="stylesheet" href="/style.css?v=2"><link rel="alternate" href="/feed/">
<link rel="Shortcut Icon" href="favicon.ico"><script src="//www.boutique.test/app.js"></script>
<script>inline()</script></head><body>
<img src="/logo.png" alt=""><img src="https://cdn.test/ad.png"><img src="data:image/png;base64,A">
<a href="produits/1">un</a><a href="/produits/1#avis">le même</a><a href="#haut">ici</a>
<a href="mailto:a@b.test">écrire</a><a href="https://autre.test/">ailleurs</a><a href="/">ici</a>
<a href="/wp-login.php?action=logout&amp;n=1">quitter</a><a href="http://[">cassé</a>
"""


def test_own_links_are_followed_once_what_the_page_needs_first():
    assert links_of(PAGE, URL, HOSTS, ["action=logout"]) == (
        "https://boutique.test/style.css?v=2",
        "https://boutique.test/favicon.ico",
        "https://www.boutique.test/app.js",
        "https://boutique.test/logo.png",
        "https://boutique.test/produits/1",
    )


def test_entities_and_the_pages_base_are_understood():
    page = '<base href="https://boutique.test/a/"><a href="b?x=1&amp;y=2">x</a>'
    assert links_of(page, URL, HOSTS) == ("https://boutique.test/a/b?x=1&y=2",)


def test_their_number_is_bounded():
    page = "".join(f'<a href="/{number}">x</a>' for number in range(500))
    assert len(links_of(page, URL, HOSTS)) == FOLLOWED


@pytest.mark.parametrize("page", ["", "<", "<a href=", "<a><a href></a>", "<!--", "\x00" * 9])
def test_a_broken_page_has_no_links_and_no_password(page: str):
    assert links_of(page, URL, HOSTS) == ()
    assert not asks_for_password(page)


@pytest.mark.parametrize(
    ("page", "asks"),
    [
        ('<form method="post"><input name="log"><input type="password" name="pwd"></form>', True),
        ("<form><div><INPUT TYPE=Password></div></form>", True),
        ("<form><input name=log></form><p>mot de passe</p>", False),
        ('<form></form><input type="password">', False),
        ("<!-- <form><input type=password></form> -->", False),
    ],
)
def test_a_login_page_has_a_form_with_a_password_field(page: str, asks: bool):
    assert asks_for_password(page) is asks


def test_what_is_broken_here_alone_counts_and_what_is_broken_there_too_does_not():
    new = {
        "a": Answer(200, "HTTP 200"),
        "b": Answer(404, "HTTP 404"),
        "c": Answer(500, "HTTP 500"),
        "d": Answer(0, "no answer"),
        "e": Answer(301, "HTTP 301"),
    }
    before = {
        "b": Answer(200, "HTTP 200"),
        "c": Answer(404, "HTTP 404"),
        "d": Answer(0, "no answer"),
    }
    found = judge_links(new, before)
    assert found.followed == 5
    assert found.broken == ("b : HTTP 404",)
    assert found.broken_before == ("c : HTTP 500",)
    assert found.uncertain == ("d : no answer",)
