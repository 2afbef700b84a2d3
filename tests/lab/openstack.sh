#!/bin/bash
# openstack.sh build|up|down|status|reset|start|stop|client|exec|seed|db|amphora|api-log|fault:
# Keystone, MariaDB, RabbitMQ, all of Octavia and its amphorae, in one machine.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

M=os
D=$LAB_DIR/openstack
R=$(mdir $M)/root
# shellcheck disable=SC2034 # read in setup.sh
ADMIN_PASSWORD=lab-admin-password
# The network of the Director's amphorae. 172.24 is also the operators': then
# nothing of before can be reached.
OLD_MGMT=${LAB_OLD_MGMT:-172.28}
OLD_MANAGERS=$OLD_MGMT.0.11,$OLD_MGMT.0.12,$OLD_MGMT.0.13
ROLES=(api worker healthmanager housekeeping)
SERVICES=(octavia-api octavia-worker octavia-health-manager octavia-housekeeping)

inside() { machine_exec $M "$@"; }

# shellcheck source=/dev/null
. "$LAB_SRC/openstack/setup.sh"
# shellcheck source=/dev/null
. "$LAB_SRC/openstack/faults.sh"

build() {
	need openssl openssl
	need jq jq
	need python3 python3
	build_root tools
	build_root openstack
	once "$(data_dir)/.complete" databases
}

keystone_ready() { curl -fsS --max-time 3 --cacert "$PKI/ca.crt" "https://$OPENSTACK_IP:5000/v3"; }

base_ready() { keystone_ready && inside systemctl is-active lab-amphorae rabbitmq-server lab-ovsdb; }

up() {
	build
	net_up
	pki_ca
	octavia_pki
	if ! alive "$(mdir $M)/nspawn.pid"; then
		prepare
		net_admit "$OPENSTACK_IP"
		machine_boot $M "$OPENSTACK_IP"
	fi
	clouds
	wait_for 240 'Keystone' base_ready || die "see $(mdir $M)/console.log"
	[ -e "$D/seeded" ] || seed "${LAB_SEED:-full}"
	say "openstack: up, keystone https://$OPENSTACK_IP:5000/v3, clouds $D/clouds.yaml, octavia when the operator or 'lab openstack start' starts it"
}

down() {
	machine_stop $M
	umount_tree "$R"
	rm -rf --one-file-system "$(mdir $M)" "$D"
	[ ! -e "/sys/class/net/$LAB_BRIDGE" ] || net_refuse "$OPENSTACK_IP"
	net_down
	say "openstack: down"
}

status() {
	if ! alive "$(mdir $M)/nspawn.pid"; then
		say "openstack: down"
		return 3
	fi
	if ! base_ready >/dev/null 2>&1; then
		say "openstack: machine up, no answer from Keystone"
		return 1
	fi
	say "openstack: up ($(sql copy -N -e 'SELECT COUNT(*) FROM load_balancer') load balancers; $(inside systemctl is-active "${SERVICES[@]}" | sort | uniq -c | xargs) of Octavia)"
}

# ---- Octavia by hand --------------------------------------------------------

# start: as the operator simulator does, with a plain configuration where it wrote none.
start() {
	local role
	for role in "${ROLES[@]}"; do
		[ -e "$R/etc/octavia/$role.conf.d/00-default.conf" ] || plain_config "$role"
	done
	inside systemctl restart octavia-driver-agent "${SERVICES[@]}"
	wait_for 240 'octavia-api' api_ready || die "see 'lab openstack exec journalctl -u octavia-api'"
	wait_for 120 'octavia-worker' worker_ready || die "octavia-worker does not listen"
	say "octavia: running, https://$OPENSTACK_IP:9876"
}

api_ready() { curl -fsS --max-time 3 --cacert "$PKI/ca.crt" "https://$OPENSTACK_IP:9876/"; }

# The worker listens once its queue has a consumer.
worker_ready() { inside rabbitmqctl -q list_queues name consumers | grep -qE '^octavia_provisioning_v2[[:space:]]+[1-9]'; }

# A paused process takes no signal.
stop_services() {
	# shellcheck disable=SC2016 # the inner shell expands
	inside sh -c 'for u; do systemctl kill -s CONT $u 2>/dev/null; done; systemctl stop "$@" octavia-driver-agent; systemctl reset-failed' sh "${SERVICES[@]}" || true
}

client() {
	inside env OS_CLIENT_CONFIG_FILE=/etc/lab/clouds.yaml OS_CLOUD="${OS_CLOUD:-default}" openstack "$@"
}

