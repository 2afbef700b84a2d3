# shellcheck shell=bash
# Faults of the OpenStack part; sourced by openstack.sh.

fault() {
	local units
	case ${1:-} in
	api-down | api-up) switch octavia-api "$1" ;;
	worker-down | worker-up) switch octavia-worker "$1" ;;
	health-manager-down | health-manager-up) switch octavia-health-manager "$1" ;;
	keystone-down | keystone-up) switch keystone "$1" ;;
	rabbit-down | rabbit-up) switch rabbitmq-server "$1" ;;
	# A paused worker keeps what it was asked in PENDING_UPDATE until resumed.
	worker-pause) inside systemctl kill -s STOP octavia-worker ;;
	worker-resume) inside systemctl kill -s CONT octavia-worker ;;
	worker-kill) inside systemctl kill -s KILL octavia-worker ;;
	link-down) ip link set "vb-$LAB_NAME-$M" down ;;
	link-up) ip link set "vb-$LAB_NAME-$M" up ;;
	token-seconds)
		sed -i "s/^expiration=.*/expiration=${2:?seconds}/" "$R/etc/keystone/keystone.conf"
		inside systemctl restart keystone ;;
	api-503)
		# shellcheck disable=SC2016 # the inner shell expands
		inside sh -ec 'mkdir -p /run/octavia-lab; touch /run/octavia-lab/api-503
			systemctl stop lab-api-503.timer 2>/dev/null || true
			systemd-run -q --unit=lab-api-503 --on-active="$1" rm -f /run/octavia-lab/api-503' sh "${2:?seconds}" ;;
	# The copy lacks what the Director's database got last.
	db-row)
		sql source -e "UPDATE load_balancer SET description = 'changed after the copy', updated_at = UTC_TIMESTAMP() WHERE name = 'lb1';
			INSERT INTO amphora (id, status, cert_busy, created_at) VALUES (UUID(), 'READY', 0, UTC_TIMESTAMP())" ;;
	pending)
		for units in source copy; do
			sql "$units" -e "UPDATE load_balancer SET provisioning_status = 'PENDING_UPDATE' WHERE name = '${2:?load balancer}'"
		done ;;
	clear) fault_clear ;;
	*)
		die "usage: lab fault openstack {api|worker|health-manager|keystone|rabbit|link}-{down|up}," \
			"worker-pause, worker-resume, worker-kill, token-seconds N, api-503 SECONDS, db-row, pending LB, clear" ;;
	esac
}

# switch UNIT FAULT-down|up
switch() {
	case $2 in
	*-down) inside systemctl stop "$1" ;;
	*) inside systemctl start "$1" ;;
	esac
}

# What a fault changed below Octavia itself; databases are the seed's business.
fault_clear() {
	ip link set "vb-$LAB_NAME-$M" up
	inside systemctl kill -s CONT octavia-worker 2>/dev/null || true
	inside rm -f /run/octavia-lab/api-503
	inside systemctl start rabbitmq-server lab-amphorae lab-ovsdb
	if ! grep -qx "expiration=${LAB_TOKEN_SECONDS:-3600}" "$R/etc/keystone/keystone.conf"; then
		fault token-seconds "${LAB_TOKEN_SECONDS:-3600}"
	fi
	inside systemctl start keystone
}
