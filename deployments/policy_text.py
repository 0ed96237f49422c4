"""Policies as pages to paste, in French: what each key is for, and where it goes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from blocks.errors import ConfigurationError
from blocks.repositories import policy_documents as documents
from blocks.repositories.policies import KeyPurpose, Right
from blocks.repositories.policy_documents import Document
from blocks.repositories.profiles import Profile
from deployments.policy_keys import BucketKey, BucketKeys

PURPOSES = {
    KeyPurpose.SERVER: "clé du serveur : lit et ajoute les sauvegardes de restic, ne cache que ses "
    "verrous ; ni version détruite, ni manifeste, ni journal",
    KeyPurpose.ARCHIVE: "clé de l'archive : ajoute des morceaux, ne lit ni ne cache rien",
    KeyPurpose.RESTORE: "clé du poste : lit tout, versions comprises ; écrit et cache manifestes, "
    "journal et baux, et tout le reste pour `repository rewind` ; ne détruit aucune version",
    KeyPurpose.PRUNE: "clé du ménage : cache les vieilles sauvegardes, prolonge les verrous ; "
    "ne détruit rien, ne raccourcit rien",
}
_MANAGED_LIMIT = 6144
"""Characters of one managed policy at AWS, spaces not counted (IAM quotas)."""


@dataclass(frozen=True, slots=True)
class Page:
    """One document to paste.

    Attributes:
        subject: The key or the bucket that it belongs to.
        purposes: What the keys that it speaks of are for.
        where: What to click or to type, a line each.
    """

    subject: str
    purposes: tuple[KeyPurpose, ...]
    document: Document
    where: tuple[str, ...]
    notes: tuple[str, ...] = ()


def pages(keys: BucketKeys, users: Mapping[str, str]) -> tuple[Page, ...]:
    """Return all documents of a bucket's keys.

    Args:
        keys: The keys.
        users: The provider's own name of a key's user, by the key's id; a placeholder stands for
            those that are missing.

    Raises:
        ConfigurationError: The provider has no form in which a key can be confined.
    """
    if keys.provider not in _PAGES:
        raise ConfigurationError(
            f"repository {keys.name}",
            "at this provider every key of a project may do everything in its buckets",
            "keep it for a second copy; see docs/immuabilite.md for the providers that can",
        )
    return tuple(_PAGES[keys.provider](keys, users))


def limits(provider: Profile) -> tuple[str, ...]:
    """Return what a policy cannot promise at this provider."""
    return _LIMITS.get(provider, ())


def _name(key: BucketKey) -> str:
    return "continuity-" + "-".join(key.purposes)


def _iam(keys: BucketKeys, endpoint: str, console: str) -> Iterator[Page]:
    for key in keys.keys:
        name, document = _name(key), documents.iam_policy(key.rights)
        size = len(str(document).replace(" ", ""))
        where = (
            f"Console : {console}",
            f"ou : aws {endpoint}iam create-policy --policy-name {name} "
            f"--policy-document file://{name}.json",
            f"puis : aws {endpoint}iam attach-user-policy --user-name UTILISATEUR "
            "--policy-arn ARN_AFFICHÉ",
        )
        long = (f"{size} caractères : au-delà de {_MANAGED_LIMIT}, une politique par dépôt",)
        yield _page(key, document, where, long if size > _MANAGED_LIMIT else ())


def _page(
    key: BucketKey, document: Document, where: tuple[str, ...], notes: tuple[str, ...] = ()
) -> Page:
    return Page(f"clé {key.access_key}", key.purposes, document, where, notes)


def _aws(keys: BucketKeys, _: Mapping[str, str]) -> Iterator[Page]:
    console = "IAM > Utilisateurs > (un par clé) > Ajouter des autorisations > Créer une politique"
    yield from _iam(keys, "", f"{console} > JSON")


def _wasabi(keys: BucketKeys, _: Mapping[str, str]) -> Iterator[Page]:
    endpoint = "--endpoint-url https://iam.wasabisys.com "
    yield from _iam(keys, endpoint, "Policies > Create Policy, puis Users > (un par clé)")


def _ovh(keys: BucketKeys, _: Mapping[str, str]) -> Iterator[Page]:
    where = (
        "Espace client : Public Cloud > Object Storage > Utilisateurs S3 > … > Importer le JSON",
        "ou l'API : POST /cloud/project/{serviceName}/user/{userId}/policy",
    )
    for key in keys.keys:
        yield _page(key, documents.ovh_policy(key.rights), where)


def _backblaze(keys: BucketKeys, _: Mapping[str, str]) -> Iterator[Page]:
    for key in keys.keys:
        for made in documents.backblaze_keys(key.rights):
            capabilities = ",".join(made["capabilities"])  # type: ignore[arg-type]
            prefix = f" --name-prefix {made['namePrefix']}" if made["namePrefix"] else ""
            command = f"b2 key create --bucket {made['bucketName']}{prefix}"
            yield _page(key, made, (f"{command} {_name(key)} {capabilities}",))


_Form = Callable[[str, dict[str, tuple[Right, ...]]], Document]


def _of_buckets(
    keys: BucketKeys, users: Mapping[str, str], form: _Form, console: tuple[str, ...]
) -> Iterator[Page]:
    named = {users.get(k.access_key, f"UTILISATEUR_DE_{k.access_key}"): k for k in keys.keys}
    for bucket in keys.buckets:
        here = {
            user: key
            for user, key in named.items()
            if any(right.bucket == bucket for right in key.rights)
        }
        document = form(bucket, {user: key.rights for user, key in here.items()})
        purposes = dict.fromkeys(each for key in here.values() for each in key.purposes)
        command = f"aws s3api put-bucket-policy --bucket {bucket} --policy file://{bucket}.json"
        missing = tuple(
            f"remplacer {user} : --user {key.access_key}=IDENTIFIANT"
            for user, key in here.items()
            if key.access_key not in users
        )
        where = (*console, f"{command} (avec la clé du propriétaire du compartiment)")
        yield Page(f"compartiment {bucket}", tuple(purposes), document, where, missing)


def _scaleway(keys: BucketKeys, users: Mapping[str, str]) -> Iterator[Page]:
    console = (
        "Console : IAM > Applications : une par clé ; Object Storage > Bucket policies > JSON",
        *(
            f"Politique IAM de l'application de {key.access_key} : "
            + ", ".join(documents.scaleway_sets(key.rights))
            for key in keys.keys
        ),
    )
    yield from _of_buckets(keys, users, documents.scaleway_policy, console)


def _ceph(keys: BucketKeys, users: Mapping[str, str]) -> Iterator[Page]:
    yield from _of_buckets(keys, users, documents.ceph_policy, ())


_PAGES: dict[Profile, Callable[[BucketKeys, Mapping[str, str]], Iterator[Page]]] = {
    Profile.AWS: _aws,
    Profile.WASABI: _wasabi,
    Profile.OVH: _ovh,
    Profile.BACKBLAZE: _backblaze,
    Profile.SCALEWAY: _scaleway,
    Profile.CEPH: _ceph,
}
_LIMITS = {
    Profile.OVH: (
        "Le compartiment doit appartenir à un autre utilisateur que ces clés : son propriétaire "
        "peut tout ce que rien ne lui interdit.",
        "OVH n'a pas de droit à part pour les versions : la clé du poste ou du ménage peut "
        "détruire une version dont le verrou a expiré.",
    ),
    Profile.SCALEWAY: (
        "Dès qu'une politique est posée, seul ce qu'elle nomme est permis : ajoutez-y votre propre "
        "utilisateur si vous n'êtes pas le propriétaire de l'organisation.",
        "Les droits IAM valent pour tout le projet : mettez ces compartiments dans un projet "
        "à part.",
    ),
    Profile.BACKBLAZE: (
        "Une clé B2 n'a qu'un préfixe et pas de dossier à part : celle du serveur peut aussi "
        "écraser ou cacher un manifeste (la version reste, `repository rewind` la ramène).",
        "B2 n'a pas d'écriture conditionnelle : ni bail ni journal, donc dépôt de copie seulement.",
    ),
    Profile.CEPH: (
        "Le compartiment doit appartenir à un autre utilisateur que ces clés : dans Ceph son "
        "propriétaire peut tout ce que rien ne lui interdit.",
    ),
}
