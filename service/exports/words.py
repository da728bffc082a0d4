"""The configuration that each consumer is given, and the page that lies beside it."""

from __future__ import annotations

from typing import Final

MOSQUITTO: Final = """\
# Devices with a certificate of the hospital's CA only. Put your own certificate and key in.
listener 8883
cafile {folder}/ca.pem
crlfile {folder}/crl.pem
certfile /etc/mosquitto/certs/server.pem
keyfile /etc/mosquitto/certs/server.key
require_certificate true
use_identity_as_username true
allow_anonymous false
"""
NGINX: Final = """\
# Inside a server block that has ssl_certificate and ssl_certificate_key of its own.
ssl_client_certificate {folder}/ca.pem;
ssl_crl {folder}/crl.pem;
ssl_verify_client on;
ssl_verify_depth {depth};
ssl_protocols TLSv1.2 TLSv1.3;
"""
FREERADIUS: Final = """\
# mods-enabled/eap: EAP-TLS with certificates of the hospital's CA. Put your own certificate and key in.
eap {{
	default_eap_type = tls
	timer_expire = 60
	ignore_unknown_eap_types = no
	tls-config medtrust {{
		certificate_file = ${{certdir}}/server.pem
		private_key_file = ${{certdir}}/server.key
		ca_path = {folder}/ca
		check_crl = yes
		check_all_crl = yes
		# A newer list is taken into use without a restart.
		ca_path_reload_interval = 300
		tls_min_version = "1.2"
		tls_max_version = "1.2"
		cipher_list = "DEFAULT"
		ecdh_curve = ""
		cache {{
			enable = no
		}}
	}}
	tls {{
		tls = medtrust
	}}
}}
"""
JAVA: Final = """\
-Djavax.net.ssl.trustStore={folder}/truststore.p12
-Djavax.net.ssl.trustStoreType=PKCS12
-Djavax.net.ssl.trustStorePassword={password}
-Dcom.sun.net.ssl.checkRevocation=true
-Dcom.sun.security.enableCRLDP=true
"""
OPENSSL: Final = """\
openssl verify -CApath {folder}/ca -no-CAfile -no-CAstore -crl_check_all device.pem
openssl s_server -CApath {folder}/ca -crl_check_all -Verify 3 -verify_return_error \\
    -cert server.pem -key server.key
"""

USE: Final = {
    "mosquitto": "Include mosquitto.conf. Take a newer list into use: systemctl reload mosquitto (SIGHUP).\n"
    "Open sessions stay open: whoever was revoked meanwhile is cut by a restart only.",
    "nginx": "Include nginx.conf in a server block. Take a newer list into use: nginx -s reload.",
    "freeradius": "Put eap.conf in place of mods-enabled/eap and run freeradius -C. A newer list is taken "
    "into use\nby itself after 300 s; at once: systemctl restart freeradius. Supplicants must send the "
    "issuing CA's\ncertificate along with their own.",
    "java": "Start with: java @java.options. The truststore's password is changeit: it holds no secret.\n"
    "Java fetches lists from the address in the certificates; crl/ is for programs that read them from "
    "files.",
    "openssl": "ca/ is a folder by hash, for -CApath, stunnel's CApath, Apache's SSLCACertificatePath and\n"
    "SSLCARevocationPath. openssl.txt shows two uses; long-running programs must be restarted for a newer "
    "list.",
}

README: Final = """\
{marker}
Lists were written {now}; the first of them is over {until}. After that everybody is refused.
Write them again before, by a timer: {command}

{use}

This consumer checks the classical signatures only. What a hybrid certificate holds beside them protects
nobody here: `medtrust verify` and our own software check both.
{left_out}"""
