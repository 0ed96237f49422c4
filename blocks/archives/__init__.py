"""Where every change goes at once: the continuous archive."""
