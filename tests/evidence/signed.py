"""Pictures that the tests sign after C2PA, with an authority of their own."""

from __future__ import annotations

import datetime as dt
import io

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"allowed_network_hosts": []},
}


def _name(common):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Muniment tests"),
        ]
    )


class Authority:
    """Signs certificates, and pictures with one of them.  ``anchor`` is its own, as PEM."""

    def __init__(self, name="Test authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        begin = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        self._begin, self._end = begin, begin + dt.timedelta(days=365 * 40)
        root = self._certificate(_name(name), _name(name), self._key.public_key(), is_root=True)
        self._root = root
        self._signing = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(
            _name("Test camera"), _name(name), self._signing.public_key(), is_root=False
        )
        self.anchor = root.public_bytes(serialization.Encoding.PEM).decode()
        self.chain = leaf.public_bytes(serialization.Encoding.PEM).decode() + self.anchor

    def _certificate(self, subject, issuer, key, *, is_root):
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._begin)
            .not_valid_after(self._end)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not is_root,
                    key_cert_sign=is_root,
                    crl_sign=is_root,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if not is_root:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(usage, critical=False)
        return made.sign(self._key, hashes.SHA256())

    def signed(self, content, media_type="image/jpeg", *, remote=None):
        """Return the content with a manifest in it; with ``remote``, an address instead."""
        key = self._signing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        info = c2pa.C2paSignerInfo(b"es256", self.chain.encode(), key, None)
        manifest = {
            "claim_generator_info": [{"name": "Test camera", "version": "1"}],
            "title": "A signed picture",
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "data": {
                        "actions": [
                            {
                                "action": "c2pa.created",
                                "digitalSourceType": "http://cv.iptc.org/newscodes/"
                                "digitalsourcetype/digitalCapture",
                            }
                        ]
                    },
                }
            ],
        }
        out = io.BytesIO()
        context = c2pa.Context.from_dict(OFFLINE)
        with c2pa.Builder(manifest, context=context) as builder:
            if remote:
                builder.set_no_embed()
                builder.set_remote_url(remote)
            with c2pa.Signer.from_info(info) as signer:
                builder.sign(signer, media_type, io.BytesIO(content), out)
        return out.getvalue()
