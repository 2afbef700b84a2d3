#!/bin/bash
# controllers.sh build|up|down|status|fault|clear|ssh|exec|units|pcs|journal|sshd-log:
# Director controllers as real systemd machines.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

N=${LAB_CONTROLLERS:-3}
S=$LAB_DIR/ssh
# osp17: tripleo_octavia_health_manager; seed: tripleo_octavia_healthmanager
# shellcheck disable=SC2034 # read in setup.sh
STYLE=${LAB_UNIT_STYLE:-osp17}
PACEMAKER=${LAB_PACEMAKER:-1}
RESOURCE=${LAB_REDIS_RESOURCE:-redis}

# shellcheck source=/dev/null
. "$LAB_SRC/controllers/setup.sh"
# shellcheck source=/dev/null
. "$LAB_SRC/controllers/faults.sh"

build() {
	need ssh-keygen openssh-client
	need jq jq
	need python3 python3
	build_root tools
	build_root controller
}

lab_ssh() { ssh -F "$S/config" -o BatchMode=yes "$@"; }

all_controllers() { seq -f 'ctl%g' 1 "$N"; }

# each COMMAND CTL...: run 'COMMAND CTL' for all of them side by side.
each() {
	local cmd=$1 m pids=() rc=0
	shift
	for m in "$@"; do
		"$cmd" "$m" &
		pids+=($!)
	done
	for m in "${pids[@]}"; do
		wait "$m" || rc=1
	done
	return "$rc"
}

# Redis runs on all nodes and is promoted on one.
cluster_ready() {
	machine_exec ctl1 crm_mon -1 --output-as xml >"$LAB_DIR/crm_mon.xml" 2>/dev/null || return
	[ "$(grep -c 'resource id="'"$RESOURCE"'".*role="\(Promoted\|Unpromoted\)"' "$LAB_DIR/crm_mon.xml")" = "$N" ] &&
		grep -q 'resource id="'"$RESOURCE"'".*role="Promoted"' "$LAB_DIR/crm_mon.xml"
}

wait_cluster() {
	[ "$PACEMAKER" = 1 ] && [ "${LAB_PACEMAKER_WAIT:-1}" = 1 ] || return 0
	wait_for 120 'a promoted redis' cluster_ready || warn "the pacemaker cluster is not ready"
}

wait_ssh() {
	wait_for 90 "$1" lab_ssh -o ConnectTimeout=2 "$1" true || die "see $(mdir "$1")/console.log"
}

start_machine() {
	prepare "${1#ctl}"
	machine_boot "$1" "$(ip_of "${1#ctl}")"
}

up() {
	local m
	build
	mkdir -p "$LAB_DIR"
	keys
	net_up
	# Nobody has to wait for an OpenStack that isn't up.
	alive "$(mdir os)/nspawn.pid" || net_refuse "$OPENSTACK_IP"
	octavia_pki
	# The first one writes what they share.
	start_machine ctl1
	# shellcheck disable=SC2046 # a list of words
	each start_machine $(all_controllers | tail -n +2)
	for m in $(all_controllers); do
		wait_ssh "$m"
	done
	wait_cluster
	say "controllers: up, ssh -F $S/config ctl1"
}

down() {
	local d names=()
	latency off
	for d in "$LAB_DIR"/machines/ctl*; do
		[ ! -d "$d" ] || names+=("${d##*/}")
	done
	each machine_stop "${names[@]}" || true
	for d in "${names[@]}"; do
		d=$(mdir "$d")
		umount_tree "$d/root"
		rm -rf --one-file-system "$d"
	done
	rm -rf --one-file-system "$S" "$LAB_DIR"/{corosync.authkey,cib.xml,cib.log,crm_mon.xml} \
		"$LAB_DIR"/octavia-adopt{,.latency}.yaml
	net_down
	say "controllers: down"
}

status() {
	local m rc=3 state
	for m in $(all_controllers); do
		if alive "$(mdir "$m")/nspawn.pid"; then
			state=$(machine_exec "$m" systemctl is-system-running 2>/dev/null || true)
			say "$m: up, $(ip_of "${m#ctl}"), ${state:-no answer}"
			rc=0
		else
			say "$m: down"
		fi
	done
	return "$rc"
}

# ---- what is inside, read without ssh ------------------------------------------

show_units() {
	# shellcheck disable=SC2016 # the inner shell expands
	machine_exec "$1" sh -c '
		{ systemctl list-unit-files --plain --no-legend "tripleo_*" | cut -d" " -f1
		  systemctl list-units --all --plain --no-legend "tripleo_*" | cut -d" " -f1; } | sort -u |
		xargs systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,Result' >"$LAB_DIR/.units.$1"
}

# units [CTL...]: {ctl: {unit: {load, active, sub, enabled, result}}}, null for a
# machine that is off.
units() {
	local m
	# shellcheck disable=SC2046 # a list of words
	[ $# -gt 0 ] || set -- $(all_controllers)
	each show_units "$@" 2>/dev/null || true
	for m in "$@"; do
		jq -Rs --arg m "$m" 'if . == "" then {($m): null} else {($m): (split("\n\n") | map(
			[split("\n")[] | select(. != "") | capture("^(?<key>[^=]+)=(?<value>.*)$")] | from_entries |
			select(.Id) | {key: (.Id | rtrimstr(".service")), value: {load: .LoadState, active: .ActiveState,
			sub: .SubState, enabled: .UnitFileState, result: .Result}}) | from_entries)} end' "$LAB_DIR/.units.$m"
		rm -f "$LAB_DIR/.units.$m"
	done | jq -s add
}

