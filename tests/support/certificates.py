"""Self-signed certificates made of nothing but numbers, so that tests need no openssl program.

An elliptic-curve key on P-256, and the DER of RFC 5280 and RFC 5915 around it.
"""

import base64
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

_Point = tuple[int, int] | None

# P-256 (FIPS 186-4, D.1.2.3): the prime, the order, and the base point.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_P256 = bytes.fromhex("06082a8648ce3d030107")
_ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("0603550403")
_SUBJECT_KEY = bytes.fromhex("0603551d0e")
_KEY_USAGE = bytes.fromhex("0603551d0f")
_ALTERNATIVE_NAME = bytes.fromhex("0603551d11")
_BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")
_TRUE = b"\x01\x01\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate and its key, in PEM files."""

    certificate: Path
    key: Path


def self_signed(name: str, folder: Path) -> Identity:
    """Write a certificate that speaks for 127.0.0.1 and is its own authority."""
    numbers = random.Random(name)
    secret = numbers.randrange(1, _N)
    x, y = _times(secret, _G)
    public = b"\x04" + x.to_bytes(32) + y.to_bytes(32)
    subject = _sequence(_der(0x31, _sequence(_COMMON_NAME, _der(0x0C, name.encode()))))
    content = _sequence(
        _der(0xA0, _integer(2)),
        _integer(numbers.randrange(1, 2**64)),
        _sequence(_ECDSA_WITH_SHA256),
        subject,
        _sequence(_der(0x17, b"200101000000Z"), _der(0x18, b"20990101000000Z")),
        subject,
        _sequence(_sequence(_EC_PUBLIC_KEY, _P256), _bits(public)),
        _der(0xA3, _extensions(public)),
    )
    signature = _signature(numbers, secret, content)
    certificate = _sequence(content, _sequence(_ECDSA_WITH_SHA256), _bits(signature))
    key = _sequence(
        _integer(1), _der(0x04, secret.to_bytes(32)), _der(0xA0, _P256), _der(0xA1, _bits(public))
    )
    return Identity(
        certificate=_pem(folder / f"{name}.pem", "CERTIFICATE", certificate),
        key=_pem(folder / f"{name}.key", "EC PRIVATE KEY", key),
    )


def _extensions(public: bytes) -> bytes:
    # Python 3.13 and later refuse an authority that lacks the first three.
    return _sequence(
        _sequence(_BASIC_CONSTRAINTS, _TRUE, _der(0x04, _sequence(_TRUE))),
        _sequence(_KEY_USAGE, _TRUE, _der(0x04, b"\x03\x02\x02\x84")),
        _sequence(_SUBJECT_KEY, _der(0x04, _der(0x04, hashlib.sha1(public).digest()))),
        _sequence(_ALTERNATIVE_NAME, _der(0x04, _sequence(_der(0x87, bytes((127, 0, 0, 1)))))),
    )


def _signature(numbers: random.Random, secret: int, content: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(content).digest())
    nonce = numbers.randrange(1, _N)
    first = _times(nonce, _G)[0] % _N
    return _sequence(_integer(first), _integer(pow(nonce, -1, _N) * (digest + first * secret) % _N))


def _times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    total: _Point = None
    addend: _Point = point
    while factor:
        if factor & 1:
            total = _sum(total, addend)
        addend = _sum(addend, addend)
        factor >>= 1
    assert total is not None
    return total


def _sum(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return one or other
    if one == other:
        slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, _P)
    elif one[0] == other[0]:
        return None
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P)
    x = (slope**2 - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _bits(content: bytes) -> bytes:
    return _der(0x03, b"\x00", content)


def _pem(path: Path, label: str, content: bytes) -> Path:
    text = base64.encodebytes(content).decode()
    path.write_text(f"-----BEGIN {label}-----\n{text}-----END {label}-----\n")
    return path
