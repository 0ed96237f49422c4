"""What a bucket must be able to do for its owner, tried with real calls."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_bytes
from typing import Any

from botocore.exceptions import ClientError

from blocks.errors import ConfigurationError
from blocks.repositories.conditional import require_conditional_writes
from blocks.repositories.policies import SELF_TEST
from blocks.repositories.s3_test_bench import CONTENT, Bench, Found, held
from blocks.repositories.s3_versions import S3Versions
from blocks.types import CheckState, KeyRole

_PART = 5 * 1024 * 1024


def versioning(bench: Bench) -> Found:
    """Versions are kept, and what was written has one."""
    told = bench.client(KeyRole.WORKER).get_bucket_versioning(**bench.bucket)
    status = told.get("Status", "jamais activée")
    return held(status == "Enabled" and bench.version != "null", f"gestion des versions : {status}")


def default_lock(bench: Bench) -> Found:
    """What is new is locked by itself for at least 23 hours."""
    bench.locked = S3Versions(bench.store(KeyRole.WORKER)).lock(bench.key, bench.version)
    if bench.locked is None:
        return CheckState.NOT_HELD, "un objet neuf n'a pas de verrou"
    span = bench.locked.until - bench.at
    hours = f"{span / timedelta(hours=1):.0f} h"
    text = f"un objet neuf est verrouillé {hours} ({bench.locked.mode})"
    return held(span >= timedelta(hours=23), text)


def ranges(bench: Bench) -> Found:
    """A part of an object can be read."""
    answer = bench.client(KeyRole.SERVER).get_object(
        **bench.where,
        Range="bytes=8-17",
    )
    got = answer["Body"].read()
    return held(got == CONTENT[8:18], f"10 octets demandés, {len(got)} reçus")


def multipart(bench: Bench) -> Found:
    """An upload in parts gives the whole."""
    client, key = bench.client(KeyRole.SERVER), f"{bench.key}-parts"
    where: dict[str, Any] = {**bench.bucket, "Key": bench.path(key)}
    upload = client.create_multipart_upload(**where)["UploadId"]
    bench.written.add(key)
    content = token_bytes(1024) * (_PART // 1024)
    try:
        parts = [
            {"PartNumber": number, "ETag": _part(client, where, upload, number, body)}
            for number, body in enumerate((content, b"end"), 1)
        ]
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    except ClientError:
        client.abort_multipart_upload(**where, UploadId=upload)
        raise
    same = bench.store(KeyRole.WORKER).get(key) == content + b"end"
    return held(same, f"deux morceaux assemblés, {len(content) + 3} octets")


def _part(client: Any, where: dict[str, Any], upload: str, number: int, body: bytes) -> str:  # noqa: ANN401
    answer = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
    return str(answer["ETag"])


def conditional(bench: Bench) -> Found:
    """Of two writers under a condition one is refused."""
    if bench.state is None:
        return CheckState.UNTESTED, "rien n'y est écrit sous condition"
    try:
        require_conditional_writes(bench.state, SELF_TEST)
    except ConfigurationError as error:
        return CheckState.NOT_HELD, error.cause
    finally:
        bench.state.remove(f"probes/{SELF_TEST}.json")
    return CheckState.HELD, "de deux écritures, une est refusée (If-None-Match, If-Match)"
