"""Say what to do where a bucket's self-test found something missing, in French. Pure."""

from __future__ import annotations

from blocks.repositories.profiles import PROFILES, Profile
from blocks.types import BucketCheck, CheckState, SelfTest

_POLICY = "continuity repository policy"
_ADVICE = {
    BucketCheck.VERSIONING: "activez la gestion des versions ; un stockage qui n'en a pas "
    "(« rclone serve s3 » par exemple) ne convient qu'à une copie de plus",
    BucketCheck.DEFAULT_LOCK: "recréez le compartiment avec le verrou d'objets, durée par défaut "
    "d'un jour ou plus : docs/immuabilite.md",
    BucketCheck.CONDITIONAL: "donnez `state_bucket` : un compartiment sans versions, où les "
    "écritures conditionnelles tiennent ; sinon prenez un autre hébergeur pour `repository`",
    BucketCheck.DESTROY: f"aucune clé ne doit pouvoir détruire une version : {_POLICY}",
    BucketCheck.SHORTEN: f"aucune clé ne doit pouvoir lever un verrou : {_POLICY}",
    BucketCheck.LENGTHEN: f"la clé du ménage, et elle seule, doit pouvoir prolonger : {_POLICY}",
    BucketCheck.LIFECYCLE: f"la clé du serveur ne doit changer aucune règle : {_POLICY}",
}
_NEEDS_VERSIONS = {
    BucketCheck.DESTROY,
    BucketCheck.SHORTEN,
    BucketCheck.LENGTHEN,
}
"""Without versions and locks no policy makes these good."""


def advice(test: SelfTest, profile: Profile | None = None) -> tuple[str, ...]:
    """Return what to change, a sentence each, the most important first.

    Args:
        test: What was found.
        profile: The provider that the estate file names: it may promise otherwise.
    """
    missing = [each.check for each in test.results if each.state is CheckState.NOT_HELD]
    bare = bool({BucketCheck.VERSIONING, BucketCheck.DEFAULT_LOCK} & set(missing))
    told = [
        _ADVICE[check]
        for check in missing
        if check in _ADVICE and not (bare and check in _NEEDS_VERSIONS)
    ]
    return (*told, *_broken_promises(missing, profile))


def _broken_promises(missing: list[BucketCheck], profile: Profile | None) -> tuple[str, ...]:
    if profile is None:
        return ()
    known = PROFILES[profile]
    lacking = {
        BucketCheck.VERSIONING: (True, "des versions"),
        BucketCheck.CONDITIONAL: (known.conditional, "des écritures conditionnelles"),
    }
    return tuple(
        f"{known.title} annonce {what}, ce compartiment n'en a pas : vérifiez `profile`, "
        "`endpoint` et `bucket`"
        for check, (promised, what) in lacking.items()
        if promised and check in missing
    )
