"""RFC 6455 §10.6: TLS contexts from PEM files, and OpenSSL's errors with what to do about them."""

from __future__ import annotations

import ssl

# Contexts


def server_context(certificate: str, key: str | None = None) -> ssl.SSLContext:
    """A context for `serve`, from PEM files: the certificate, followed by its CAs', and its key.

    OSError that names the file if one of them cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.options |= ssl.OP_NO_RENEGOTIATION
    for path in filter(None, (certificate, key)):
        check_readable(path)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        where = "the same file" if key is None else key
        raise OSError(
            f"cannot use {certificate} with the key in {where}: {spoken(error)}; both must be "
            "PEM and belong together"
        ) from error
    return context


def client_context(ca: str | None = None, insecure: bool = False) -> ssl.SSLContext:
    """A context for `connect`, which trusts the system's CAs, or the CAs in the PEM file `ca`.

    `insecure` accepts any server. OSError that names the file if it cannot be used.
    """
    if ca is not None:
        check_readable(ca)
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise OSError(
            f"cannot use {ca} as certificates of CAs: {spoken(error)}; it must be PEM"
        ) from error
    context.options |= ssl.OP_NO_RENEGOTIATION
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_readable(path: str) -> None:
    """OSError that names the file if it cannot be read; OpenSSL's own errors do not name it."""
    with open(path, "rb"):
        pass


# Errors


TRUST = "if it is the right one, trust it with --ca FILE, in a program with client_context(FILE)"
ASK_FOR_TRUSTED = "give the peer the certificate of the CA, or use one from a CA that it knows"

CERTIFICATE_FAULTS = {
    # Code of OpenSSL (x509_vfy.h): what is wrong with the peer's certificate, and what to do
    9: ("is not valid yet", "compare the clocks of both machines"),
    10: ("has expired", "have it renewed, or compare the clocks of both machines"),
    18: ("is self-signed, so that no CA vouches for it", TRUST),
    19: ("comes from a CA that is not known here", TRUST),
    20: ("comes from a CA that is not known here", TRUST),
    21: ("comes from a CA that is not known here, or lacks the certificates in between", TRUST),
    62: ("is for another host name", "use a name that it lists, or have the name added to it"),
    64: (
        "is for another IP address",
        "use a name or an address that it lists, or have this one added to it",
    ),
}

REASONS = {
    "HTTP_REQUEST": "the peer sends plain HTTP, but this port speaks TLS; use wss://, or https:// "
    "for a page",
    "HTTPS_PROXY_REQUEST": "the peer sends an HTTP CONNECT, but this is no proxy, and speaks TLS",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS; use ws:// for a server without TLS",
    "UNSUPPORTED_PROTOCOL": "the peer's version of TLS is not allowed here; use TLS 1.2 or 1.3 "
    "on both sides",
    "NO_SHARED_CIPHER": "no cipher that both sides allow; compare what the two contexts allow",
}


def readable(error: ssl.SSLError) -> ssl.SSLError:
    """The same error, with the text of `describe` as its message."""
    error.strerror = describe(error)
    return error


def describe(error: ssl.SSLError) -> str:
    """One line: what was wrong, above all with the peer's certificate, and what to do about it."""
    reason = reason_of(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return describe_certificate(error)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "the connection ended in the middle; the log of the peer may say why"
    if isinstance(error, ssl.SSLWantReadError):
        return (
            "the peer renegotiates TLS while a message is sent; set "
            "ssl.OP_NO_RENEGOTIATION, or use TLS 1.3"
        )
    if "_ALERT_" in reason:
        return describe_alert(reason.partition("_ALERT_")[2].replace("_", " ").lower())
    return (
        REASONS.get(reason)
        or f"OpenSSL says {spoken(error)!r}; try the peer with `openssl s_client` to see more"
    )


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's name for the error, such as "HTTP_REQUEST"; empty if it is not from OpenSSL."""
    return getattr(error, "reason", None) or ""


def spoken(error: ssl.SSLError) -> str:
    """OpenSSL's name for the error, in words."""
    return reason_of(error).replace("_", " ").lower() or str(error)


def describe_certificate(error: ssl.SSLCertVerificationError) -> str:
    fault, advice = CERTIFICATE_FAULTS.get(
        error.verify_code, ("is not accepted", "have it replaced")
    )
    return (
        f"the peer's certificate {fault} ({error.verify_message.rstrip('.')}); {advice}; "
        "--insecure checks nothing"
    )


def describe_alert(name: str) -> str:
    """What the peer's TLS alert of this name means, and what to do about it."""
    if name in ("unknown ca", "bad certificate") or name.startswith("certificate "):
        advice = ASK_FOR_TRUSTED
        if name == "certificate required":
            advice = "give the context a certificate with load_cert_chain"
        return f"the peer does not accept our certificate, its alert says {name!r}; {advice}"
    return f"the peer ended TLS with the alert {name!r}; its log may say why"
