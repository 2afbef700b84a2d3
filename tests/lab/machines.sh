# shellcheck shell=bash
# The lab's network and machines (systemd-nspawn); sourced by lib.sh.

# ---- network -------------------------------------------------------------

# One bridge. A route of last resort keeps packets for the lab's /24 from ever
# leaving by another interface while the bridge or a machine is down.
net_up() {
	need ip iproute2
	if ! ip link show "$LAB_BRIDGE" >/dev/null 2>&1; then
		ip link add "$LAB_BRIDGE" type bridge
	fi
	ip addr replace "$LAB_NET.1/24" dev "$LAB_BRIDGE"
	ip link set "$LAB_BRIDGE" up
	ip route replace unreachable "$LAB_NET.0/24" metric 4278198272
}

# net_refuse IP, net_admit IP: nobody is there, and the host says so at once
# (connection refused) instead of everybody waiting for an answer; and back.
net_refuse() {
	ip addr replace "$1/32" dev "$LAB_BRIDGE"
	net_forget "$1"
}

net_admit() {
	ip addr del "$1/32" dev "$LAB_BRIDGE" 2>/dev/null || true
	net_forget "$1"
}

# The machines ask anew who has the address: a link-layer address that they
# remember is somebody else's for half a minute.
net_forget() {
	local p m
	for p in "$LAB_DIR"/machines/*/nspawn.pid; do
		alive "$p" || continue
		m=${p%/nspawn.pid}
		machine_exec "${m##*/}" ip neigh flush to "$1" || true
	done
}

net_down() {
	# Kept while any machine of the lab still runs.
	local p
	for p in "$LAB_DIR"/machines/*/nspawn.pid; do
		[ -e "$p" ] && alive "$p" && return
	done
	ip link del "$LAB_BRIDGE" 2>/dev/null || true
	ip route del unreachable "$LAB_NET.0/24" metric 4278198272 2>/dev/null || true
}

# ---- control groups --------------------------------------------------------

# The hierarchies that a machine needs: of a pure version 2 host the only one, of
# a version 1 or hybrid host systemd's own, and those that count and freeze.
cgroup_roots() {
	local h
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		echo /sys/fs/cgroup
		return
	fi
	for h in systemd unified pids freezer; do
		[ ! -d "/sys/fs/cgroup/$h" ] || echo "/sys/fs/cgroup/$h"
	done
}

cgroup_remove() {
	local h
	for h in $(cgroup_roots); do
		[ -d "$h/$1" ] || continue
		find "$h/$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}

# ---- machines (systemd-nspawn) -------------------------------------------

mdir() { printf '%s/machines/%s\n' "$LAB_DIR" "$1"; }

# machine_prepare NAME LAYER: mount an overlay root at $(mdir NAME)/root.
machine_prepare() {
	local d
	d=$(mdir "$1")
	mkdir -p "$d/upper" "$d/work" "$d/root"
	mountpoint -q "$d/root" || mount -t overlay overlay \
		-o "lowerdir=$(root_layers "$2"),upperdir=$d/upper,workdir=$d/work" "$d/root"
}

# machine_boot NAME IP
machine_boot() {
	local name=$1 ip=$2 d r
	d=$(mdir "$name")
	r=$d/root
	alive "$d/nspawn.pid" && return
	machine_remains "$name"
	printf '%s\n' "$name" >"$r/etc/hostname"
	printf '%s' "$LAB_NAME-$name" | md5sum | cut -c1-32 >"$r/etc/machine-id"
	mkdir -p "$r/etc/systemd/system/sysinit.target.wants"
	cat >"$r/etc/systemd/system/lab-net.service" <<UNIT
[Unit]
Description=Lab network
DefaultDependencies=no
Before=network-pre.target network.target
Wants=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip addr replace $ip/24 dev host0; ip link set lo up; ip link set host0 up; [ ! -x /etc/lab-net ] || /etc/lab-net'
UNIT
	ln -sf ../lab-net.service "$r/etc/systemd/system/sysinit.target.wants/lab-net.service"
	printf '%s\n' "$ip" >"$d/ip"
	: >"$d/console.log"
	spawn "$d/nspawn.pid" "$d/console.log" "$LAB_SRC/nspawn-run" "$name"
}

# machine_leader NAME: the PID of its init.
machine_leader() {
	local d pid c
	d=$(mdir "$1")
	alive "$d/nspawn.pid" || return 1
	read -r pid _ <"$d/nspawn.pid"
	read -r c _ <"/proc/$pid/task/$pid/children" || true
	[ -n "$c" ] || return 1
	printf '%s\n' "$c"
}

# machine_exec NAME COMMAND...: run inside, in all namespaces of its init.
machine_exec() {
	local leader
	leader=$(machine_leader "$1") || { warn "$1 is not running"; return 1; }
	shift
	nsenter -t "$leader" -m -u -i -n -p -C -r -w -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root TERM=dumb LC_ALL=C.UTF-8 "$@"
}

# machine_freezer NAME FROZEN|THAWED
machine_freezer() {
	local h rc=1
	for h in $(cgroup_roots); do
		h=$h/$LAB_NAME.$1
		if [ -e "$h/freezer.state" ]; then
			echo "$2" >"$h/freezer.state" && rc=0
		elif [ -e "$h/cgroup.freeze" ]; then
			case $2 in
			FROZEN) echo 1 ;;
			*) echo 0 ;;
			esac >"$h/cgroup.freeze" && rc=0
		fi
	done
	return "$rc"
}

machine_stop() {
	local d leader i
	d=$(mdir "$1")
	# A frozen machine takes no signal.
	machine_freezer "$1" THAWED || true
	if alive "$d/nspawn.pid"; then
		leader=$(machine_leader "$1" || true)
		# An orderly power-off first, at most four seconds of it.
		[ -z "$leader" ] || kill -s RTMIN+4 "$leader" 2>/dev/null || true
		for ((i = 0; i < 40; i++)); do
			alive "$d/nspawn.pid" || break
			sleep 0.1
		done
		[ -z "$leader" ] || ! alive "$d/nspawn.pid" || kill -KILL "$leader" 2>/dev/null || true
		stop "$d/nspawn.pid" 3
	fi
	machine_remains "$1"
	umount_tree "$d/root"
}

# machine_remains NAME: end what is left of a machine that is no longer run,
# known by the control groups that only its processes are in.
machine_remains() {
	local i pids
	machine_freezer "$1" THAWED || true
	ip link del "vb-$LAB_NAME-$1" 2>/dev/null || true
	for ((i = 0; i < 30; i++)); do
		pids=$(find /sys/fs/cgroup -path "/sys/fs/cgroup*/$LAB_NAME.$1/*" -name cgroup.procs \
			-exec cat {} + 2>/dev/null | sort -un | grep -vx 0 || true)
		[ -n "$pids" ] || break
		# shellcheck disable=SC2086 # a list of numbers
		kill -KILL $pids 2>/dev/null || true
		sleep 0.1
	done
	cgroup_remove "$LAB_NAME.$1"
}
