"""Make the benchmark's data on web1: a database and files, half of both not compressible."""

from __future__ import annotations

from datetime import timedelta

from blocks.servers.base import Server

DATABASE = "bench"
SITE = "vitrine"
"""The site that owns the data: the database is declared as its own in the benchmark's estate."""
FOLDER = "/srv/vitrine/bench"

_LONG = timedelta(minutes=15)
_ROW = 1000
_BATCH = 20_000
_TABLES = ("orders", "articles", "images", "sessions")
_TEXTS = _TABLES[:2]
"""Tables whose rows compress well; those of the others are random bytes."""

_FILES = r"""
my ($folder, $count) = @ARGV;
open(my $random, '<:raw', '/dev/urandom') or die $!;
mkdir $folder;
my $text = join(' ', map { "ligne $_ de la page" } 1 .. 30_000);
for my $n (1 .. $count) {
    my $place = "$folder/" . $n % 100;
    mkdir $place if $n <= 100;
    my $die = rand;
    my $size = $die < .7 ? 1_000 + rand 7_000 : $die < .95 ? 8_000 + rand 32_000
             : 40_000 + rand 160_000;
    my $content;
    if ($n % 2) { read($random, $content, int $size) }
    else { $content = "$n " . substr($text, int rand 200_000, int $size) }
    open(my $file, '>:raw', "$place/$n") or die $!;
    print $file $content;
    close $file or die $!;
}
"""


def make(server: Server, megabytes: int, files: int) -> None:
    """Make database and files anew, of about this many megabytes and exactly so many files."""
    server.run(("mariadb",), stdin=_sql(megabytes).encode(), timeout=_LONG)
    server.run(("rm", "-rf", FOLDER), timeout=_LONG)
    words = ("perl", "-e", _FILES, FOLDER, str(files))
    server.run(words, timeout=_LONG)
    server.run(("chown", "-R", "www-data:www-data", FOLDER), timeout=_LONG)


def sizes(server: Server) -> dict[str, int]:
    """Return what there is: bytes and number of files, bytes of the databases' directory."""
    script = (
        f"find {FOLDER} -type f -printf '%s\\n' |"
        " awk '{ bytes += $1 } END { print NR; print bytes + 0 }'; du -sb /var/lib/mysql | cut -f1"
    )
    said = server.run(("bash", "-c", script), timeout=_LONG).stdout.decode().split()
    return {
        "files": int(said[0]),
        "files_bytes": int(said[1]),
        "database_directory_bytes": int(said[2]),
    }


def _sql(megabytes: int) -> str:
    rows = megabytes * 1_000_000 // _ROW // len(_TABLES)
    # The binary log would hold every row a second time, and be part of no backup.
    head = [f"SET sql_log_bin=0; CREATE OR REPLACE DATABASE {DATABASE}; USE {DATABASE};"]
    return "\n".join(head + [line for table in _TABLES for line in _table(table, rows)])


def _table(table: str, rows: int) -> list[str]:
    content = "RANDOM_BYTES(950)"
    if table in _TEXTS:
        content = "CONCAT('commande ', seq, REPEAT(CONCAT(' ', MD5(seq), ' livraison'), 21))"
    lines = [
        f"CREATE TABLE {table} (id INT PRIMARY KEY, at DATETIME NOT NULL, content BLOB NOT NULL);"
    ]
    for first in range(1, rows + 1, _BATCH):
        last = min(first + _BATCH - 1, rows)
        lines.append(
            f"INSERT INTO {table} SELECT seq, '2026-01-01' + INTERVAL seq SECOND, {content}"  # noqa: S608
            f" FROM seq_{first}_to_{last};"
        )
    return lines