# pcs: the resources of the cluster, as crm_mon and the CIB have them.
pcs() {
	local m
	for m in $(all_controllers); do
		if machine_exec "$m" crm_mon -1 -r --output-as xml 2>/dev/null >"$LAB_DIR/.pcs"; then
			break
		fi
		: >"$LAB_DIR/.pcs"
	done
	python3 "$LAB_SRC/controllers/pcs.py" <"$LAB_DIR/.pcs"
	rm -f "$LAB_DIR/.pcs"
}

journal() {
	[ $# -ge 1 ] || die "usage: lab journal CTL [UNIT...]"
	local m=$1 u args=()
	shift
	for u in "$@"; do
		args+=(-u "$u")
	done
	machine_exec "$m" env TZ=UTC journalctl --no-pager -q -o short-iso-precise "${args[@]}"
}

# A forwarder that takes MS longer each way: other addresses for the controllers,
# another port for the API server.
latency() {
	local i args=()
	stop "$LAB_DIR/latency.pid" 2
	for ((i = 1; i <= N; i++)); do
		ip addr del "$(far_ip_of "$i")/32" dev "$LAB_BRIDGE" 2>/dev/null || true
	done
	[ "${1:-}" != off ] || return 0
	[ -n "${1:-}" ] || die "usage: lab latency MS|off"
	for ((i = 1; i <= N; i++)); do
		ip addr replace "$(far_ip_of "$i")/32" dev "$LAB_BRIDGE"
		args+=("$(far_ip_of "$i"):22=$(ip_of "$i"):22")
	done
	spawn "$LAB_DIR/latency.pid" "$LAB_DIR/latency.log" python3 "$LAB_SRC/forward.py" "$1" \
		"127.0.0.1:$LATENCY_PORT=127.0.0.1:$KUBE_PORT" "${args[@]}"
	wait_for 5 'the forwarder' grep -q ready "$LAB_DIR/latency.log" || die "see $LAB_DIR/latency.log"
	say "latency: $1 ms each way; kubeconfig/latency.yaml, ssh/config.latency, octavia-adopt.latency.yaml"
}

case ${1:-} in
build | up | down | status) "$1" ;;
fault) shift; fault "$@" ;;
clear) shift; clear_ "$@" ;;
ssh) shift; exec ssh -F "$S/config" "$@" ;;
exec) shift; machine_exec "$@" ;;
units | pcs | journal | latency) "$@" ;;
sshd-log) journal "${2:?which controller}" ssh ;;
*) die "usage: controllers.sh build|up|down|status|fault|clear|ssh|exec|units|pcs|journal|sshd-log|latency" ;;
esac
