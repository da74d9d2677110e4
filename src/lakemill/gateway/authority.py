"""A certificate authority of one's own, for `lakemill up --tls` and for the door of `lakemill run`.

The authority's certificate is DATA/ca.pem, its key DATA/ca.key (mode 0600); both are made when first needed. Leaf
certificates are made per host name and kept in memory.
"""

import datetime
import os
import ssl
import tempfile
import threading
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
LEAF_DAYS = 397  # Clients refuse longer-lived server certificates.


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "lakemill")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_private(path: Path, data: bytes) -> None:
    """Write a file only its owner can read, whole or not at all."""
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Authority:
    """The authority of one data folder. Safe across threads."""

    def __init__(self, folder: Path) -> None:
        self.certificate_path = folder / "ca.pem"
        key_path = folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        if not (self.certificate_path.exists() and key_path.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            write_private(key_path, _pem(key))
            self.certificate_path.write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))
        loaded = serialization.load_pem_private_key(key_path.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        self._key = loaded
        self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._guard = threading.Lock()

    def leaf(self, names: list[str]) -> tuple[bytes, bytes]:
        """A server certificate (with its chain) and its key, PEM, for host names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0][:64]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=LEAF_DAYS))
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        chain = certificate.public_bytes(serialization.Encoding.PEM) + self.certificate_path.read_bytes()
        return chain, _pem(key)

    def context(self, host: str) -> ssl.SSLContext:
        """A server-side TLS context that proves to be this host."""
        with self._guard:
            if host not in self._contexts:
                chain, key = self.leaf([host])
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                with tempfile.TemporaryDirectory() as folder:
                    (Path(folder) / "chain.pem").write_bytes(chain)
                    write_private(Path(folder) / "key.pem", key)
                    context.load_cert_chain(Path(folder) / "chain.pem", Path(folder) / "key.pem")
                self._contexts[host] = context
            return self._contexts[host]


def certificate_names(host: str) -> list[str]:
    """The names of a server that listens on a host of this machine.

    >>> certificate_names("0.0.0.0")
    ['*.s3.localhost', '127.0.0.1', 'localhost']
    """
    return sorted({"localhost", "127.0.0.1", "*.s3.localhost", host} - {"0.0.0.0", "::"})


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name("lakemill local authority"))
        .issuer_name(_name("lakemill local authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
