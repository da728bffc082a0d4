"""The configuration and the page that lie beside exported status."""

from __future__ import annotations

from typing import Final

MARKER: Final = "Written by: medtrust status export"
NGINX: Final = """\
# Inside a server block: OCSP by GET, lists and certificates from {folder}.
merge_slashes off;

location = /ocsp {{
{live}
}}
location /ocsp/ {{
    root "{folder}";
    types {{ }}
    default_type application/ocsp-response;
    add_header Cache-Control "max-age=60, public, no-transform, must-revalidate";
    limit_except GET {{ deny all; }}
    # Clients leave the padding out now and then; base64 that ends in a slash lies in a folder.
    try_files $uri $uri= $uri== ${{uri}}_ {fallback};
}}
location @medtrust_live {{
{live}
}}
location /crl/ {{
    root "{folder}";
    types {{ application/pkix-crl crl; }}
    add_header Cache-Control "max-age=60, public, no-transform, must-revalidate";
}}
location /ca/ {{
    root "{folder}";
    types {{ application/pkix-cert der; application/x-pem-file pem; application/pkcs7-mime p7c; }}
    add_header Cache-Control "max-age=86400, public, no-transform, must-revalidate";
}}
location = /trust-bundle.json {{ root "{folder}"; default_type application/json; }}
location = /status.json {{ root "{folder}"; default_type application/json; expires -1; }}
"""
PROXIED: Final = """\
    # POST, nonces and serials that were never issued: the live service signs.
    proxy_pass {upstream};
    proxy_http_version 1.1;
    proxy_set_header Connection "";"""
REFUSED: Final = """\
    # POST needs somebody who signs: medtrust status export --upstream URL names a live service.
    return 405;"""
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
