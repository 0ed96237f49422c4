"""A server of Debian 12 that comes back on Debian 13."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.decisions.other_release import (
    OF_THE_RELEASE,
    exchange,
    expected,
    overlay,
    same_release,
    to_check,
)
from tests.unit.samples import recovery_set

LOST = replace(
    recovery_set().server_facts,
    packages=("libcurl4", "neofetch", "nginx", "php8.2-fpm", "php8.2-mysql"),
    services=("cron", "mariadb", "nginx", "php8.2-fpm", "own-thing"),
    untouched=(
        "/etc/nginx/mime.types",
        "/etc/odd[1]",
        "/etc/php/8.2/fpm/php-fpm.conf",
        "/etc/php/8.2/fpm/pool.d/www.conf",
    ),
)
OFFERED = {
    *("cron", "libcurl4t64", "mariadb-server", "nginx", "php8.4", "php8.4-mysql", "php-fpm"),
    *("php8.3-fpm", "php8.4-fpm", "php8.4-fpm-dbgsym", "libapache2-mod-php8.4", "python3.13"),
    *("libperl5.40t64", "perl-modules-5.40"),
}


def exchanged(*wanted: str):
    return exchange(LOST, wanted or LOST.packages, "13", OFFERED)


def test_a_version_in_a_name_becomes_that_of_the_release():
    found = exchanged()
    assert found.packages == ("libcurl4t64", "nginx", "php8.4-fpm", "php8.4-mysql")
    assert found.services == ("cron", "mariadb", "nginx", "php8.4-fpm", "own-thing")
    assert found.versions == (("php", "8.2", "8.4"),)
    assert found.left_out == ("neofetch",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("libapache2-mod-php8.2", "libapache2-mod-php8.4"),
        ("php8.2", "php8.4"),
        ("python3.11", "python3.13"),
        ("mariadb-server-10.5", "mariadb-server"),
        ("php-fpm", "php-fpm"),
        ("libperl5.36", "libperl5.40t64"),
        ("perl-modules-5.36", "perl-modules-5.40"),
    ],
)
def test_names_that_change(old: str, new: str):
    assert exchanged(old).packages == (new,)


@pytest.mark.parametrize("name", ["php8.2-json", "nginx-1.0", "libphp8.2-embed"])
def test_names_that_nothing_stands_for_are_left_out_and_named(name: str):
    found = exchanged(name)
    assert found.packages == ()
    assert found.left_out == (name,)
    assert any(name in each for each in to_check(found))


def test_the_service_follows_where_only_the_metapackage_was_asked_for():
    found = exchanged("php-fpm")
    assert "php8.4-fpm" in found.services
    assert found.versions == (("php", "8.2", "8.4"),)


def test_the_same_release_changes_nothing():
    found = same_release(LOST, LOST.packages)
    assert (found.packages, found.services) == (LOST.packages, LOST.services)
    assert overlay(LOST, found) is None
    assert to_check(found) == ()


def test_untouched_files_stay_this_releases_but_pools_never_do():
    over = overlay(LOST, exchanged())
    assert over is not None
    assert over.renamed == (("/etc/php/8.2", "/etc/php/8.4"),)
    own = set(over.kept) - set(OF_THE_RELEASE)
    assert own == {"/etc/nginx/mime.types", r"/etc/odd\[1]", "/etc/php/8.4/fpm/php-fpm.conf"}


def test_people_are_told_before_and_after():
    assert expected(LOST, "13") == ("Debian 12 → 13 : PHP 8.2 → 8.4, vérifier les sites",)
    assert expected(LOST, "12") == expected(LOST, "") == ()
    assert expected(LOST, "14") == (
        "Debian 12 → 14 : PHP 8.2 → celui du système, vérifier les sites",
    )
    assert to_check(exchanged()) == (
        "PHP 8.2 → 8.4 : vérifier les sites",
        "absents de Debian 13, non installés : neofetch",
    )
