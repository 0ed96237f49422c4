"""Changes to a server that its fingerprint must see: the command, and part of the sentence."""

DIFFERENCES = {
    "one byte of a file": (
        r"printf x | dd of=/srv/vitrine/index.html conv=notrunc status=none;"
        r" touch -d '2020-01-01' /srv/vitrine/index.html",
        r"files: /srv/vitrine/index.html: sha256",
    ),
    "a time by one nanosecond": (
        "touch -d '2012-12-12 12:12:12.121212122 UTC' /srv/vitrine/vide",
        "files: /srv/vitrine/vide: modified",
    ),
    "an owner": ("chown boutique /srv/vitrine/style.css", "style.css: owner was vitrine"),
    "a mode": ("chmod u-s /srv/vitrine/prive/script.sh", "script.sh: mode was 4750, is 750"),
    "where a link leads": (
        "ln -sfn ailleurs /srv/vitrine/ancienne-page.html",
        "ancienne-page.html: target was nulle-part.html, is ailleurs",
    ),
    "a name that is no UTF-8": (
        r"rm /srv/vitrine/documents/*/catalogue-$'\xe9't$'\xe9'.txt",
        r"catalogue-\xe9t\xe9.txt is missing",
    ),
    "one row": (
        "mariadb -e 'UPDATE boutique.visits SET visitors = visitors + 1 WHERE id = 9'",
        "tables: boutique.visits: sha256",
    ),
    "a column": (
        "mariadb -e 'ALTER TABLE boutique.categories ALTER name SET DEFAULT 0'",
        "tables: boutique.categories: definition",
    ),
    "a definer": (
        "mariadb -e 'ALTER DEFINER = root@localhost EVENT boutique.count_last_week DISABLE'",
        "programs: event boutique.count_last_week: definition",
    ),
    "a trigger": (
        "mariadb -e 'DROP TRIGGER boutique.order_lines_after_insert'",
        "programs: trigger boutique.order_lines_after_insert is missing",
    ),
    "a right": (
        "mariadb -e 'GRANT DELETE ON boutique.visits TO accounting'",
        "database accounts: role accounting: grants",
    ),
    "a database password": (
        "mariadb -e \"SET PASSWORD FOR accountant@localhost = PASSWORD('other')\"",
        "database accounts: user `accountant`@`localhost`: grants",
    ),
    "a cron job": (
        "crontab -u boutique -r",
        "configuration: /var/spool/cron/crontabs/boutique is missing",
    ),
    "a virtual host": (
        "echo '# x' >> /etc/nginx/sites-available/boutique",
        "configuration: /etc/nginx/sites-available/boutique: sha256",
    ),
    "a service": ("systemctl disable cron", "enabled units: cron.service is missing"),
    "a timer": ("systemctl stop vitrine-links.timer", "timers: vitrine-links.timer is missing"),
    "a user's shell": ("chsh -s /bin/bash vitrine", "users: vitrine: shell was"),
}

# A removal also gives its directory a new time; a new link has a new owner and time.
ALSO = [
    "files: /srv/vitrine: modified",
    "2024: modified",
    "index.html: modified",
    "script.sh: modified",
    "ancienne-page.html: group",
    "ancienne-page.html: owner",
    "ancienne-page.html: modified",
    "multi-user.target.wants/cron.service",
]
