"""What a check works with: clients of an administrator, fresh buckets, keys and users, and a look inside.

Everything that a check needs it makes itself, under names of its own, through the public API; so it runs the same
against the sandbox and against any other endpoint. What only the sandbox can show stands behind the capabilities
that the behavior names in ``needs``.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from lab.backends.clients import Clients
from lab.backends.protocol import Backend, Credentials, PrincipalSpec, WorldHandle, WorldSpec
from lab.backends.refusal import ClientError
from lab.conformance import raw

if TYPE_CHECKING:
    from lab.events import Event

#: Id of the world that checks run in.
WORLD: Final = "conformance"

#: What objects hold unless a check says otherwise, and its MD5 as S3 shows it.
BODY: Final = b"readable by those who may"
BODY_MD5: Final = '"b08919cdf01c7a81ff627ae4affc4ec6"'

#: A key id that no account has.
UNKNOWN_KEY: Final = "134f2428-cec1-4b25-a1ae-9048164dba47"


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal and its clients.

    Attributes:
        arn: The user's ARN.
    """

    arn: str
    credentials: Credentials
    s3: Any
    kms: Any


class Stage:
    """One world for many checks.

    Args:
        backend: An open back end.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.capabilities = backend.capabilities
        more = {"accounts": ("home", "other")} if "principals" in self.capabilities else {}
        principals = [PrincipalSpec("default", administrator=True)]
        if more:
            principals.append(PrincipalSpec("abroad", account="other", administrator=True))
        self.world: WorldHandle = backend.create_world(WorldSpec(WORLD, principals=principals, **more))  # type: ignore[arg-type]
        self.endpoints = backend.endpoints()
        self.region = self.endpoints.region
        self.s3: Any = self.world.client("default", "s3")
        self.kms: Any = self.world.client("default", "kms")
        self.iam: Any = self.world.client("default", "iam")
        self.sts: Any = self.world.client("default", "sts")
        self._clients = Clients(self.endpoints)
        self._presigners = {
            "v2": Clients(self.endpoints, signature="s3"),
            "v4": Clients(self.endpoints, signature="s3v4"),
        }
        self._numbers = itertools.count(1)
        self._account = ""
        self._buckets: list[str] = []
        self._keys: list[str] = []
        self._users: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what the checks made."""
        if "snapshot" in self.capabilities:
            self.world.drop()
        else:
            self._sweep()
        for clients in (self._clients, *self._presigners.values()):
            clients.close()

    # ---- who and where -------------------------------------------------------------------------------------------

    @property
    def account(self) -> str:
        """The 12 digits of the account that checks run in."""
        if not self._account:
            self._account = str(self.sts.get_caller_identity()["Account"])
        return self._account

    @property
    def me(self) -> str:
        """ARN of the administrator."""
        return str(self.sts.get_caller_identity()["Arn"])

    @property
    def s3_http(self) -> Any:
        """The administrator's client over plain HTTP (capability ``http``)."""
        return self.world.client("default", "s3", http=True)

    @property
    def abroad(self) -> Actor:
        """An administrator of another account (capability ``principals``)."""
        return self._actor(self.world.credentials["abroad"])

    def other_service(self, service: Any) -> Any:
        """A client of a service that exercises do not use."""
        return self._clients.client(self.world.credentials["default"], service, http=False)

    def user(self, *statements: Mapping[str, Any]) -> Actor:
        """A new user with an access key, and with a policy of these statements if there are any."""
        name = self.name("user")
        arn = str(self.iam.create_user(UserName=name)["User"]["Arn"])
        self._users.append(name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        account = arn.split(":")[4]
        return self._actor(Credentials(made["AccessKeyId"], made["SecretAccessKey"], None, arn, account, "user"))

    def grant_user(self, user: Actor, *statements: Mapping[str, Any]) -> None:
        """Replace the user's policy."""
        name = user.arn.rpartition("/")[2]
        self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))

    def _actor(self, credentials: Credentials) -> Actor:
        s3 = self._clients.client(credentials, "s3", http=False)
        return Actor(credentials.arn, credentials, s3, self._clients.client(credentials, "kms", http=False))

    # ---- things --------------------------------------------------------------------------------------------------

    def name(self, what: str) -> str:
        """A name that nothing has."""
        return f"lab-{what}-{next(self._numbers)}-{secrets.token_hex(4)}"

    def bucket(self, *, customer_keys: bool = False, versions: bool = False) -> str:
        """A new bucket; ``customer_keys`` lifts the block of SSE-C, ``versions`` turns versioning on."""
        name = self.name("bucket")
        self.s3.create_bucket(Bucket=name)
        self._buckets.append(name)
        if customer_keys:
            self.configure(name, BlockedEncryptionTypes={"EncryptionType": ["NONE"]})
        if versions:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def configure(self, bucket: str, **rule: Any) -> None:
        """Put the bucket's only encryption rule."""
        self.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def default(self, bucket: str, algorithm: str, key: str | None = None, *, bucket_key: bool | None = None) -> None:
        """Put the bucket's default encryption."""
        default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
        more = {} if bucket_key is None else {"BucketKeyEnabled": bucket_key}
        self.configure(bucket, ApplyServerSideEncryptionByDefault=default, **more)

    def rule(self, bucket: str) -> dict[str, Any]:
        """The only encryption rule of a bucket."""
        rules = self.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        return dict(rules[0])

    def policy(self, bucket: str, *statements: Mapping[str, Any]) -> None:
        """Put the bucket's policy. ``BUCKET`` in a resource stands for the bucket's ARN."""
        text = document(*statements).replace("BUCKET", f"arn:aws:s3:::{bucket}")
        self.s3.put_bucket_policy(Bucket=bucket, Policy=text)

    def key(self, **members: Any) -> str:
        """The ARN of a new KMS key."""
        arn = str(self.kms.create_key(**members)["KeyMetadata"]["Arn"])
        self._keys.append(arn)
        return arn

    def key_policy(self, key: str, *statements: Mapping[str, Any]) -> None:
        """Put the key's policy: these statements after the one that lets the account's own policies decide."""
        root = {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        self.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(root, *statements))

    def put(self, bucket: str, key: str = "object", **members: Any) -> dict[str, Any]:
        """PutObject of the usual body."""
        answer: dict[str, Any] = self.s3.put_object(**{"Bucket": bucket, "Key": key, "Body": BODY, **members})
        return answer

    def head(self, bucket: str, key: str = "object", **members: Any) -> dict[str, Any]:
        """HeadObject."""
        answer: dict[str, Any] = self.s3.head_object(Bucket=bucket, Key=key, **members)
        return answer

    def get(self, bucket: str, key: str = "object", **members: Any) -> dict[str, Any]:
        """GetObject, its body read into ``Body``."""
        answer: dict[str, Any] = self.s3.get_object(Bucket=bucket, Key=key, **members)
        return {**answer, "Body": answer["Body"].read()}

    # ---- the wire ------------------------------------------------------------------------------------------------

    def presign(self, method: str, *, version: str = "v4", http: bool = False, **members: Any) -> str:
        """A presigned URL of the administrator, signature version ``v2`` or ``v4``."""
        clients = self._presigners[version]
        client: Any = clients.client(self.world.credentials["default"], "s3", http=http)
        return str(client.generate_presigned_url(method, Params=members))

    def fetch(self, url: str, method: str = "GET", **members: Any) -> raw.Reply:
        """One request as it is."""
        return raw.fetch(self.endpoints, url, method, **members)

    def url(self, bucket: str, key: str = "object", *, http: bool = False) -> str:
        """The plain URL of an object."""
        return f"{self.endpoints.http if http else self.endpoints.https}/{bucket}/{key}"

    # ---- the inside ----------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """The number of the last event so far (capability ``events``)."""
        return max((event.seq for event in self.world.events()), default=0)

    def kms_calls(self, after: int, operation: str) -> list[Event]:
        """S3's and clients' calls of one KMS operation since then (capability ``events``)."""
        return [one for one in self.world.events(after=after, step="kms") if one.data["operation"] == operation]

    # ---- afterwards ----------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Delete one by one what was made at an endpoint that cannot drop a world; what resists is left."""
        for bucket in self._buckets:
            with contextlib.suppress(ClientError):
                self.s3.delete_bucket_policy(Bucket=bucket)
            with contextlib.suppress(ClientError):
                self._empty(bucket)
                self.s3.delete_bucket(Bucket=bucket)
        for key in self._keys:
            with contextlib.suppress(ClientError):
                self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        for user in self._users:
            with contextlib.suppress(ClientError):
                for key in self.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
                    self.iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
                for policy in self.iam.list_user_policies(UserName=user)["PolicyNames"]:
                    self.iam.delete_user_policy(UserName=user, PolicyName=policy)
                self.iam.delete_user(UserName=user)

    def _empty(self, bucket: str) -> None:
        for upload in self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            self.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        found = self.s3.list_object_versions(Bucket=bucket)
        for one in (*found.get("Versions", []), *found.get("DeleteMarkers", [])):
            self.s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


