#!/bin/sh
# Makes the passwords and the certificate that the services need, each once; what is there already is kept.
#     first-start.sh               at each start of the services
#     first-start.sh show          the passwords that a person needs
#     first-start.sh certificate   takes a certificate chain with its key, both in PEM, from standard input
# Every folder of /secrets is a volume that one kind of service has; its files are readable for that service's user only.
set -eu
umask 077
cd /secrets

put() { # put FOLDER/NAME OWNER: standard input becomes that file, whole or not at all
    cat >"$1.new"
    chown "$2:$2" "$1.new" "${1%/*}"
    mv "$1.new" "$1"
}

password() { # password FOLDER/NAME OWNER
    [ -s "$1" ] || openssl rand -hex 24 | put "$1" "$2"
}

same() { # same FROM TO OWNER: another service's copy
    [ -s "$2" ] && cmp -s "$1" "$2" || put "$2" "$3" <"$1"
}

make_all() {
    for name in ADMIN GATEWAY METRICS DATABASE VIDEO_DATABASE; do password "orthanc/ORTHANC_${name}_PASSWORD" 10042; done
    password orthanc/ORTHANC_GATEWAY_SECRET 10042
    password database/postgres 999
    same orthanc/ORTHANC_DATABASE_PASSWORD database/orthanc 999
    same orthanc/ORTHANC_VIDEO_DATABASE_PASSWORD database/video 999
    same orthanc/ORTHANC_METRICS_PASSWORD prometheus/password 65534
    password grafana/password 472
    if ! [ -s tls/certificate.pem ]; then
        openssl req -x509 -newkey rsa:3072 -nodes -days 825 -subj "/CN=$SERVER_NAME" \
            -addext "subjectAltName=DNS:$SERVER_NAME" -keyout - -out - 2>/dev/null | put tls/certificate.pem 101
    fi
}

take_certificate() {
    trap 'rm -f tls/given.pem' EXIT
    cat >tls/given.pem
    certified=$(openssl x509 -in tls/given.pem -noout -pubkey 2>/dev/null) || fail "there is no certificate in it."
    kept=$(openssl pkey -in tls/given.pem -passin pass: -pubout 2>/dev/null) || fail "it has no private key, or a locked one."
    [ "$certified" = "$kept" ] || fail "its key belongs to another certificate; the server's own comes first."
    put tls/certificate.pem 101 <tls/given.pem
}

fail() {
    echo "The certificate was not taken: $1" >&2
    exit 1
}

case ${1:-} in
'') make_all ;;
show)
    echo "Orthanc and viewer: user admin, password $(cat orthanc/ORTHANC_ADMIN_PASSWORD)"
    echo "Grafana (/grafana/): user admin, password $(cat grafana/password)"
    ;;
certificate) take_certificate ;;
*)
    echo "first-start.sh knows no \"$1\": it takes nothing, show, or certificate." >&2
    exit 2
    ;;
esac
