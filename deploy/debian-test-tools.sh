#!/bin/sh
# Installs what the integration tests need from Debian, where it can. Without root or apt the tests
# that need a missing tool skip and say what was not tested; CI (CI=true) must not skip.
set -eu
missing=""
for pair in mosquitto:mosquitto openssl:openssl certtool:gnutls-bin nginx:nginx-light softhsm2-util:softhsm2 strace:strace curl:curl freeradius:freeradius eapol_test:eapoltest; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing from Debian:$missing"
    # The packages would start their services on fixed ports; the tests start their own on free ones.
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null ||
        echo "apt-get could not install:$missing; tests that need them will skip" >&2
else
    echo "not installed (needs root and apt):$missing; tests that need them will skip" >&2
fi
