"""The configuration and the page that lie beside exported status."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from service.status.documents import BUNDLE_MAX_AGE, CERTIFICATE_MAX_AGE, LIST_MAX_AGE
from service.status.forms import MAX_AGE

MARKER: Final = "Written by: medtrust status export"
_NGINX: Final = """\
# Inside a server block: OCSP by GET, lists and certificates from {folder}.
merge_slashes off;

location = {prefix}/ocsp {{
{only_post}
}}
location ^~ {prefix}/ocsp/ {{
    alias "{folder}/ocsp/";
    types {{ }}
    default_type application/ocsp-response;
    add_header Cache-Control "max-age={ocsp_age}, public, no-transform, must-revalidate";
    log_not_found off;
{others}
    # Clients leave the padding out now and then; base64 that ends in a slash lies in a folder.
    try_files $uri $uri= $uri== ${{uri}}_ {fallback};
}}
location ^~ {prefix}/crl/ {{
    alias "{folder}/crl/";
    types {{ application/pkix-crl crl; }}
    add_header Cache-Control "max-age={list_age}, public, no-transform, must-revalidate";
}}
location ^~ {prefix}/ca/ {{
    alias "{folder}/ca/";
    types {{
        application/pkix-cert der;
        application/x-pem-file pem;
        "application/pkcs7-mime; smime-type=certs-only" p7c;
    }}
    add_header Cache-Control "max-age={certificate_age}, public, no-transform, must-revalidate";
}}
location = {prefix}/trust-bundle.json {{
    alias "{folder}/trust-bundle.json";
    types {{ application/json json; }}
    add_header Cache-Control "max-age={bundle_age}, public, no-transform, must-revalidate";
}}
location = {prefix}/status.json {{
    alias "{folder}/status.json";
    types {{ application/json json; }}
    expires -1;
}}
{live}"""
_LIVE: Final = """\
location @medtrust_live {{
    # POST, nonces and serials that were never issued: the live service signs.
{proxied}
}}
"""
_PROXIED: Final = """\
    proxy_pass {upstream};
    proxy_http_version 1.1;
    proxy_set_header Connection "";"""
_REFUSED: Final = """\
    # POST needs somebody who signs: medtrust status export --upstream URL names a live service.
    add_header Allow "GET, HEAD" always;
    return 405;"""
_OTHERS_REFUSED: Final = """\
    if ($request_method !~ "^(GET|HEAD)$") {
        add_header Allow "GET, HEAD" always;
        return 405;
    }"""
_OTHERS_PASSED: Final = """\
    error_page 405 = @medtrust_live;
    if ($request_method !~ "^(GET|HEAD)$") { return 405; }"""
README: Final = """\
{marker}
OCSP answers, lists and CA certificates as files, written {now}. OCSP answers live {hours} hours; status.json
says until when all of this holds. Write it again long before, by a timer: what was revoked since shows then.

Include nginx.conf in a server block for the host of status.url, or copy the folder into an object store whose
keys are the paths: ocsp/BASE64, crl/..., ca/... (folders are slashes of the base64; // counts as /, and a
slash at the end is a file _ in that folder).

Files cannot answer a POST or a nonce, nor say "never issued" (a 404 here). Whoever needs that asks a live
service: medtrust status-server.
"""


def nginx_page(folder: Path, prefix: str, upstream: str) -> str:
    """The lines for a server block; `prefix`: status.url's path, `upstream`: http://HOST:PORT or empty."""
    proxied = _PROXIED.format(upstream=upstream)
    return _NGINX.format(
        folder=folder,
        prefix=prefix,
        only_post=proxied if upstream else _REFUSED,
        others=_OTHERS_PASSED if upstream else _OTHERS_REFUSED,
        fallback="@medtrust_live" if upstream else "=404",
        live=_LIVE.format(proxied=proxied) if upstream else "",
        ocsp_age=MAX_AGE,
        list_age=LIST_MAX_AGE,
        certificate_age=CERTIFICATE_MAX_AGE,
        bundle_age=BUNDLE_MAX_AGE,
    )
