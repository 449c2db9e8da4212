"""A broker as HOPSKOTCH's is: TLS, SCRAM-SHA-512 and rights, so that clients make no topics.

At ``address`` (without a log-in) is the administrator, who makes topics, credentials and rights, as SCiMMA's hopauth
does. Clients log in at ``tls_address`` with a :class:`Credential`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from parts.certificates import make_certificates
from parts.kafka import KafkaBroker

RIGHTS = ("READ", "WRITE", "DESCRIBE")
"""What a credential may do on a topic at most, as HOPSKOTCH grants it."""


@dataclass(frozen=True)
class Credential:
    """What one logs in with at a HOPSKOTCH."""

    username: str
    password: str = field(repr=False)


class HopskotchBroker(KafkaBroker):
    """One broker with TLS, SCRAM-SHA-512 and ACLs; see :class:`parts.kafka.KafkaBroker`."""

    def _listeners(self) -> dict[str, str]:
        # The name that clients connect to is that of the certificate.
        self.tls_address = f"localhost:{self._spare_ports[0]}"
        return {"PLAINTEXT": self.address, "SASL_SSL": self.tls_address}

    def _logins(self) -> list[str]:
        certificates = make_certificates(self.folder)
        self.ca = certificates.ca
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return [
            "sasl.enabled.mechanisms=SCRAM-SHA-512",
            f"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={scram}",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={certificates.in_one_file()}",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS",
            "allow.everyone.if.no.acl.found=false",
        ]

    @property
    def tls_url(self) -> str:
        """Where clients log in, as an address of a stream."""
        return f"kafka://{self.tls_address}"

    @cached_property
    def admin(self) -> AdminClient:
        """The administrator's client."""
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def credential(self, name: str = "alice", *, groups: bool = True) -> Credential:
        """Make a credential of a unique name, with the right to its own ``groups``: those that begin with its name."""
        made = Credential(f"{name}-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex)
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted = UserScramCredentialUpsertion(made.username, info, made.password.encode())
        self.admin.alter_user_scram_credentials([wanted])[made.username].result(30)
        if groups:
            self._grant(ResourceType.GROUP, made.username, ResourcePatternType.PREFIXED, made, ["READ", "DESCRIBE"])
        return made

    def topic(self, name: str, *, partitions: int = 1, rights: dict[Credential, Sequence[str]] | None = None) -> str:
        """Make a topic with rights on it; return its name, made unique: ``name`` and a random ending."""
        unique = f"{name}-{uuid.uuid4().hex[:8]}"
        new = NewTopic(unique, num_partitions=partitions, config={"message.timestamp.type": "LogAppendTime"})
        self.admin.create_topics([new])[unique].result(30)
        for credential, operations in (rights or {}).items():
            self.allow(credential, unique, operations)
        return unique

    def allow(self, credential: Credential, topic: str, operations: Sequence[str] = RIGHTS) -> None:
        """Give rights on a topic."""
        self._grant(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, credential, operations)

    def deny(self, credential: Credential, topic: str) -> None:
        """Take all rights on a topic away again."""
        whose = AclBindingFilter(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{credential.username}", None,
            AclOperation.ANY, AclPermissionType.ANY,
        )  # fmt: skip
        for future in self.admin.delete_acls([whose]).values():
            future.result(30)

    def _grant(
        self, kind: ResourceType, name: str, pattern: ResourcePatternType, to: Credential, operations: Sequence[str]
    ) -> None:
        wanted = [
            AclBinding(
                kind, name, pattern, f"User:{to.username}", "*", AclOperation[operation], AclPermissionType.ALLOW
            )
            for operation in operations
        ]
        for future in self.admin.create_acls(wanted).values():
            future.result(30)

    def options(self, credential: Credential) -> dict[str, str]:
        """Return librdkafka's options to log in with."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": credential.username,
            "sasl.password": credential.password,
            "ssl.ca.location": str(self.ca),
        }

    def write_auth(self, path: Path, *credentials: Credential) -> Path:
        """Write the file ``auth.toml`` that ``hop auth add`` writes, and return its path."""
        entries = [
            "\n".join(
                [
                    "[[auth]]",
                    f'username = "{one.username}"',
                    f'password = "{one.password}"',
                    'protocol = "SASL_SSL"',
                    'mechanism = "SCRAM-SHA-512"',
                    f'ssl_ca_location = "{self.ca}"',
                    f'hostname = "{self.tls_address}"',
                ]
            )
            for one in credentials
        ]
        path.write_text("\n\n".join(entries) + "\n")
        path.chmod(0o600)
        return path
