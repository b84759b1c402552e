"""RFC 6455 §10.6: TLS contexts from PEM files, and OpenSSL's errors with what to do about them."""

from __future__ import annotations

import ssl

from ...protocol.frame import Side

# Contexts


def server_context(
    certificate: str, key: str | None = None, client_ca: str | None = None
) -> ssl.SSLContext:
    """A context for `serve`, from PEM files: the certificate, followed by its CAs', and its key.

    With `client_ca`, a client must show a certificate of one of the CAs in this file. OSError that
    names the file if one of them cannot be used.
    """
    context = context_for(ssl.Purpose.CLIENT_AUTH, client_ca)
    load_certificate(context, certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    ca: str | None = None,
    insecure: bool = False,
    certificate: str | None = None,
    key: str | None = None,
) -> ssl.SSLContext:
    """A context for `connect`, which trusts the system's CAs, or the CAs in the PEM file `ca`.

    `insecure` accepts any server. `certificate` and `key` are PEM files for a server that wants to
    see a certificate. OSError that names the file if one of them cannot be used.
    """
    context = context_for(ssl.Purpose.SERVER_AUTH, ca)
    if certificate is not None:
        load_certificate(context, certificate, key)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def context_for(purpose: ssl.Purpose, ca: str | None) -> ssl.SSLContext:
    """A context that trusts the CAs in the PEM file `ca`; with None, the usual ones for its side.

    OSError that names the file if it cannot be used.
    """
    if ca is not None:
        check_readable(ca)
    try:
        context = ssl.create_default_context(purpose, cafile=ca)
    except ssl.SSLError as error:
        raise OSError(
            f"cannot use {ca} as certificates of CAs: {spoken(error)}; it must be PEM"
        ) from error
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """OSError that names the files if they cannot be used; the key may be in the same file."""
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


def check_readable(path: str) -> None:
    """OSError that names the file if it cannot be read; OpenSSL's own errors do not name it."""
    with open(path, "rb"):
        pass


# Errors


TRUST = {
    Side.CLIENT: (
        "if it is the right one, trust it with --ca FILE, in a program with "
        "ssl=ssl.create_default_context(cafile=FILE)"
    ),
    Side.SERVER: (
        "if it is the right one, trust it or its CA with --client-ca FILE, in a program with "
        "context.load_verify_locations(FILE)"
    ),
}
"""What each side can do about a peer whose certificate it does not know."""

ASK_FOR_TRUSTED = "give the peer the certificate of the CA, or use one from a CA that it knows"
SHOW_ONE = (
    "show one with --cert FILE and --key FILE, in a program with context.load_cert_chain(FILE, KEY)"
)

CERTIFICATE_FAULTS = {
    # Code of OpenSSL (x509_vfy.h): what is wrong with the peer's certificate, and what to do: "" is
    # for TRUST
    9: ("is not valid yet", "compare the clocks of both machines"),
    10: ("has expired", "have it renewed, or compare the clocks of both machines"),
    18: ("is self-signed, so that no CA vouches for it", ""),
    19: ("comes from a CA that is not known here", ""),
    20: ("comes from a CA that is not known here", ""),
    21: ("comes from a CA that is not known here, or lacks the certificates in between", ""),
    26: ("is for another purpose", "use one whose extended key usage has this side of TLS"),
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
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer did not return a certificate, and this server "
    "wants one from a CA of --client-ca; a client of refws shows one with --cert FILE and --key "
    "FILE",
    "NO_SHARED_CIPHER": "no cipher that both sides allow; compare what the two contexts allow",
}


def readable(error: ssl.SSLError, side: Side) -> ssl.SSLError:
    """The same error, with the text of `describe` as its message."""
    error.strerror = describe(error, side)
    return error


def describe(error: ssl.SSLError, side: Side) -> str:
    """One line: what was wrong, above all with a certificate, and what our side can do about it."""
    reason = reason_of(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return describe_certificate(error, side)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "the connection ended in the middle; the log of the peer may say why"
    if isinstance(error, ssl.SSLWantReadError):
        return (
            "the peer renegotiates TLS while a message is sent; set "
            "ssl.OP_NO_RENEGOTIATION, or use TLS 1.3"
        )
    if "_ALERT_" in reason:
        return describe_alert(reason.partition("_ALERT_")[2].replace("_", " ").lower(), side)
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


def describe_certificate(error: ssl.SSLCertVerificationError, side: Side) -> str:
    fault, advice = CERTIFICATE_FAULTS.get(
        error.verify_code, ("is not accepted", "have it replaced")
    )
    last_resort = "; --insecure checks nothing" if side is Side.CLIENT else ""
    reason = error.verify_message.rstrip(".")
    return f"the peer's certificate {fault} ({reason}); {advice or TRUST[side]}{last_resort}"


def describe_alert(name: str, side: Side) -> str:
    """What the peer's TLS alert of this name means, and what our side can do about it."""
    if name == "certificate required":
        return f"the server wants to see a certificate, its alert says {name!r}; {SHOW_ONE}"
    if name in ("unknown ca", "bad certificate") or name.startswith("certificate "):
        seen = f"the peer does not accept our certificate, its alert says {name!r}"
        return f"{seen}; {ASK_FOR_TRUSTED}"
    seen = f"the peer ended TLS with the alert {name!r}; its log may say why"
    if name == "handshake failure" and side is Side.CLIENT:
        return f"{seen}; if it wants to see a certificate, {SHOW_ONE}"
    return seen
