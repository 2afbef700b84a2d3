#!/bin/bash
# operator.sh build|up|down|status|knob: the simulated operators and kubelet.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

O=$LAB_DIR/operator

build() {
	need python3 python3
	need jq jq
	build_root tools
}

up() {
	build
	mkdir -p "$O"
	[ -s "$PKI/ca.crt" ] || die "start the kube part first"
	# LAB_OPERATOR holds knobs as JSON, e.g. '{"octavia_delay": 10}'.
	[ -s "$O/control.json" ] || knob
	if ! alive "$O/pid"; then
		: >"$O/log"
		spawn "$O/pid" "$O/log" "$LAB_SRC/in-root" python3 "$LAB_SRC/operator/simulator.py" \
			--server "https://127.0.0.1:$KUBE_PORT" --ca "$PKI/ca.crt" --token lab-operator-token \
			--namespace "$LAB_NS" --control "$O/control.json" --state "$O/state.json"
	fi
	wait_for 10 'the operator simulator' grep -q watching "$O/log" || die "see $O/log"
	say "operator: up"
}

down() {
	stop "$O/pid" 2
	rm -rf --one-file-system "$O"
	say "operator: down"
}

status() {
	if alive "$O/pid"; then
		say "operator: up (knobs: $(tr -d '\n' <"$O/control.json"))"
	else
		say "operator: down"
		return 3
	fi
}

# knob '{"octavia_delay": 10}': replaces all knobs; no argument: the defaults. It
# returns once the operator has read them.
knob() {
	mkdir -p "$O"
	printf '%s\n' "${1:-${LAB_OPERATOR:-{\}}}" >"$O/control.json.new"
	jq -e 'type == "object"' "$O/control.json.new" >/dev/null || die "not JSON: $1"
	mv "$O/control.json.new" "$O/control.json"
	alive "$O/pid" || return 0
	for ((i = 0; i < 60; i++)); do
		[ ! "$O/control.read" -nt "$O/control.json" ] || return 0
		sleep 0.05
	done
}

case ${1:-} in
build | up | down | status) "$1" ;;
knob) shift; knob "$@" ;;
*) die "usage: operator.sh up|down|status|knob [JSON]" ;;
esac
