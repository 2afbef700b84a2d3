# shellcheck shell=bash
# What can go wrong with a controller, and how it is put right; sourced by
# controllers.sh.

fault_usage() {
	cat >&2 <<-'TEXT'
		usage: lab fault CTL FAULT [ARG...]    CTL may be 'all'
		  sshd-down                  the ssh server is stopped
		  host-key                   the host key is not the known one
		  sudo-password              sudo asks for a password
		  sudo-denied                the user may not use sudo
		  disk-full                  no space left where the adoption writes
		  read-only                  those places are read-only
		  link-down                  the network cable is out
		  slow [RATE]                a slow network (default 32kbit)
		  ignore-term UNIT           the container ignores TERM: systemd gives up (failed,
		                             timeout), podman kills it when its grace is over
		  still-stopping UNIT [SECS] systemd gives up after two seconds, the container goes on
		                             for SECS (default 30) and then ends well
		  slow-stop UNIT SECS        a graceful stop takes that long
		  mask UNIT                  the unit is masked (and stopped)
		  mask-active UNIT           the unit is masked and runs
		  absent UNIT                there is no such unit
		  misspelt                   tripleo_octavia_healthmanager instead of ..._health_manager
		  respawn UNIT               started again three seconds after each stop
		  inactive UNIT...           it does not run in the first place
		  stopped                    all Octavia units were stopped before, but not disabled
		  disabled UNIT              it runs but is not enabled
		  failed UNIT                it is in the state failed
		  conf-differs [KEY VALUE]   another KEY in octavia.conf (default heartbeat_key)
		  conf-absent                there is no octavia.conf
		  cert-differs               another CA certificate
		  galera-absent              the container of the Director's database is not there
		  galera-down                its database does not answer
		  pcs-absent                 there is no pcs
		  cluster-down               corosync and pacemaker are stopped
		  freeze | thaw              the machine hangs / goes on
		  power-off | power-on       the machine goes away / comes back
		  reboot                     both, and wait for it
	TEXT
	exit 2
}

OCTAVIA_DIR=/var/lib/config-data/puppet-generated/octavia/etc/octavia

in_sh() {
	local m=$1
	shift
	machine_exec "$m" sh -ec "$@"
}

# drop_in CTL UNIT LINE...: more lines for its [Service] section.
drop_in() {
	local m=$1 d=/etc/systemd/system/$2.service.d
	shift 2
	{
		printf '[Service]\n'
		printf '%s\n' "$@"
	} | in_sh "$m" "mkdir -p $d; cat >$d/lab.conf; systemctl daemon-reload"
}

# stop_takes CTL UNIT SECONDS|never
stop_takes() {
	in_sh "$1" "echo stop=$3 >/etc/octavia-lab/$2"
}

# graces CTL UNIT PODMAN-SECONDS SYSTEMD-SECONDS
graces() {
	local stop="/usr/bin/podman stop -t $3 ${2#tripleo_}"
	drop_in "$1" "$2" "ExecStop=" "ExecStop=$stop" "ExecStopPost=" "ExecStopPost=$stop" "TimeoutStopSec=$4"
}

fault_mask() {
	in_sh "$1" "f=/etc/systemd/system/$2.service; rm -f \$f; ln -s /dev/null \$f; systemctl daemon-reload"
}

fault_absent() {
	in_sh "$1" "systemctl disable -q --now $2; rm -f /etc/systemd/system/$2.service /etc/octavia-lab/containers/${2#tripleo_}
		systemctl daemon-reload; systemctl reset-failed $2 2>/dev/null || true"
}