def document(*statements: Mapping[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(condition: Mapping[str, Any] | None = None, *, action: str | list[str] = "s3:PutObject") -> dict[str, Any]:
    """A Deny for everybody on everything in the bucket."""
    made: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": ["BUCKET", "BUCKET/*"]}
    return made | ({"Condition": dict(condition)} if condition else {})


def allow(*actions: str, resource: str | list[str] = "*") -> dict[str, Any]:
    """An Allow for an identity policy."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def kms(key: str | None = None, **more: Any) -> dict[str, Any]:
    """Members of a write that ask for SSE-KMS."""
    return {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": key} if key else {}), **more}


def dsse(key: str | None = None) -> dict[str, Any]:
    """Members of a write that ask for DSSE-KMS."""
    return {"ServerSideEncryption": "aws:kms:dsse", **({"SSEKMSKeyId": key} if key else {})}


def customer(letter: bytes = b"k", length: int = 32) -> dict[str, Any]:
    """Members that bring a customer's key; boto3 encodes it and adds its MD5."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": letter * length}


def source_customer(letter: bytes = b"k") -> dict[str, Any]:
    """Members that bring the customer's key of a copy's source."""
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": letter * 32}


def b64(data: bytes) -> str:
    """Base64 text."""
    return base64.b64encode(data).decode()
