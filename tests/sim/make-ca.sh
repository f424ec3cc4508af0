#!/bin/sh
# make-ca.sh DIR: the certificates of the simulators.
#
# Writes ca.pem, server.pem and server.key, and two certificates that no
# client may accept: expired.pem (.key) and wrongname.pem (.key). What is
# there already and still good for a day is left alone.
set -eu

dir=${1:?usage: make-ca.sh DIR}
mkdir -p "$dir"
cd "$dir"

names='DNS:librus.pl,DNS:*.librus.pl,DNS:vulcan.net.pl,DNS:*.vulcan.net.pl'
names="$names,DNS:eduvulcan.pl,DNS:*.eduvulcan.pl"
names="$names,DNS:mobidziennik.pl,DNS:*.mobidziennik.pl"
names="$names,DNS:dziennik.helion.example,DNS:*.helion.example"
names="$names,DNS:eszkola24.example,DNS:*.eszkola24.example"
names="$names,DNS:dziennikel.appspot.com"
names="$names,DNS:localhost,IP:127.0.0.1"

# one run at a time; the lock goes with the shell
if command -v flock >/dev/null 2>&1; then
	exec 9>.lock
	flock 9
fi

complete=yes
for file in ca.pem server.pem server.key expired.pem expired.key \
	wrongname.pem wrongname.key; do
	[ -s "$file" ] || complete=no
done
if [ "$complete" = yes ] &&
	openssl x509 -in server.pem -noout -checkend 86400 >/dev/null &&
	openssl verify -CAfile ca.pem server.pem >/dev/null 2>&1; then
	exit 0
fi

work=$(mktemp -d ./new.XXXXXX)
trap 'rm -rf "$work"' EXIT
umask 077

key() {
	openssl genpkey -quiet -algorithm EC \
		-pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
		openssl genpkey -algorithm EC \
			-pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# sign NAME SUBJECT ALTNAMES START END (YYYYMMDDHHMMSSZ)
sign() {
	key "$work/$1.key"
	openssl req -new -key "$work/$1.key" -subj "/CN=$2" \
		-out "$work/$1.csr"
	cat >"$work/$1.cnf" <<END
[ca]
default_ca = sim
[sim]
database = $work/index.txt
new_certs_dir = $work
serial = $work/serial
certificate = $work/ca.pem
private_key = $work/ca.key
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $3
END
	openssl ca -batch -notext -config "$work/$1.cnf" -in "$work/$1.csr" \
		-startdate "$4" -enddate "$5" -out "$work/$1.pem" 2>/dev/null
	# the whole chain, as a server shows it
	cat "$work/ca.pem" >>"$work/$1.pem"
}

: >"$work/index.txt"
echo 1000 >"$work/serial"
key "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -subj '/CN=Dyzurny test CA' \
	-days 3650 -addext 'keyUsage=critical,keyCertSign,cRLSign' \
	-out "$work/ca.pem"

from=$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)
until=$(date -u -d '+365 days' +%Y%m%d%H%M%SZ)
sign server 'simulated operators' "$names" "$from" "$until"
sign expired 'expired' "$names" 20200301000000Z 20200325000000Z
sign wrongname 'wrong name' 'DNS:elsewhere.example' "$from" "$until"

for file in server.pem server.key expired.pem expired.key wrongname.pem \
	wrongname.key ca.pem; do
	mv "$work/$file" "$file"
done
