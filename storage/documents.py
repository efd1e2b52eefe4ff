"""KYC documents in S3 under KMS. They go in and out through us; nobody gets a link to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

DOCUMENTS_BUCKET = "rialto-documents"
DOCUMENTS_KEY_ALIAS = "alias/rialto-documents"


class DocumentBucket:
    def __init__(self, s3: S3Client, bucket: str = DOCUMENTS_BUCKET) -> None:
        self._s3 = s3
        self._bucket = bucket

    async def put(self, key: str, content_type: str, content: bytes) -> None:
        """Encrypted at rest under the documents' own KMS key."""
        await asyncio.to_thread(
            self._s3.put_object,
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType=content_type,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=DOCUMENTS_KEY_ALIAS,
        )

    async def get(self, key: str) -> bytes:
        return await asyncio.to_thread(self._get, key)

    async def delete(self, keys: Sequence[str]) -> None:
        """Every version of every object: the bucket keeps old ones, the law does not let us."""
        for key in keys:
            await asyncio.to_thread(self._delete, key)

    def _get(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _delete(self, key: str) -> None:
        pages = self._s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=key):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if entry["Key"] == key:
                    self._s3.delete_object(
                        Bucket=self._bucket, Key=key, VersionId=entry["VersionId"]
                    )