fault_misspelt() {
	local old=tripleo_octavia_health_manager new=tripleo_octavia_healthmanager
	in_sh "$1" "systemctl disable -q --now $old; cd /etc/systemd/system
		sed s/octavia_health_manager/octavia_healthmanager/g $old.service >$new.service; rm $old.service
		mv /etc/octavia-lab/containers/${old#tripleo_} /etc/octavia-lab/containers/${new#tripleo_}
		systemctl daemon-reload; systemctl reset-failed $old 2>/dev/null || true; systemctl enable -q --now $new"
}

fault_failed() {
	drop_in "$1" "$2" Type=simple PIDFile= Restart=no ExecStart= ExecStart=/bin/false ExecStop= ExecStopPost=
	in_sh "$1" "podman stop ${2#tripleo_} >/dev/null; systemctl restart $2 || true
		for i in 1 2 3 4 5 6 7 8 9; do systemctl -q is-failed $2 && break; sleep 0.1; done
		rm -rf /etc/systemd/system/$2.service.d; systemctl daemon-reload"
}

# A tiny tmpfs with the old contents, then filled, over each place.
fault_disk_full() {
	# shellcheck disable=SC2016 # the inner shell expands
	in_sh "$1" 'for d in '"$WRITE_DIRS"'; do
		t=$(mktemp -d -p /run); cp -a $d/. $t/; o=$(stat -c %u:%g $d); p=$(stat -c %a $d)
		mount -t tmpfs -o size=64k,mode=$p tmpfs $d; echo $d >>/run/lab-mounts; cp -a $t/. $d/ 2>/dev/null || true; chown $o $d
		cat /dev/zero >$d/.filler 2>/dev/null || true; rm -rf $t; done'
}

# netem where the kernel has it, else a narrow token bucket both ways.
fault_slow() {
	local veth=vb-$LAB_NAME-$1 bucket
	need tc iproute2
	bucket=(root tbf rate "${2:-32kbit}" burst 1600 latency 3s)
	tc qdisc replace dev "$veth" root netem delay 300ms 2>/dev/null && return
	tc qdisc replace dev "$veth" "${bucket[@]}"
	machine_exec "$1" tc qdisc replace dev host0 "${bucket[@]}"
}

fault_conf() {
	in_sh "$1" "grep -q '^$2=' $OCTAVIA_DIR/octavia.conf; sed -i 's#^$2=.*#$2=$3#' $OCTAVIA_DIR/octavia.conf"
}

fault_one() {
	local what=$1 m=$2
	shift 2
	case $what in
	sshd-down) machine_exec "$m" systemctl stop ssh.service ssh.socket ;;
	host-key) in_sh "$m" 'rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh' ;;
	sudo-password) in_sh "$m" 'echo "tripleo-admin ALL=(ALL) ALL" >/etc/sudoers.d/tripleo-admin' ;;
	sudo-denied) machine_exec "$m" rm -f /etc/sudoers.d/tripleo-admin ;;
	disk-full) fault_disk_full "$m" ;;
	read-only) in_sh "$m" "for d in $WRITE_DIRS; do mount --bind \$d \$d; echo \$d >>/run/lab-mounts; mount -o remount,bind,ro \$d; done" ;;
	link-down) ip link set "vb-$LAB_NAME-$m" down ;;
	slow) fault_slow "$m" "$@" ;;
	ignore-term) stop_takes "$m" "$1" never ;;
	still-stopping) stop_takes "$m" "$1" "${2:-30}" && graces "$m" "$1" $((${2:-30} + 30)) 2 ;;
	slow-stop) stop_takes "$m" "$1" "$2" && graces "$m" "$1" $(($2 + 30)) $(($2 + 30)) ;;
	mask) machine_exec "$m" systemctl stop "$1" && fault_mask "$m" "$1" ;;
	mask-active) fault_mask "$m" "$1" ;;
	absent) fault_absent "$m" "$1" ;;
	misspelt) fault_misspelt "$m" ;;
	respawn) machine_exec "$m" systemctl start "lab-respawn@$1.service" ;;
	inactive) machine_exec "$m" systemctl stop "$@" ;;
	stopped) in_sh "$m" 'systemctl stop "tripleo_octavia_*"' ;;
	disabled) machine_exec "$m" systemctl disable -q "$1" ;;
	failed) fault_failed "$m" "$1" ;;
	conf-differs) fault_conf "$m" "${1:-heartbeat_key}" "${2:-another-key-0123456789}" ;;
	conf-absent) machine_exec "$m" rm "$OCTAVIA_DIR/octavia.conf" ;;
	cert-differs) in_sh "$m" "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Another CA' -keyout /dev/null -out $OCTAVIA_DIR/certs/ca_01.pem 2>/dev/null" ;;
	galera-absent) in_sh "$m" 'rm /etc/octavia-lab/containers/galera-bundle-podman-*' ;;
	galera-down) in_sh "$m" 'sed -i s/.*/127.0.0.1/ /etc/octavia-lab/containers/galera-bundle-podman-*' ;;
	pcs-absent) machine_exec "$m" mv /usr/sbin/pcs /usr/sbin/pcs.absent ;;
	cluster-down) machine_exec "$m" systemctl stop pacemaker corosync ;;
	freeze) machine_freezer "$m" FROZEN || die "no freezer control group" ;;
	thaw) machine_freezer "$m" THAWED || die "no freezer control group" ;;
	power-off) machine_stop "$m" ;;
	power-on) start_machine "$m" && wait_ssh "$m" ;;
	reboot) machine_stop "$m" && start_machine "$m" && wait_ssh "$m" ;;
	*) fault_usage ;;
	esac
}

fault() {
	[ $# -ge 2 ] || fault_usage
	local what=$1 m=$2 i
	shift 2
	if [ "$m" != all ]; then
		fault_one "$what" "$m" "$@"
		return
	fi
	for i in $(all_controllers); do
		fault_one "$what" "$i" "$@"
	done
}

# ---- putting it right -----------------------------------------------------------

# clear [--soft] [CTL...]: healthy machines (default all). --soft puts right what
# is wrong in place and takes about a second; without it machines are made anew.
clear_() {
	local soft=''
	[ "${1:-}" != --soft ] || { soft=1; shift; }
	# shellcheck disable=SC2046 # a list of words
	[ $# -gt 0 ] || set -- $(all_controllers)
	if [ -n "$soft" ]; then
		each soften "$@"
	else
		keys
		each renew "$@"
	fi
	wait_cluster
}

soften() {
	local veth=vb-$LAB_NAME-$1
	if ! alive "$(mdir "$1")/nspawn.pid"; then
		renew "$1"
		return
	fi
	machine_freezer "$1" THAWED || true
	ip link set "$veth" up
	! tc qdisc show dev "$veth" 2>/dev/null | grep -qE 'netem|tbf' || tc qdisc del dev "$veth" root
	! machine_exec "$1" tc qdisc show dev host0 | grep -q tbf || machine_exec "$1" tc qdisc del dev host0 root
	machine_exec "$1" /usr/local/libexec/lab-heal
}

renew() {
	machine_stop "$1"
	rm -rf --one-file-system "$(mdir "$1")"
	start_machine "$1"
	wait_ssh "$1"
}
