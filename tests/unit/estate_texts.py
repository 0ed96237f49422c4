"""An estate file without mistakes, for tests that put one in."""

from __future__ import annotations

from pathlib import Path

GOOD = """\
agency:
  name: OmniWeb
  people:
    - name: Anne
      roles: [pilote, technique, communication, décision]
      phone: "+33 6 00 00 00 01"
      email: anne@omniweb.test
      order: 1
  suppliers:
    - {name: Host, provides: tout, support: "1007", contract: c-1, covers: [host, elsewhere]}
probe:
  type: http-probe
  resolvers: [127.0.0.1]
providers:
  - name: lab
    type: nspawn-vps
    state_directory: /var/lib/machines
    image: /var/cache/base
    namespace: omw-lab
    first_address: 10.0.0.100
    last_address: 10.0.0.199
    resolver: 10.0.0.5
repositories:
  - name: principal
    type: restic-repository
    store:
      endpoint: http://127.0.0.1:7480
      bucket: continuity
      access_key: worker
      secret_key: {file: secret}
    domain: {provider: elsewhere, site: north}
    password: {env: RESTIC}
    server_access_key: server
    server_secret_key: {file: secret}
    prune_access_key: prune
    prune_secret_key: {file: secret}
zones:
  - name: omniweb
    type: rfc2136-zone
    zone: omniweb.test
    server: 127.0.0.1
    key_name: continuity
    key_secret: {file: tsig}
notifiers:
  - name: team
    type: slack-notifier
    token: {file: secret}
    channel: continuite
    base_url: http://127.0.0.1:9/api/
servers:
  - name: web1
    address: 10.0.0.10
    ssh:
      private_key: {file: key}
      host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
    database:
      password: {file: secret}
    repository: principal
    domain: {provider: host, site: south}
    targets: [{provider: lab, size: standard}]
    retention: {last: 2}
    parallel: 3
sites:
  - name: shop
    title: Shop
    server: web1
    domains: [shop.omniweb.test]
    roots: [/srv/shop]
    databases: [shop]
    tier: 48h
    smoke:
      - {url: "https://shop.omniweb.test/", needs_database: true}
    freshness: {database: shop, query: SELECT 1}
  - name: blog
    title: Blog
    server: web1
    domains: [blog.omniweb.test]
    roots: [/srv/blog]
    frequency: weekly
    smoke: [{url: "https://blog.omniweb.test/"}]
"""


def write(folder: Path, text: str = GOOD) -> Path:
    """Write the estate and its secret files; the variable RESTIC is the caller's business."""
    for name, secret in (
        ("secret", "hush-hush"),
        ("tsig", "aHVzaC1odXNoLWh1c2gtaHVzaA=="),
        ("key", "-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n-----END OPENSSH PRIVATE KEY-----"),
    ):
        path = folder / name
        path.write_text(secret)
        path.chmod(0o600)
    estate = folder / "estate.yaml"
    estate.write_text(text)
    return estate


def line_of(text: str, part: str) -> int:
    """Return the number of the first line that holds a part."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)
