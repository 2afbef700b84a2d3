# shellcheck shell=bash
# Common settings and helpers of the lab; sourced by every part.
# Nothing here starts anything.

set -euo pipefail
umask 022

LAB_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${LAB_DIR:-/tmp/octavia-lab}
LAB_CACHE=${LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/octavia-adopt-lab}
LAB_NAME=${LAB_NAME:-octlab}          # prefix of link and machine names, at most 7 letters
LAB_NET=${LAB_NET:-10.88.0}           # the first three bytes of the lab's /24
LAB_NS=${LAB_NS:-openstack}           # the Kubernetes namespace
# shellcheck disable=SC2034 # read in machines.sh
LAB_BRIDGE=br-$LAB_NAME

KUBE_PORT=${KUBE_PORT:-26543}
ETCD_PORT=${ETCD_PORT:-26579}
WEBHOOK_PORT=${WEBHOOK_PORT:-26581}
LATENCY_PORT=${LATENCY_PORT:-26582}   # the API server behind 'lab latency'
# shellcheck disable=SC2034 # read in kube.sh
KUBELET_PORT=${KUBELET_PORT:-$((WEBHOOK_PORT + 2))}
OPENSTACK_IP=${OPENSTACK_IP:-$LAB_NET.20}
# The Director's lb-mgmt-net, a /16. The new one is 172.24: the same there means
# that no amphora can be re-pointed.
# shellcheck disable=SC2034 # read by parts
OLD_MGMT=${LAB_OLD_MGMT:-172.28}

export LAB_SRC LAB_DIR LAB_CACHE LAB_NAME LAB_NET LAB_NS

say() { printf 'lab: %s\n' "$*"; }
warn() { printf 'lab: warning: %s\n' "$*" >&2; }
die() { printf 'lab: error: %s\n' "$*" >&2; exit 1; }

# need COMMAND PACKAGE...: install the packages unless the command is there.
need() {
	local cmd=$1
	shift
	command -v "$cmd" >/dev/null 2>&1 || apt_install "$@" || exit 1
}

apt_update() {
	mkdir -p "$LAB_CACHE"
	apt-get update >>"$LAB_CACHE/apt.log" 2>&1 || true
}

apt_install() (
	mkdir -p "$LAB_CACHE"
	say "installing on this machine: $*"
	# Two parts may build beside each other.
	exec 9>"$LAB_CACHE/apt.lock"
	flock 9
	if ! DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
		"$@" >>"$LAB_CACHE/apt.log" 2>&1; then
		apt_update
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
			"$@" >>"$LAB_CACHE/apt.log" 2>&1 || die "apt-get install $* failed, see $LAB_CACHE/apt.log"
	fi
)

# alive PIDFILE: is the process that we wrote there still that process?
# The file holds "PID STARTTIME" so that a reused PID is never signalled.
alive() {
	local pid start now
	[ -s "$1" ] || return 1
	read -r pid start <"$1" || return 1
	now=$(starttime "$pid") || return 1
	[ "$now" = "$start" ]
}

starttime() {
	local -a s
	s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# The fields after the command's name: state is the first, start time the 20th.
	read -r -a s <<<"${s##*) }"
	[ "${s[0]}" != Z ] || return 1
	printf '%s\n' "${s[19]}"
}

# spawn PIDFILE LOGFILE COMMAND...: start in its own session, note the PID.
spawn() {
	local pidfile=$1 log=$2 pid
	shift 2
	setsid "$@" >>"$log" 2>&1 </dev/null &
	pid=$!
	printf '%s %s\n' "$pid" "$(starttime "$pid")" >"$pidfile"
}

# stop PIDFILE [SECONDS]: TERM, then KILL after the given time (default 10).
stop() {
	local pid i n=$((${2:-10} * 10))
	if alive "$1"; then
		read -r pid _ <"$1"
		kill -TERM "$pid" 2>/dev/null || true
		for ((i = 0; i < n; i++)); do
			alive "$1" || break
			sleep 0.1
		done
		if alive "$1"; then
			kill -KILL "$pid" 2>/dev/null || true
			sleep 0.2
		fi
	fi
	rm -f "$1"
}