# ---- databases and amphorae --------------------------------------------------

# sql source|copy ARG...: the Director's database, and the one that Octavia uses.
sql() {
	case ${1:-} in
	source) inside mysql octavia_source "${@:2}" ;;
	copy) inside mysql octavia "${@:2}" ;;
	*) die "usage: lab db sql source|copy [ARG...]" ;;
	esac
}

# As the adoption's dump does it: all tables, made anew.
db_copy() { inside sh -ec 'mysqldump --single-transaction octavia_source | mysql octavia'; }

db() {
	case ${1:-} in
	sql) sql "${@:2}" ;;
	copy) db_copy ;;
	*) die "usage: lab db sql source|copy [ARG...] | lab db copy" ;;
	esac
}

# seed full | [pairs|singles|clean] N: another cloud in the Director's database.
seed() {
	local args=() heartbeat=on
	case ${1:-full} in
	full) args=(full) ;;
	pairs | singles) args=("$1" "$2") ;;
	clean) args=(pairs "$2") ;;
	[0-9]*) args=(pairs "$1") ;;
	*) die "usage: lab seed full | [pairs|singles|clean] N" ;;
	esac
	[ "${args[1]:-0}" -le 100 ] || heartbeat=once
	mkdir -p "$D"
	[ -s "$D/project" ] || inside mysql -N keystone -e "SELECT id FROM project WHERE name='demo'" >"$D/project"
	"$LAB_SRC/openstack/seed.py" "${args[@]}" --project "$(cat "$D/project")" --old-network "$OLD_MGMT" \
		--managers "$OLD_MANAGERS" --heartbeat "$heartbeat" --sql "$D/seed.sql" --amphorae "$D/seed.json"
	sql source <"$D/seed.sql"
	db_copy
	mkdir -p "$R/var/lib/lab-amphorae"
	inside sh -c 'cat >/var/lib/lab-amphorae/seed.json' <"$D/seed.json"
	inside lab-amphorae load /var/lib/lab-amphorae/seed.json >/dev/null
	rm -f "$D/seed.sql" "$D/seed.json"
	printf '%s\n' "${args[*]}" >"$D/seeded"
}

# amphora list|set|heartbeats|counts|deleted|reset ARG...; lb:NAME stands for its amphorae.
amphora() {
	local a args=()
	for a in "${@:2}"; do
		case $a in
		lb:*)
			# shellcheck disable=SC2207 # a list of words
			args+=($(sql copy -N -e "SELECT a.id FROM amphora a JOIN load_balancer l ON l.id = a.load_balancer_id
				WHERE l.name = '${a#lb:}' AND a.status <> 'DELETED'")) ;;
		*) args+=("$a") ;;
		esac
	done
	case ${1:-} in
	list | set | heartbeats | counts | deleted | reset) inside lab-amphorae "$1" "${args[@]}" ;;
	*) die "usage: lab amphora list [ID...] | set ID|all|lb:NAME KEY=VALUE... | heartbeats | counts | deleted | reset" ;;
	esac
}

# api-log: "TIME METHOD PATH STATUS" for each request.
api_log() {
	[ -s "$R/var/log/octavia/api-access.log" ] || return 0
	python3 -c '
import datetime, sys
for line in sys.stdin:
    stamp, _, rest = line.partition(" ")
    if stamp.isdigit():
        when = datetime.datetime.fromtimestamp(int(stamp) / 1000, datetime.timezone.utc)
        sys.stdout.write(when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z " + rest)' <"$R/var/log/octavia/api-access.log"
}

# reset: as after 'up', but for what Keystone was told.
reset() {
	fault_clear
	stop_services
	rm -rf "$R"/etc/octavia/{api,worker,healthmanager,housekeeping}.conf.d/* "$R/etc/octavia/certs" "$R/etc/octavia/policy.yaml"
	inside sh -c 'rm -f /var/log/octavia/*.log'
	inside rabbitmqctl -q purge_queue octavia_provisioning_v2 >/dev/null 2>&1 &
	inside systemctl restart lab-compute-network
	seed "${LAB_SEED:-full}"
	wait $! || true
	say "openstack: as after 'up'"
}

case ${1:-} in
build | up | down | status | reset | start) "$1" ;;
stop) stop_services ;;
seed | db | amphora | client) "$@" ;;
api-log) api_log ;;
exec) shift; inside "$@" ;;
fault) shift; fault "$@" ;;
*) die "usage: openstack.sh build|up|down|status|reset|start|stop|client|exec|seed|db|amphora|api-log|fault" ;;
esac
