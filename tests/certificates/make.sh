#!/bin/sh
# Makes the certificates of the tests anew, in the directory of this script. Needs openssl 1.1.1 or newer.
# They are for tests only: the key is public.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/config" <<END
[ca]
default_ca = tests
[tests]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any_name
x509_extensions = leaf
unique_subject = no
copy_extensions = copy
[any_name]
commonName = supplied
[req]
distinguished_name = none
[none]
[leaf]
basicConstraints = critical, CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
END
: >"$work/index"

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

# make FILE NAMES FIRST-DAY LAST-DAY HOW-TO-SIGN...
make() {
    file=$1 names=$2 first=$3 last=$4
    shift 4
    openssl req -new -config "$work/config" -key key.pem -subj "/CN=refws test" -addext "subjectAltName=$names" \
        -out "$work/request"
    openssl ca -batch -notext -config "$work/config" -in "$work/request" -out "$file" \
        -startdate "${first}000000Z" -enddate "${last}000000Z" "$@" 2>"$work/log" || { cat "$work/log"; exit 1; }
}

here=DNS:localhost,IP:127.0.0.1,IP:::1
new_key key.pem
make localhost.pem "$here" 20200101 21200101 -selfsign -keyfile key.pem
make expired.pem "$here" 20200101 20200102 -selfsign -keyfile key.pem
make not_yet_valid.pem "$here" 21190101 21200101 -selfsign -keyfile key.pem
make other_name.pem DNS:elsewhere.test,IP:192.0.2.1 20200101 21200101 -selfsign -keyfile key.pem

new_key "$work/root.key"
openssl req -x509 -new -config "$work/config" -extensions root -key "$work/root.key" -subj "/CN=refws test CA" \
    -days 36500 -out root.pem
make from_root.pem "$here" 20200101 21200101 -cert root.pem -keyfile "$work/root.key"
new_key other_key.pem
