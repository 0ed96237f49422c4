"""Say in French what a probe saw: probes speak English, as their code does. Pure."""

from __future__ import annotations

import re

_WORDS = tuple(
    (re.compile(pattern), french)
    for pattern, french in (
        (r"HTTP (\d+) from (\S+?)(?=,|$| with)", r"HTTP \1 de \2"),
        (r", redirects to (\S+)", r", redirige vers \1"),
        (r", expected (\d+)$", r", \1 attendu"),
        (
            r", but the text '(.*)' is not on the page$",
            r", mais le texte « \1 » n'est pas dans la page",
        ),
        (r" with the expected text$", " avec le texte attendu"),
        (r"connection refused$", "connexion refusée"),
        (r"connection closed before an answer came$", "connexion fermée sans réponse"),
        (r"no answer within (\S+) s$", r"pas de réponse en \1 s"),
        (r"no connection: no route to host$", "aucune route vers cette adresse"),
        (r"no connection: network is unreachable$", "réseau injoignable"),
        (r"no connection: (.*)$", r"pas de connexion (\1)"),
        (r"no TLS connection \((.*)\)$", r"pas de connexion TLS (\1)"),
        (r"no proper HTTP answer \((.*)\)$", r"réponse qui n'est pas du HTTP (\1)"),
        (r"certificate does not cover (\S+)$", r"le certificat ne couvre pas \1"),
        (r"certificate of (\S+) has expired$", r"le certificat de \1 a expiré"),
        (
            r"certificate of (\S+) is not valid yet$",
            r"le certificat de \1 n'est pas encore valable",
        ),
        (
            r"certificate of (\S+) is not from a trusted authority$",
            r"le certificat de \1 n'est pas d'une autorité reconnue",
        ),
        (r"certificate of (\S+) is refused: (.*)$", r"le certificat de \1 est refusé (\2)"),
        (r"(\S+) has no IPv4 address in the DNS$", r"\1 n'a pas d'adresse IPv4 dans le DNS"),
        (
            r"(\S+) cannot be resolved by the resolvers (.*)$",
            r"les résolveurs ne donnent pas l'adresse de \1 (\2)",
        ),
    )
)


def in_french(observed: str) -> str:
    """Return a probe's sentence in French; what is not known stays as it is."""
    for pattern, french in _WORDS:
        observed = pattern.sub(french, observed)
    return observed
