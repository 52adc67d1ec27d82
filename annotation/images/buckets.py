"""Photographs in an S3-compatible bucket as a source for the importer, beside folder and zip.

The bucket and its address are the server's settings; a curator names only what is below it. Keys
and secret are boto3's own (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, or a role).
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.conf import settings

from . import sidecar
from .pictures import MAX_BYTES, Refused
from .sources import MAX_ENTRIES, BadSource, Entry, is_clutter, read_sidecar, refusal_by_name

CONNECT_S, READ_S, TRIES = 10, 60, 4
ABSENT = {"NoSuchKey", "404"}


class Bucket:
    """What lies below a prefix of ``IMPORT_BUCKET``. Nothing is copied before it is read."""

    def __init__(self, prefix: str) -> None:
        import boto3  # costs half a second: only where a bucket is asked for
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        self._errors = (BotoCoreError, ClientError)
        self._name, _, base = settings.IMPORT_BUCKET.partition("/")
        self._prefix = f"{base.strip('/')}/{prefix.strip('/')}".strip("/")
        self._prefix += "/" if self._prefix else ""
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"max_attempts": TRIES, "mode": "standard"},
            s3={"addressing_style": "path" if settings.S3_ENDPOINT_URL else "auto"},
        )
        endpoint = settings.S3_ENDPOINT_URL or None
        self._client = boto3.client("s3", endpoint_url=endpoint, config=config)
        self._sizes: dict[str, int] = {}

    def entries(self) -> list[Entry]:
        try:
            found = list(self._listed())
        except self._errors as error:
            raise BadSource(f"The bucket cannot be read: {_told(error)}") from None
        return sorted(found, key=lambda entry: entry.name)

    def read(self, name: str) -> bytes:
        try:
            return self._get(name, MAX_BYTES)
        except self._errors as error:
            raise Refused(f"cannot be fetched: {_told(error)}") from None

    def sidecar(self) -> sidecar.Sidecar:
        try:
            return read_sidecar(self._get(sidecar.NAME, sidecar.MAX_BYTES))
        except self._errors as error:
            if _code(error) in ABSENT:
                return sidecar.Sidecar()
            raise BadSource(f"{sidecar.NAME} cannot be fetched: {_told(error)}") from None

    def open(self, name: str, limit: int) -> BinaryIO:
        """One file as a stream of at most ``limit`` bytes."""
        if self._sizes.get(name, 0) > limit:
            raise BadSource(f"{name}: larger than {limit:,} bytes")
        try:
            return io.BytesIO(self._get(name, limit))
        except self._errors as error:
            raise BadSource(f"{name} cannot be fetched: {_told(error)}") from None

    def close(self) -> None:
        self._client.close()

    def _listed(self) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._name, Prefix=self._prefix):
            for row in page.get("Contents", ()):
                name = row["Key"].removeprefix(self._prefix)
                if not name or name.endswith("/") or name == sidecar.NAME or is_clutter(name):
                    continue
                if len(self._sizes) >= MAX_ENTRIES:
                    raise BadSource(f"More than {MAX_ENTRIES:,} files; import it in parts.")
                self._sizes[name] = row["Size"]
                yield Entry(name, refusal_by_name(name) or _too_large(row["Size"]))

    def _get(self, name: str, limit: int) -> bytes:
        answer = self._client.get_object(Bucket=self._name, Key=self._prefix + name)
        with answer["Body"] as body:
            data: bytes = body.read(limit + 1)
        if len(data) > limit:
            raise Refused(f"larger than {limit:,} bytes")
        return data


def _too_large(size: int) -> str:
    return f"larger than {MAX_BYTES:,} bytes" if size > MAX_BYTES else ""


def _code(error: Any) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _told(error: Any) -> str:
    return str(error).split("\n")[0][:200]
