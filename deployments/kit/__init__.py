"""The emergency kit: one encrypted file with all that a recovery needs on an empty machine."""
