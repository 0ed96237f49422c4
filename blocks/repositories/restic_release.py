"""The one restic binary that this project uses, on the worker and on every server.

`script/fetch-restic` reads these values too, so the module imports nothing of the project. To move
to another release: run the script, which prints what the mirror serves, then edit here and run
the contract suite.
"""

VERSION = "0.18.0"
"""Exit codes, JSON messages and file names in the bucket were checked with this version."""

PACKAGE = "0.18.0-1+b4"
"""Debian package (trixie, amd64) that holds the binary; it needs nothing but libc6."""

SHA256 = "7135345e471b64fe43356f8cc665d33d9e52fb042ba39e5cff77310c46d46857"
"""Of the binary itself, not of the package."""

BINARY = f"/var/cache/omniweb-continuity/tools/restic-{VERSION}"
"""Where the binary lies on the worker."""