# wait_for SECONDS WHAT COMMAND...: poll until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { warn "gave up waiting for $what"; return 1; }
		sleep 0.2
	done
}

# umount_tree DIR: unmount everything at or under DIR, deepest first.
umount_tree() {
	local m
	awk -v d="$1" '$5 == d || index($5, d "/") == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | while read -r m; do
		umount "$m" 2>/dev/null || umount -l "$m" || true
	done
}

# ---- certificates -------------------------------------------------------

PKI=$LAB_DIR/pki

pki_ca() {
	mkdir -p "$PKI"
	[ -s "$PKI/ca.crt" ] && return
	openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/ca.key"
	openssl req -x509 -new -key "$PKI/ca.key" -sha256 -days 3650 -subj "/CN=octavia-lab CA" \
		-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
		-out "$PKI/ca.crt" 2>/dev/null
	# A CA that signed nothing here, for tests that must refuse.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650 \
		-subj "/CN=some other CA" -keyout "$PKI/other-ca.key" -out "$PKI/other-ca.crt" 2>/dev/null
}

# pki_cert NAME SUBJECT SAN USAGE
pki_cert() {
	local f=$PKI/$1
	[ -s "$f.crt" ] && return
	openssl ecparam -name prime256v1 -genkey -noout -out "$f.key"
	openssl req -new -key "$f.key" -subj "$2" -out "$f.csr" 2>/dev/null
	{
		printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\n' "$4"
		[ -z "$3" ] || printf 'subjectAltName=%s\n' "$3"
	} >"$f.ext"
	openssl x509 -req -in "$f.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -set_serial "0x$(openssl rand -hex 15)" -sha256 \
		-days 3650 -extfile "$f.ext" -out "$f.crt" 2>/dev/null
	rm -f "$f.csr" "$f.ext"
}

# The Director's amphora PKI: one CA that signs both sides, the same on all
# controllers, and the CA of the amphorae that were there before the adoption.
OLD_CERTS=$LAB_DIR/ssh/octavia-certs
OLD_PASSPHRASE=lab-ca-passphrase-0123456789abcd

octavia_pki() (
	d=$PKI/octavia-certs
	mkdir -p "$PKI" "${OLD_CERTS%/*}"
	chmod 700 "${OLD_CERTS%/*}"
	# Two parts may ask for it at once.
	exec 9>"$PKI/octavia-certs.lock"
	flock 9
	ln -sfn "$d" "$OLD_CERTS"
	[ ! -s "$d/client.pem" ] || exit 0
	mkdir -p "$d/private"
	openssl req -x509 -newkey rsa:2048 -days 3650 -subj '/CN=Octavia CA/O=OpenStack' -sha256 \
		-passout "pass:$OLD_PASSPHRASE" -keyout "$d/private/cakey.pem" -out "$d/ca_01.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj '/CN=Octavia controller/O=OpenStack' -keyout "$d/client.key" -out "$d/client.csr" 2>/dev/null
	openssl x509 -req -in "$d/client.csr" -CA "$d/ca_01.pem" -CAkey "$d/private/cakey.pem" -CAcreateserial -days 3650 \
		-passin "pass:$OLD_PASSPHRASE" -extfile <(printf 'extendedKeyUsage=clientAuth,emailProtection\n') \
		-out "$d/client.crt" 2>/dev/null
	cat "$d/client.crt" "$d/client.key" >"$d/client.pem"
	rm -f "$d/client.csr" "$d/client.crt" "$d/client.key" "$d"/*.srl
)

# shellcheck source=/dev/null
. "$LAB_SRC/roots.sh"
# shellcheck source=/dev/null
. "$LAB_SRC/machines.sh"
